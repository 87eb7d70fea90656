"""The process: woken by Postgres, it has each agency with work served, some side by side, none by two threads at once.

The main thread listens, reports that it is alive and renews leases; threads work. A notification that is lost (behind a transaction
pool all are) costs no more than the pause between two looks.
"""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from typing import Any, Literal
from uuid import uuid4

import psycopg

from ams_etl.errors import AmsEtlError
from ams_etl.follow.metrics import FollowerMetrics
from ams_etl.follow.notified import Notified
from ams_etl.follow.warm import Warm
from ams_etl.follow.written import deliver_due
from ams_etl.settings import Agency
from ams_etl.store.agency_db import column
from ams_etl.store.database import connect
from ams_etl.store.database_errors import understood
from ams_etl.store.shared_access.held_leases import HeldLeases
from ams_etl.store.signs_of_life.followers import CHANNEL, FollowerBatch, beat, leave, record
from ams_etl.sync.notifications.batches import waiting_agencies
from ams_etl.writeback.people.health import due_by_agency

_log = logging.getLogger(__name__)
Direction = Literal["read", "write", "day"]
Task = tuple[Direction, str]
LOOK_SECONDS = 2.0
"""The longest pause between two checks of all agencies."""
BEAT_SECONDS = 4.0
STOP_SECONDS = 20.0
"""How long a batch in hand may take once the process is asked to stop."""
BACK_OFF_SECONDS = (2.0, 10.0, 60.0)
"""The pause of an agency after its first, second and later failures in a row."""


