"""A large storm through the real Dagster daemon: edits whose notifications are lost, doubled and overtaken, and kills.

    python -m ams_etl_tests.long.notification_storm [--edits 2000] [--customers 1000] [--kills 8] [--seed 1]
    python -m ams_etl_tests.long.notification_storm --followers 2 --events 2000 --kills 12

The inbound service, the daemon with all its children, a run's process or the followers, and Postgres are killed in turn while the
edits go on; what died is started again, as a service manager would. Events are posted beside the edits, each again until it is
acknowledged. Then the daily sweep and the weekly resync run. Ends with code 1 when the mart is not what a rebuild gives, an
acknowledged notification is not settled, what is published as missed is not exactly what nobody announced, or an event's note is
missing or doubled in AMS360: a write whose reply died with its follower is uncertain (W9), and in AMS360 once or not at all.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack, suppress
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psutil
import psycopg
import yaml

from ams_etl.cli.instance import dagster_instance, prepare, run_job
from ams_etl.errors import AmsEtlError
from ams_etl.settings import load_agencies
from ams_etl.settings.shipped import shipped
from ams_etl.store.database import connect
from ams_etl.store.embedded import running_server, server_root, stop
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.notifications.freshness import freshness_of
from ams_etl.sync.scope import SyncScope
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.end_to_end.served import CODE, free_port, take_notifications
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.sync.agency_edits import Editor
from ams_etl_tests.sync.notification_storm import behind, missed, states, unaccounted
from ams_etl_tests.sync.source_history import AGENCY, mart, rebuilt
from ams_etl_tests.writeback.sample_events import event

VICTIMS = ("door", "run", "postgres", "daemon")
FOLLOWED = ("door", "follower 0", "postgres", "daemon", "follower 1")
TOKEN = "token-of-the-storm-0123456789"
_NOTE = re.compile(r"Note \d+ of the storm\.")


class Services:
    """The inbound service, the daemon and the followers, restarted whenever they are found dead."""

    def __init__(self, line: CommandLine, followers: int) -> None:
        self._line = line
        self._followers = followers
        self.port = free_port()
        self.kills: Counter[str] = Counter()
        self._log = (line.home / "services.log").open("ab")
        self._running: dict[str, psutil.Popen] = {}

    def keep_up(self) -> None:
        """Start what does not live."""
        commands = {
            "door": [sys.executable, "-m", "ams_etl.cli", "inbound", "--port", str(self.port)],
            "daemon": [
                str(Path(sys.executable).parent / "dagster-daemon"), "run", "-w", str(shipped("workspace.yaml")),
                "--log-level", "warning",
            ],
            **{f"follower {at}": [sys.executable, "-m", "ams_etl.cli", "follow"] for at in range(self._followers)},
        }  # fmt: skip
        for name, command in commands.items():
            process = self._running.get(name)
            if process is None or process.poll() is not None:
                self._running[name] = psutil.Popen(
                    command, env=self._line.environment, stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL
                )

    def kill(self, what: str) -> None:
        """As a crash would; a run only where one has its process just now."""
        if what == "postgres":
            pid_file = server_root(self._line.home) / "postgres" / "postmaster.pid"
            victims = [psutil.Process(int(pid_file.read_text().split()[0]))]
        elif what == "run":
            victims = self._runs()
        else:
            victims = [*self._running[what].children(recursive=True), self._running[what]]
        for process in victims:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.kills[what] += bool(victims)

    def stop(self) -> None:
        """End all with all their children."""
        for name in self._running:
            self.kill(name)

    def _runs(self) -> list[psutil.Process]:
        found = []
        for child in self._running["daemon"].children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if "spawn_main" in " ".join(child.cmdline()):
                    found.append(child)
        return found[:1]


def _agency(home: Path, sandbox: Sandbox) -> CommandLine:
    line = command_line(home, "", sandbox)
    take_notifications(line)
    path = home / "agencies.yaml"
    written = yaml.safe_load(path.read_text())
    written["agencies"][0]["id"] = AGENCY
    written["agencies"][0]["events"] = {"token_env": "STORM_TOKEN"}
    line.environment["STORM_TOKEN"] = TOKEN
    path.write_text(yaml.safe_dump(written))
    del line.environment["AMS_ETL_DATABASE_URL"]
    os.environ.pop("AMS_ETL_DATABASE_URL", None)
    os.environ.update(line.environment)
    prepare()
    line.environment.update({name: os.environ[name] for name in ("AMS_ETL_DAGSTER_URL", "DAGSTER_HOME")})
    return line


class Platform:
    """A platform that posts notes, each again until it is acknowledged."""

    def __init__(self, port: int, customers: list[str]) -> None:
        self._port, self._customers = port, customers
        self.posted: list[str] = []
        self._waiting: list[dict[str, Any]] = []

    def post(self, count: int) -> None:
        """Post so many new notes, and those that no answer came to."""
        for _ in range(count):
            text = f"Note {len(self.posted)} of the storm."
            self._waiting.append(event("note", self._customers[len(self.posted) % len(self._customers)], text=text))
            self.posted.append(text)
        if not self._waiting:
            return
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/events/{AGENCY}",
            json.dumps(self._waiting).encode(),
            {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        with suppress(OSError, HTTPException):
            urllib.request.urlopen(request, timeout=10).close()
            self._waiting = []

    def post_rest(self, services: Services) -> None:
        """Post until everything is acknowledged."""
        while self._waiting:
            services.keep_up()
            self.post(0)
            time.sleep(0.5)

    def wrong_in(self, connection: psycopg.Connection[Any], sandbox: Sandbox) -> list[str]:
        """Compare the outbox with what AMS360 has and with its log of writes, and print how many are uncertain.

        A customer that was deleted takes its notes along, so a note may be missing there; the log keeps every write.
        """
        rows = connection.execute(
            """select e.payload ->> 'text', w.customer_id,
                case when w.error like '%customer was not found%' then 'customer gone' else w.status end
            from ops.events e join ops.writebacks w using (agency, event_id)"""
        ).fetchall()
        print(f"{len(self.posted):,} events; writes: {dict(Counter(status for *_, status in rows))}")
        inserted = Counter(
            write["customer_id"] for write in sandbox.ask("writes") if write["operation"] == "CustomerNoteInsert"
        )
        delivered = Counter(customer for _, customer, status in rows if status == "delivered")
        uncertain = Counter(customer for _, customer, status in rows if status == "uncertain")
        there = Counter(text for note in sandbox.ask("state/notes") for text in _NOTE.findall(note["NoteText"]))
        wrong = []
        if sorted(text for text, *_ in rows) != sorted(self.posted):
            wrong.append("not every note has one write")
        if unlike := [key for key in inserted | delivered if not 0 <= inserted[key] - delivered[key] <= uncertain[key]]:
            wrong.append(f"AMS360 wrote more or fewer notes than were delivered, for {len(unlike)} customers")
        if doubled := [text for text, count in there.items() if count > 1]:
            wrong.append(f"{len(doubled)} notes are doubled")
        return wrong


def _strike(
    given: argparse.Namespace,
    sandbox: Sandbox,
    services: Services,
    platform: Platform,
    editor: Editor,
    rng: random.Random,
) -> None:
    at = sorted(rng.sample(range(given.edits // 10, given.edits), given.kills))
    kinds = FOLLOWED if given.followers else VICTIMS
    victims = list(kinds) * (given.kills // len(kinds) + 1)
    pending: list[str] = []
    for place in range(given.edits):
        what = rng.random()
        if what < 0.02:
            editor.new_customer()
        elif what < 0.04:
            editor.undelete()
        else:
            editor.edit(rng.choice(sandbox.ask("customers"))[0])
        time.sleep(rng.uniform(0, 2 * given.seconds / given.edits))
        platform.post((place + 1) * given.events // given.edits - len(platform.posted))
        if place in at:
            pending.append(victims.pop(0))
        if pending:
            before = services.kills.total()
            with suppress(OSError, IndexError, psutil.Error):
                services.kill(pending[0])
            if services.kills.total() > before:
                print(f"{place:6} edits: killed {pending.pop(0)}", flush=True)
        if place % 25 == 0:
            services.keep_up()


def _rest(home: Path, sandbox: Sandbox, services: Services) -> None:
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline:
        services.keep_up()
        with suppress(psycopg.OperationalError, AmsEtlError), connect(running_server(home)) as connection:
            # A failed run's notifications would wait for half a minute and more.
            connection.execute("update ops.notifications set not_before = now() where not_before > now()")
            left = connection.execute(
                """select (select count(*) from ops.notifications where state in ('received', 'pending'))
                    + (select count(*) from ops.notification_batches where closed_at is null)
                    + (select count(*) from ops.events where state = 'received')
                    + (select count(*) from ops.writebacks where status not in ('delivered', 'uncertain', 'failed'))
                    + (select count(*) from runs where status not in ('SUCCESS', 'FAILURE', 'CANCELED'))"""
            ).fetchone()
            if sandbox.ask("notifications")["waiting"] == 0 and left == (0,):
                return
        time.sleep(0.5)
    raise SystemExit("notifications still wait after fifteen minutes")


def _sync(config: dict[str, Any]) -> None:
    with dagster_instance() as instance:
        run_job("sync", AGENCY, config, instance)


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--edits", type=int, default=2000)
    asked.add_argument("--customers", type=int, default=1000)
    asked.add_argument("--kills", type=int, default=8)
    asked.add_argument("--followers", type=int, default=0, help="0: the sensors and runs do everything")
    asked.add_argument("--events", type=int, default=0)
    asked.add_argument("--seconds", type=float, default=240, help="over which the edits are spread")
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    rng = random.Random(given.seed)
    home = Path(tempfile.mkdtemp(prefix="storm-"))
    home.chmod(0o711)
    try:
        with running_sandbox(size=given.customers) as sandbox, ExitStack() as stack:
            line = _agency(home, sandbox)
            _sync({"trigger": "weekly_resync"})
            services = Services(line, given.followers)
            stack.callback(services.stop)
            services.keep_up()
            sandbox.put(
                "notifications", url=f"http://127.0.0.1:{services.port}/notifications/{AGENCY}", code=CODE,
                retry="blocking", compress=10_000, lose=0.05, double=0.05, reorder=0.5, seed=given.seed,
            )  # fmt: skip
            editor = Editor(sandbox, rng)
            began = time.monotonic()
            platform = Platform(services.port, [key for key, _ in sandbox.ask("customers")[:200]])
            _strike(given, sandbox, services, platform, editor, rng)
            platform.post_rest(services)
            edited = time.monotonic() - began
            _rest(home, sandbox, services)
            rested = time.monotonic() - began - edited
            kills = dict(services.kills)
            services.stop()
            wrong = _compare(home, sandbox, editor)
            with connect(running_server(home)) as connection:
                wrong += platform.wrong_in(connection, sandbox)
        print(f"{given.edits:,} edits in {edited:.0f} s, at rest {rested:.0f} s later; kills {kills}")
        print(f"wrong: {wrong or 'nothing'}")
        sys.exit(bool(wrong))
    finally:
        stop(home)


def _compare(home: Path, sandbox: Sandbox, editor: Editor) -> list[str]:
    """Run the remaining triggers, then compare everything with the sandbox."""
    wrong = []
    report = sandbox.ask("notifications")
    url = running_server(home)
    with connect(url) as connection:
        connection.execute("create database fresh")
    fresh_url = url.rpartition("/")[0] + "/fresh"
    with connect(fresh_url) as fresh, connect(url) as connection:
        upgrade(fresh, sql_folder())
        extract(fresh, AGENCY, sandbox.connection(), SyncScope())
        expected = behind(connection, fresh)
        _sync({"sweep": True, "trigger": "daily_sweep"})
        by_day = len(missed(connection))
        _sync({"trigger": "weekly_resync"})
        agencies = load_agencies(home / "agencies.yaml")
        settings, today = agencies.get(AGENCY).settings, datetime.now(agencies.schedule.zone).date()
        ended = states(connection)
        found = freshness_of(connection, AGENCY)
        runs = connection.execute(
            "select outcome, count(*) from ops.notification_batches group by 1 order by 1"
        ).fetchall()
        sent = Counter(change for raised in editor.raised.values() for change in raised) - editor.unsent()
        if behind(connection, fresh, silent=True):
            wrong.append("raw is not what AMS360 has")
        if mart(connection) != rebuilt(connection, settings, today):
            wrong.append("the mart is not what a rebuild gives")
        if not ended.keys() <= {"done", "ignored"} or sum(ended.values()) < report["delivered"]:
            wrong.append(f"not every acknowledged notification is settled: {ended}")
        if left := unaccounted(connection, sent):
            wrong.append(f"{left.total()} notifications that were sent are not there as done")
        if missed(connection) != expected:
            wrong.append(f"missed: published {len(missed(connection))}, truly {len(expected)}")
    print(
        f"notifications: {report['raised']:,} raised, {report['lost']} lost, {report['doubled']} doubled, "
        f"{report['reordered']:,} overtaken"
    )
    print(f"states: {ended}; batches: {dict(runs)}")
    print(f"missed: {len(expected)} records, {by_day} of them found by the daily sweep; rate {found.missed_rate:.2%}")
    print(f"staleness amid the kills: p50 {found.p50_seconds:.0f} s, p95 {found.p95_seconds:.0f} s")
    return wrong


if __name__ == "__main__":
    main()
