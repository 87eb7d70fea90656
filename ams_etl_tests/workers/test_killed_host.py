"""40 agencies on three hosts of which one loses its power: its agencies are read elsewhere, each once at a time."""

import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import yaml

from ams_etl.settings import load_agencies
from ams_etl.store.database import connect
from ams_etl.store.embedded import running_server, server_root, stop
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl.sync.contacts.derive import derive_dirty, mark_due
from ams_etl.sync.contacts.plan import make_plan
from ams_etl.sync.contacts.publish import publish
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.extract.reference import extract_reference
from ams_etl.sync.scope import SyncScope
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.end_to_end.graphql import UserInterface
from ams_etl_tests.end_to_end.published_rows import count, published
from ams_etl_tests.end_to_end.served import served
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.waiting import wait_for
from ams_etl_tests.workers.agencies import list_agencies, names, sandbox_options
from ams_etl_tests.workers.machines_in_namespaces import ADDRESS, NETWORK, Host, hosts
from ams_etl_tests.workers.redis_server import running_redis

COUNT = 40
CUSTOMERS = 40
SLOTS = 2
HOSTS = ["amsetl-h1", "amsetl-h2", "amsetl-h3"]
AUDIT = """
create table lease_history (at timestamptz default clock_timestamp(), agency text, subject text, generation bigint, holder text,
    old_generation bigint, old_holder text, old_expires_at timestamptz);
create function remember_lease() returns trigger language plpgsql as $$ begin
    if new.generation <> old.generation then
        insert into lease_history (agency, subject, generation, holder, old_generation, old_holder, old_expires_at)
        values (new.agency, new.subject, new.generation, new.holder, old.generation, old.holder, old.expires_at);
    end if;
    return new; end $$;
create trigger remember_lease after update on ops.leases for each row execute function remember_lease();
"""
EXPIRED_OR_FREE = "select count(*) from lease_history where old_holder is not null and old_expires_at > at"


@contextmanager
def open_postgres(home: Path) -> Iterator[str]:
    """An embedded server that the other hosts reach, too."""
    url = running_server(home)
    try:
        with connect(url) as connection:
            connection.execute(f"alter system set listen_addresses = '127.0.0.1,{ADDRESS}'")
        with (server_root(home) / "postgres" / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {NETWORK}.0/24 scram-sha-256\n")
        stop(home)
        url = running_server(home)
        yield url.replace("127.0.0.1", ADDRESS)
    finally:
        stop(home)
        shutil.rmtree(server_root(home), ignore_errors=True)


class Observer:
    """Sees every 0.1 s which runs have a process, wherever it is."""

    def __init__(self, agency_of: dict[str, str]) -> None:
        self._agency_of = agency_of
        self.twice: Counter[str] = Counter()
        self.looks = 0
        self.host_of: dict[str, str] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._observe, daemon=True)
        self._thread.start()

    def _observe(self) -> None:
        while not self._ended.wait(0.1):
            working = Counter[str]()
            for process in psutil.process_iter(["cmdline", "status"]):
                command = process.info["cmdline"] or []
                if "ams_etl.workers.run_process" in command and process.info["status"] != psutil.STATUS_ZOMBIE:
                    run = command[command.index("ams_etl.workers.run_process") + 1]
                    with suppress(psutil.Error):
                        self.host_of[run] = Path(process.environ()["AMS_ETL_HOME"]).name
                    if run in self._agency_of:
                        working[self._agency_of[run]] += 1
            self.twice.update({agency: 1 for agency, processes in working.items() if processes > 1})
            self.looks += 1

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


def agencies_by_run(connection: psycopg.Connection[Any]) -> dict[str, str]:
    return dict(connection.execute("select run_id, value from run_tags where key = 'dagster/partition'").fetchall())


def statuses(connection: psycopg.Connection[Any]) -> Counter[str]:
    return Counter(dict(connection.execute("select status, count(*) from runs group by 1").fetchall()))


def rebuild(url: str, line: CommandLine, sandbox: Sandbox) -> dict[str, list[Any]]:
    """Read, derive and publish every agency in a new database, one after the other, without Dagster."""
    agencies = load_agencies(line.home / "agencies.yaml")
    with connect(url) as connection:
        connection.execute("create database rebuilt")
    with connect(url.rpartition("/")[0] + "/rebuilt") as connection:
        upgrade(connection, sql_folder())
        for agency in agencies.all:
            assert agency.ams360 is not None
            today = datetime.now(agencies.schedule.zone).date()
            reach = sandbox.connection(agency_no=agency.ams360.agency_no)
            extract_reference(connection, agency.id, reach)
            extract(connection, agency.id, reach, SyncScope())
            mark_due(connection, agency.id, agency.settings, today)
            derive_dirty(connection, agency.id, agency.settings, today)
            make_plan(connection, agency.id, agency.settings, agency.brake, today)
            publish(connection, agency.id)
        return published(connection)


