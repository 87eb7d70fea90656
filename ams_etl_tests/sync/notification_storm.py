"""A storm: edits whose notifications are lost, doubled and reordered, while door, worker and Postgres are killed.

What came of it is compared with the sandbox itself: its records, read again into a database of their own, and its log of
what it never sent.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from ams_etl.errors import TransientError
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.database import connect
from ams_etl.store.embedded import running_server, server_root
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.raw.ams360_tables import ID_MEMBERS, OBJECT_TYPES, UNANNOUNCED_MEMBERS
from ams_etl.sync.scope import SyncScope
from ams_etl_tests.inbound.service_process import AGENCIES, CODE, Service, running_service
from ams_etl_tests.processes import die_with_parent
from ams_etl_tests.sandbox_process import AGENCY_NO, Sandbox
from ams_etl_tests.sync.agency_edits import Raised
from ams_etl_tests.sync.notified_worker import TODAY
from ams_etl_tests.sync.source_history import AGENCY, refresh

DAILY = SyncScope(sweep=True, trigger="daily_sweep")
WEEKLY = SyncScope(trigger="weekly_resync")
Record = tuple[str, str]
"""Object type and entity id."""


class Parts:
    """The inbound service and the worker, on a home with a Postgres of its own: to be killed, and started again.

    Args:
        home: of the inbound service.
        sandbox: sends to the inbound service's address.
        seed: of the worker's failures.
    """

    def __init__(self, home: Path, sandbox: Sandbox, seed: int) -> None:
        self._home, self._sandbox, self._rng = home, sandbox, random.Random(seed)
        self._doors = ExitStack()
        self._worker: subprocess.Popen[str] | None = None
        self._door = self._start_door(0)
        self.kills: Counter[str] = Counter()
        self.keep_working()

    @property
    def url(self) -> str:
        """The inbound service's address."""
        return self._door.url

    def kill(self, what: str) -> None:
        """As a crash would: `door`, `worker` or `postgres`."""
        self.kills[what] += 1
        if what == "door":
            self._door.kill()
            self._door = self._start_door(int(self._door.url.rpartition(":")[2]))
        elif what == "worker":
            assert self._worker is not None
            self._worker.kill()
            self._worker.wait()
        else:
            pid_file = server_root(self._home) / "postgres" / "postmaster.pid"
            with suppress(OSError, IndexError):
                os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
        self.keep_working()

    def keep_working(self) -> None:
        """Start a worker where none lives."""
        if self._worker is None or self._worker.poll() is not None:
            self._worker = subprocess.Popen(
                [
                    sys.executable, "-m", "ams_etl_tests.sync.notified_worker", str(self._home), self._sandbox.url,
                    self._sandbox.wsdl, str(self._rng.random()),
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=die_with_parent,
                text=True,
            )  # fmt: skip

    def stop(self) -> None:
        """End both."""
        if self._worker is not None:
            self._worker.kill()
            self._worker.wait()
        self._doors.close()

    def _start_door(self, port: int) -> Service:
        return self._doors.enter_context(running_service(self._home, None, port))


def write_home(home: Path, sandbox: Sandbox) -> None:
    """An agencies file for the inbound service."""
    home.mkdir(parents=True, exist_ok=True)
    text = AGENCIES.format(wsdl=sandbox.wsdl, agency_no=AGENCY_NO, version="2.0", capture="false")
    (home / "agencies.yaml").write_text(text.replace("id: demo", f"id: {AGENCY}"))


@contextmanager
def parts(home: Path, sandbox: Sandbox, seed: int) -> Iterator[Parts]:
    """Everything running, the sandbox sending to the inbound service: some lost, some doubled, half of it overtaken."""
    running = Parts(home, sandbox, seed)
    try:
        sandbox.put(
            "notifications", url=f"{running.url}/notifications/{AGENCY}", code=CODE, retry="blocking", compress=40_000,
            lose=0.05, double=0.05, reorder=0.5, seed=seed,
        )  # fmt: skip
        yield running
    finally:
        running.stop()


def rest(home: Path, sandbox: Sandbox, running: Parts) -> None:
    """Until nothing waits, neither there nor here; whatever died is started again."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        running.keep_working()
        with suppress(psycopg.OperationalError, TransientError), connect(running_server(home)) as connection:
            # First there, then here: what it still has is not here yet.
            if sandbox.ask("notifications")["waiting"] == 0 and not _waiting(connection):
                return
        time.sleep(0.1)
    raise AssertionError("notifications still wait")


def _waiting(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(
        """select (select count(*) from ops.notifications where state in ('received', 'pending'))
            + (select count(*) from ops.notification_batches where closed_at is null)"""
    ).fetchone()
    return int(row[0]) if row else 0


def behind(connection: psycopg.Connection[Any], fresh: psycopg.Connection[Any], *, silent: bool = False) -> set[Record]:
    """Which records raw has otherwise than a reading from nothing has; `silent` counts members that no notification announces."""
    found: set[Record] = set()
    for table, object_type in OBJECT_TYPES.items():
        unannounced = [] if silent else list(UNANNOUNCED_MEMBERS.get(table, ()))
        query = f"select entity_id, (payload - %s::text[])::text from raw_ams360.{table} where deleted_at is null"
        ours, theirs = (set(entry.execute(query, (unannounced,)).fetchall()) for entry in (connection, fresh))
        found |= {(object_type, entity_id) for entity_id, _ in ours ^ theirs}
    return found


def missed(connection: psycopg.Connection[Any]) -> set[Record]:
    """What is published as never announced."""
    return set(connection.execute("select object_type, entity_id from ops.missed_changes").fetchall())


def unaccounted(connection: psycopg.Connection[Any], sent: Counter[Raised]) -> Counter[Raised]:
    """What was sent and acknowledged, of the records that raw keeps, and is not there as done."""
    kinds = {object_type: kind for kind, object_type in OBJECT_TYPES.items()}
    there = Counter(
        (kinds[object_type], change, keys[ID_MEMBERS[kinds[object_type]]])
        for object_type, change, keys in connection.execute(
            "select object_type, change, keys from ops.notifications where state = 'done' and object_type = any(%s)",
            (list(kinds),),
        )
    )
    return Counter({entry: count for entry, count in sent.items() if entry[0] in OBJECT_TYPES}) - there


def states(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """How many requests ended in each state."""
    return dict(
        connection.execute("select state, count(*) from ops.notifications where part = 0 group by 1").fetchall()
    )


def sync(connection: psycopg.Connection[Any], sandbox: Sandbox, scope: SyncScope) -> None:
    """Read and publish, as a run does."""
    extract(connection, AGENCY, sandbox.connection(), scope)
    refresh(connection, RuleSettings(), TODAY)


def strike(running: Parts, rng: random.Random, edits: list[Callable[[], None]], kills: int) -> None:
    """Make the edits, a few milliseconds apart, and kill something every now and then."""
    at = set(rng.sample(range(len(edits)), kills))
    victims = ["door", "worker", "postgres"] * (kills // 3 + 1)
    for place, edit in enumerate(edits):
        edit()
        time.sleep(rng.uniform(0.0, 0.06))
        if place in at:
            running.kill(victims.pop(0))
        elif place % 10 == 0:
            running.keep_working()
