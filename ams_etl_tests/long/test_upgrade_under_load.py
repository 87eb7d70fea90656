"""`ams-etl db upgrade` while a version from sixteen migrations before serves an agency under load, and goes on serving it."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from ams_etl.store.database import connect, dagster_url
from ams_etl.store.migrations import sql_folder
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.end_to_end.published_rows import count, published
from ams_etl_tests.end_to_end.served import CODE, free_port, take_notifications
from ams_etl_tests.installed_wheel import installed, wheel_of_commit
from ams_etl_tests.postgres import empty_database
from ams_etl_tests.processes import die_with_parent
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.waiting import answers, wait_for
from ams_etl_tests.writeback.sample_events import event

pytestmark = pytest.mark.long

OLD = "acc63e1b329c5fc25aff1e68b9caaab4ebd6d388"
"""Sixteen migrations before 0080: consents were there, suppressions, merged customers, call slots and session tickets were not."""
CUSTOMERS = 120
TOKEN = "token-of-the-platform-0123456789"
CITIES = """select min(s.customer_id), min(c.city) from mart.contacts c
join mart.contact_sources s using (agency, contact_id) where s.entity = 'customer' group by c.contact_id having count(*) = 1"""


@dataclass(slots=True)
class Version:
    """The processes of one version, its programs called by their paths."""

    programs: Path
    line: CommandLine
    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: object) -> subprocess.Popen[bytes]:
        """Start a program of this version; what it prints goes into a file."""
        with (self.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [str(self.programs / str(command[0])), *map(str, command[1:])], env=self.line.environment,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_parent,
                cwd=self.line.home,
            )  # fmt: skip
        return self.running[name]

    def said(self, name: str) -> str:
        """Return all that a process printed."""
        return (self.logs / f"{name}.log").read_text()

    def serve(self, port: int) -> None:
        """Start the inbound service and the follower, and wait until they work."""
        self.start("inbound", "ams-etl", "inbound", "--port", port)
        self.start("follow", "ams-etl", "follow")
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/healthz"), 180)

    def stop(self) -> None:
        """End what runs, as a service manager does."""
        for process in self.running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running.values():
            process.wait(40)


@dataclass(slots=True)
class Load:
    """Edits in AMS360, which it notifies, and events of the platform, until they are stopped."""

    sandbox: Sandbox
    port: int
    customers: list[str]
    cities: dict[str, str] = field(default_factory=dict)
    events: int = 0
    slowest: float = 0.0
    refused: list[str] = field(default_factory=list)
    _ends: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        rng = random.Random(5)
        for number in range(1_000_000):
            if self._ends.wait(0.1):
                return
            customer = rng.choice(self.customers)
            self.cities[customer] = f"Load {number}"
            self.sandbox.edit("customers", "update", customer, City=self.cities[customer])
            if number % 5 == 0:
                self._send(event("note", customer))

    def _send(self, sent: dict[str, object]) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/events/demo", json.dumps(sent).encode(), {"Authorization": f"Bearer {TOKEN}"}
        )
        began = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.events += answer.status == 202
        except OSError as error:
            self.refused.append(str(error))
        self.slowest = max(self.slowest, time.monotonic() - began)

    @contextmanager
    def going(self) -> Iterator[None]:
        """Make load meanwhile."""
        self._ends.clear()
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self._ends.set()
            thread.join()


@pytest.fixture(scope="module")
def old_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    return installed(wheel_of_commit(OLD, folder), folder)


@pytest.fixture
def empty(postgres_server: str) -> Iterator[str]:
    """An empty database, to be filled by the old version."""
    with empty_database(postgres_server, "upgraded") as url:
        yield url


def prepared(home: Path, url: str, sandbox: Sandbox) -> CommandLine:
    line = command_line(home, url, sandbox)
    take_notifications(line)
    written = yaml.safe_load((home / "agencies.yaml").read_text())
    del written["agencies"][0]["benefitpoint"]
    written["agencies"][0]["events"] = {"token_env": "TEST_TOKEN"}
    (home / "agencies.yaml").write_text(yaml.safe_dump(written))
    line.environment.update(
        TEST_TOKEN=TOKEN, AMS_ETL_DAGSTER_URL=dagster_url(url), DAGSTER_HOME=str(home / "dagster"),
        DAGSTER_DISABLE_TELEMETRY="1",
    )  # fmt: skip
    line.environment.pop("PYTHONPATH", None)
    return line


def at_rest(connection: psycopg.Connection[Any], load: Load) -> bool:
    """Whether every edit that was made last is in the mart, and every event is delivered."""
    cities = dict(connection.execute(CITIES).fetchall())
    late = [customer for customer, city in load.cities.items() if cities.get(customer) != city]
    return (
        not late
        and load.sandbox.ask("notifications")["waiting"] == 0
        and count(connection, "select count(*) from ops.notifications where state in ('received', 'pending')") == 0
        and count(connection, "select count(*) from ops.writebacks where status = 'delivered'") == load.events
    )


def state(connection: psycopg.Connection[Any], version: Version) -> str:
    found = [
        connection.execute(query).fetchall()
        for query in (
            "select state, reason, count(*) from ops.notifications group by 1, 2",
            "select status, count(*) from ops.writebacks group by 1",
            "select kind, error, count(*) from ops.follower_batches group by 1, 2",
            "select * from ops.follower_handovers",
        )
    ]
    return f"{found}\n{version.said('follow')[-3000:]}\n{version.said('inbound')[-3000:]}"


def test_the_old_version_serves_on_until_it_is_restarted(old_programs: Path, empty: str, tmp_path: Path) -> None:
    """Nothing is refused, fails or is lost while the migrations are applied and afterwards; then the new version goes on."""
    with running_sandbox(size=CUSTOMERS) as sandbox, connect(empty) as connection:
        line = prepared(tmp_path / "home", empty, sandbox)
        old = Version(old_programs, line, tmp_path)
        new = Version(Path(sys.executable).parent, line, tmp_path / "new")
        new.logs.mkdir()
        try:
            assert old.start("first_sync", "ams-etl", "sync", "demo").wait(300) == 0, old.said("first_sync")
            before = count(connection, "select count(*) from ops.schema_migrations")
            assert len(list(sql_folder().glob("[0-9]*.sql"))) - before >= 16
            port = free_port()
            old.serve(port)
            sandbox.put(
                "notifications", url=f"http://127.0.0.1:{port}/notifications/demo", code=CODE, retry="blocking",
                compress=10_000,
            )  # fmt: skip
            customers = sorted(dict(connection.execute(CITIES).fetchall()))
            load = Load(sandbox, port, customers)
            with load.going():
                wait_for(lambda: load.events >= 5, 180)
                # The old version reads everything while the schema changes under it.
                sandbox.faults(latency_ms=150)
                reading = old.start("sync_meanwhile", "ams-etl", "sync", "demo")
                wait_for(
                    lambda: count(connection, "select count(*) from ops.sync_runs where state = 'running'") > 0, 180
                )
                began = time.monotonic()
                upgrade = new.start("upgrade", "ams-etl", "db", "upgrade")
                assert upgrade.wait(120) == 0, new.said("upgrade")
                took = time.monotonic() - began
                assert reading.poll() is None, "the sync was to be in the middle"
                assert reading.wait(300) == 0, old.said("sync_meanwhile")
                # As a run of the old daemon: it asks for no migration.
                execute = ("dagster", "job", "execute", "-m", "ams_etl.definitions", "-j", "sync")
                tags = json.dumps({"dagster/partition": "demo"})
                assert old.start("sync_after", *execute, "--tags", tags).wait(300) == 0, old.said("sync_after")
                sandbox.faults(latency_ms=0)
            assert count(connection, "select count(*) from ops.schema_migrations") == len(
                list(sql_folder().glob("[0-9]*.sql"))
            )
            wait_for(lambda: at_rest(connection, load), 180, state=lambda: state(connection, old))
            for name in ("inbound", "follow"):
                assert old.running[name].poll() is None, old.said(name)
                assert "rror" not in old.said(name), old.said(name)
            assert count(connection, "select count(*) from ops.follower_batches where error is not null") == 0
            assert count(connection, "select count(*) from ops.notifications where state = 'parked'") == 0
            assert load.refused == []
            print(
                f"{len(load.cities)} customers and {load.events} events; the migrations took {took:.1f} s, "
                f"the slowest answer {load.slowest:.1f} s"
            )
            old.stop()
            # Its rules differ, so that the follower leaves the agency to runs until one has derived everything.
            assert new.start("sync", "ams-etl", "sync", "demo").wait(300) == 0, new.said("sync")
            new.serve(port)
            with load.going():
                time.sleep(5)
            wait_for(lambda: at_rest(connection, load), 180, state=lambda: state(connection, new))
            assert load.refused == []
        finally:
            old.stop()
            new.stop()
        assert published(connection) == rebuilt(tmp_path, empty, sandbox)


def rebuilt(tmp_path: Path, url: str, sandbox: Sandbox) -> dict[str, list[object]]:
    """What a new installation of this version publishes of the same agency."""
    fresh = url.rsplit("/", 1)[0] + "/upgraded_rebuilt"
    with connect(url) as connection:
        connection.execute("create database upgraded_rebuilt")
    try:
        prepared(tmp_path / "fresh", fresh, sandbox).run("sync", "demo")
        with connect(fresh) as connection:
            return published(connection)
    finally:
        with connect(url) as connection:
            connection.execute("drop database upgraded_rebuilt with (force)")


def test_the_job_that_needs_a_stop_is_the_one_that_the_page_names(
    old_programs: Path, database: str, tmp_path: Path
) -> None:
    """0062 dropped a table: the old version's `retention` fails for an agency with deleted changes, until it is restarted."""
    with connect(database) as connection:
        connection.execute(
            """insert into mart.changes (agency, entity, entity_id, op, at)
            values ('demo', 'contact', 'x', 'insert', now() - interval '100 days')"""
        )
        script = (
            "import sys; from datetime import datetime, UTC; from ams_etl.settings import RetentionSettings; "
            "from ams_etl.store.database import connect; from ams_etl.store.maintenance.retention import prune\n"
            "with connect(sys.argv[1]) as c: prune(c, 'demo', RetentionSettings(), datetime.now(UTC))"
        )
        command = [str(old_programs / "python"), "-c", script, database]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert 'relation "ops.pruned_changes" does not exist' in done.stderr, done.stderr
        assert count(connection, "select count(*) from mart.changes") == 1, "nothing is deleted without its horizon"