@dataclass(frozen=True, slots=True)
class Machines:
    """The machine with the daemon, and those that execute runs."""

    line: CommandLine
    url: str
    sandbox: Sandbox
    ui: UserInterface
    connection: psycopg.Connection[Any]
    hosts: list[Host]


@contextmanager
def machines(place: Path, agencies: int, customers: int, hosts_named: list[str]) -> Iterator[Machines]:
    """Start everything, with no agency read yet."""
    for folder in (place, *place.parents[:3]):
        with suppress(PermissionError):
            folder.chmod(folder.stat().st_mode | 0o011)
    daemon = place / "daemon"
    daemon.mkdir()
    with (
        hosts(hosts_named, hidden=daemon) as made,
        open_postgres(place / "postgres") as url,
        running_redis(place / "redis", host=ADDRESS) as broker,
        running_sandbox(size=5, more=("--host", ADDRESS, *sandbox_options(agencies, customers))) as sandbox,
    ):
        line = command_line(daemon, url, sandbox)
        list_agencies(line.home / "agencies.yaml", agencies, max_concurrency=2)
        line.environment.update({"AMS_ETL_CELERY_BROKER": broker, "DAGSTER_HOME": str(daemon / "dagster")})
        (daemon / "dagster").mkdir()
        instance = yaml.safe_load((Path(__file__).parents[2] / "deploy/celery/dagster.yaml").read_text())
        instance["concurrency"]["runs"]["max_concurrent_runs"] = SLOTS * len(made)
        own = daemon / "own-dagster.yaml"
        own.write_text(yaml.safe_dump(instance))
        (daemon / "dagster" / "dagster.yaml").symlink_to(own)
        line.run("env")
        with served(line, "--no-follow") as address, connect(url) as connection:
            connection.execute(AUDIT)
            start_workers(made, line, place)
            yield Machines(line, url, sandbox, UserInterface(address), connection, made)


@pytest.mark.long
def test_forty_agencies_on_three_hosts_of_which_one_loses_its_power(tmp_path: Path) -> None:
    with machines(tmp_path, COUNT, CUSTOMERS, HOSTS) as started:
        started.sandbox.faults(latency_ms=60)
        print(carry_on(started.ui, started.connection, started.hosts))
        started.sandbox.faults(latency_ms=0)
        compare_with_a_rebuild(started)


@pytest.mark.long
def test_a_host_that_is_cut_off_stops_its_runs_before_others_take_them_over(tmp_path: Path) -> None:
    """It lives, and works on for as long as it is not taken for dead; once it is connected again it takes runs as before."""
    with machines(tmp_path, 2, 40, HOSTS[:2]) as started:
        lonely, ui = started.hosts[0], started.ui
        started.sandbox.faults(latency_ms=400)
        runs = [ui.launch("sync", agency) for agency in names(2)]
        wait_for(lambda: read_on(started, lonely), 300)
        (run, *_) = read_on(started, lonely)
        (process,) = (found for found in map(psutil.Process, lonely.processes()) if run in found.cmdline())
        lonely.cut_off()
        cut = time.monotonic()
        # Asked now, since the other run may have come to this host a moment before the cut, and none comes after it.
        lost = count(started.connection, f"select count(*) from ops.run_heartbeats where host = '{lonely.name}'")
        psutil.wait_procs([process], timeout=60)
        gone = time.monotonic() - cut
        assert not process.is_running()
        assert ui.status(run) == "STARTED", "it was recorded as ended while its process lived"
        assert ui.ended(run, 90) == "FAILURE"
        failed = time.monotonic() - cut
        started.sandbox.faults(latency_ms=0)
        ended = {"SUCCESS": len(runs), "FAILURE": lost}
        wait_for(lambda: statuses(started.connection) == ended, 300, lambda: str(statuses(started.connection)))
        assert count(started.connection, EXPIRED_OR_FREE) == 0
        lonely.connect()
        later = [ui.launch("sync", agency) for agency in names(2)]
        observer = Observer(agencies_by_run(started.connection))
        assert [ui.ended(run) for run in later] == ["SUCCESS", "SUCCESS"]
        observer.end()
        print(
            f"cut off: the process was gone after {gone:.0f} s, the run failed after {failed:.0f} s; {observer.host_of}"
        )
        compare_with_a_rebuild(started)