class Follower:
    """Works until `stop`.

    Args:
        url: the database; a direct connection, for LISTEN.
        at_once: agencies served at once, in each direction.
    """

    def __init__(self, url: str, *, at_once: int = 4) -> None:
        self.name = f"{socket.gethostname()}/{os.getpid()}/{uuid4().hex[:6]}"
        self.metrics = FollowerMetrics()
        self._url = url
        self._warm = Warm(url)
        self._leases = HeldLeases(f"ams-etl follow {self.name}")
        self._notified = Notified(self._warm, self._leases, self.name)
        self._pools: dict[Direction, ThreadPoolExecutor] = {
            "read": ThreadPoolExecutor(at_once, thread_name_prefix="read"),
            "write": ThreadPoolExecutor(at_once, thread_name_prefix="write"),
            "day": ThreadPoolExecutor(1, thread_name_prefix="day"),
        }
        self._lock = threading.Lock()
        self._running: dict[Task, Future[None]] = {}
        self._again: set[Task] = set()
        self._rests_until: dict[Task, float] = {}
        self._failures: dict[Task, int] = {}
        self._stopping = threading.Event()
        self._day: date | None = None
        self._beats_at = self._looks_at = 0.0

    @property
    def working(self) -> int:
        """How many agencies are worked on now."""
        return len(self._running)

    def stop(self, *_: object) -> None:
        """Finish what is in hand, then end."""
        self._stopping.set()

    def run(self) -> None:
        """Follow until `stop`; a Postgres that restarts is waited for."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.stop)
        _log.info("following as %s", self.name)
        while not self._stopping.is_set():
            try:
                with connect(self._url, application_name="ams_etl follow listener") as listener:
                    listener.execute(f"listen {CHANNEL}")
                    while not self._stopping.is_set():
                        self._turn(listener)
            except (psycopg.Error, AmsEtlError, OSError) as error:
                _log.warning("Postgres does not answer (%s); trying again", type(error).__name__)
                self._stopping.wait(1.0)
        self._end()

    def _turn(self, listener: psycopg.Connection[Any]) -> None:
        """Wait a moment for notifications; check all agencies where none came."""
        if time.monotonic() >= self._beats_at:
            self._beats_at = time.monotonic() + BEAT_SECONDS
            beat(listener, self.name)
            self._leases.renew(listener)
        woken = {note.payload for note in listener.notifies(timeout=0.5, stop_after=1)}
        agencies = {agency.id: agency for agency in self._warm.agencies().all if agency.system == "ams360"}
        for agency_id in woken & agencies.keys():
            self._submit("read", agencies[agency_id])
            self._submit("write", agencies[agency_id])
        if woken or time.monotonic() < self._looks_at:
            return
        self._looks_at = time.monotonic() + LOOK_SECONDS
        self._look(listener, agencies)

    def _look(self, connection: psycopg.Connection[Any], agencies: dict[str, Agency]) -> None:
        """Have every agency served that has work: what was not notified, and what comes due by the clock."""
        listed = list(agencies)
        refreshes = column(connection, "select distinct agency from ops.refresh_requests where done_at is null")
        followed = [agency.id for agency in agencies.values() if agency.notifications]
        for agency_id in {*waiting_agencies(connection, followed), *refreshes} & agencies.keys():
            self._submit("read", agencies[agency_id])
        with_benefitpoint = [agency.id for agency in agencies.values() if agency.benefitpoint]
        due = {*due_by_agency(connection, listed), *due_by_agency(connection, with_benefitpoint, "benefitpoint")}
        for agency_id in due:
            self._submit("write", agencies[agency_id])
        today = self._warm.today()
        if today != self._day:
            for (agency_id,) in connection.execute(
                "select distinct agency from stage.customers where review_on <= %s", (today,)
            ).fetchall():
                if agency_id in agencies:
                    self._submit("day", agencies[agency_id])
            self._day = today

    def _submit(self, direction: Direction, agency: Agency) -> None:
        task: Task = (direction, agency.id)
        with self._lock:
            if self._stopping.is_set() or time.monotonic() < self._rests_until.get(task, 0.0):
                return
            if task in self._running:
                self._again.add(task)
                return
            self._again.add(task)
            self._running[task] = self._pools[direction].submit(self._work, direction, agency)

    def _work(self, direction: Direction, agency: Agency) -> None:
        """Serve an agency until nothing waits for it, or something fails."""
        task: Task = (direction, agency.id)
        try:
            while self._goes_on(task):
                found = self._one_batch(direction, agency)
                if found is None:
                    continue
                self._note(task, found)
                if not found.error:
                    with self._lock:
                        self._again.add(task)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other agencies go on
            said = understood(error) if isinstance(error, psycopg.Error) else error
            _log.error("%s: %s failed: %s: %s", agency.id, direction, type(error).__name__, _message(said))
            self._rest(task)
            with self._lock:
                self._running.pop(task, None)

    def _goes_on(self, task: Task) -> bool:
        """Whether something may have come since the last look; where not, the agency is free for the next one at once."""
        with self._lock:
            if task in self._again and not self._stopping.is_set():
                self._again.discard(task)
                return True
            self._running.pop(task, None)
            return False

    def _one_batch(self, direction: Direction, agency: Agency) -> FollowerBatch | None:
        with self._warm.connection() as connection:
            work: dict[Direction, Callable[[], FollowerBatch | None]] = {
                "read": lambda: self._notified.serve(connection, agency),
                "write": lambda: deliver_due(self._warm, self._leases, connection, agency),
                "day": lambda: self._notified.new_day(connection, agency),
            }
            found = work[direction]()
            if found is not None:
                record(connection, found)
            return None if direction == "day" else found

    def _note(self, task: Task, batch: FollowerBatch) -> None:
        self.metrics.note(batch)
        stages = " ".join(f"{stage}={seconds:.2f}" for stage, seconds in batch.seconds.items())
        if batch.error:
            _log.warning("%s: %s failed: %s", batch.agency, batch.kind, batch.error)
            self._rest(task)
            return
        self._failures.pop(task, None)
        _log.info(
            "%s: %s, %d customers, %d changes, lag %.2f s (%s)",
            batch.agency, batch.kind, batch.customers, batch.changes, batch.lag_seconds, stages,
        )  # fmt: skip

    def _rest(self, task: Task) -> None:
        failures = self._failures[task] = self._failures.get(task, 0) + 1
        pause = BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS)) - 1]
        self._rests_until[task] = time.monotonic() + pause

    def _end(self) -> None:
        """Let the batches in hand end; what takes too long is cut off and comes back."""
        deadline = time.monotonic() + STOP_SECONDS
        while self._running and time.monotonic() < deadline:
            with suppress(psycopg.Error, AmsEtlError), connect(self._url) as connection:
                self._leases.renew(connection)
            time.sleep(0.2)
        self._warm.close()
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        with suppress(psycopg.Error, AmsEtlError), connect(self._url) as connection:
            self._leases.release_left(connection)
            leave(connection, self.name)
        _log.info("stopped")


def _message(error: Exception) -> str:
    """Only messages that we wrote: another one may quote a record."""
    return str(error) if isinstance(error, AmsEtlError) else "an unexpected error"