def read_on(started: Machines, host: Host) -> list[str]:
    """The runs that read an agency in full on a host."""
    found = started.connection.execute(
        """select b.run_id from ops.run_heartbeats b join ops.leases l on l.holder = 'run ' || b.run_id
        where b.host = %s and l.subject = 'full_read' and b.beat_at > now() - interval '8 seconds'""",
        (host.name,),
    ).fetchall()
    return [run for (run,) in found]


def compare_with_a_rebuild(started: Machines) -> None:
    compared = rebuild(started.url, started.line, started.sandbox)
    found = published(started.connection)
    for table, rows in compared.items():
        assert rows, table
        assert found[table] == rows, f"mart.{table} is not what a rebuild gives"


def start_workers(made: list[Host], line: CommandLine, place: Path) -> None:
    """Each with a home of its own, in which it finds the list of agencies; the daemon's home is not there."""
    for host in made:
        home = place / host.name
        home.mkdir()
        shutil.copyfile(line.home / "agencies.yaml", home / "agencies.yaml")
        environment = {**line.environment, "AMS_ETL_HOME": str(home)}
        del environment["DAGSTER_HOME"]
        command = [sys.executable, "-m", "ams_etl.cli", "worker", "--name", host.name, "--slots", str(SLOTS)]
        host.start(command, environment, place / f"{host.name}.log")


def carry_on(ui: UserInterface, connection: psycopg.Connection[Any], made: list[Host]) -> str:
    """Launch all, cut one host off in the middle of its runs, wait for the end; return the figures."""
    began = time.monotonic()
    for agency in names(COUNT):
        ui.launch("sync", agency)
    agency_of = agencies_by_run(connection)
    assert len(agency_of) == COUNT
    observer = Observer(agency_of)
    try:
        victim = made[0]
        held = f"""select b.run_id from ops.run_heartbeats b join ops.leases l on l.holder = 'run ' || b.run_id
            where b.host = '{victim.name}' and l.subject = 'full_read' and b.beat_at > now() - interval '8 seconds'"""
        deadline = time.monotonic() + 300
        while statuses(connection)["SUCCESS"] < 5 or len(lost := connection.execute(held).fetchall()) < SLOTS:
            assert time.monotonic() < deadline, statuses(connection)
            time.sleep(0.1)
        victim.lose_power()
        killed = time.monotonic()
        lost_runs = [run for (run,) in lost]
        failed_after, again_after = {}, {}
        deadline = time.monotonic() + 900
        while True:
            agency_of.update(agencies_by_run(connection))
            for run in lost_runs:
                if run not in failed_after and ui.status(run) == "FAILURE":
                    failed_after[run] = time.monotonic() - killed
                again = connection.execute(
                    """select t.run_id from run_tags t join ops.run_heartbeats b using (run_id)
                    where t.key = 'dagster/parent_run_id' and t.value = %s and b.host <> %s""",
                    (run, victim.name),
                ).fetchone()
                if again and run not in again_after:
                    again_after[run] = time.monotonic() - killed
            now = statuses(connection)
            if now["SUCCESS"] >= COUNT and not now.keys() - {"SUCCESS", "FAILURE"}:
                break
            assert time.monotonic() < deadline, now
            time.sleep(0.3)
    finally:
        observer.end()
    done = time.monotonic() - began
    assert set(failed_after) == set(again_after) == set(lost_runs)
    assert now == {"SUCCESS": COUNT, "FAILURE": len(lost_runs)}, now
    assert observer.twice == {}, observer.twice
    assert {observer.host_of[run] for run in lost_runs} == {victim.name}
    assert count(connection, EXPIRED_OR_FREE) == 0, "a lease passed on while its holder had it"
    assert count(connection, "select count(*) from lease_history where subject = 'full_read'") >= COUNT + len(lost_runs)
    assert count(connection, "select count(*) from ops.leases where holder is not null") == 0
    published_agencies = count(connection, "select count(distinct agency) from mart.contacts")
    assert published_agencies == COUNT
    last = [f"{seconds:.0f}" for seconds in failed_after.values()]
    again_at = [f"{seconds:.0f}" for seconds in again_after.values()]
    return (
        f"{COUNT} agencies of {CUSTOMERS} customers, {len(made)} hosts of {SLOTS} slots: {done:.0f} s in all; "
        f"{len(lost_runs)} runs lost {killed - began:.0f} s after the first launch, failed {', '.join(last)} s after that, "
        f"at work elsewhere after {', '.join(again_at)} s; {observer.looks} looks, no agency twice; "
        f"runs by host {dict(Counter(observer.host_of.values()))}"
    )
