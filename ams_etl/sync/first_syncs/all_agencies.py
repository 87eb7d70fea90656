"""The first syncs of many agencies, several at once in one process.

Each thread has a connection of its own, and one event loop carries the calls of all. What fails for one agency is
reported with its reason, and the others go on.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Coroutine, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import psycopg

from ams_etl.errors import AmsEtlError, ConfigError, TransientError
from ams_etl.settings import Agencies, Agency
from ams_etl.sources.calling.runner import LastingLoop
from ams_etl.store.agency_db import column
from ams_etl.store.database import connect
from ams_etl.store.database_errors import understood
from ams_etl.store.lease import LeaseHeld
from ams_etl.store.loading.statistics import Growth
from ams_etl.store.shared_access.held_leases import HeldLeases
from ams_etl.sync.first_syncs.one_agency import Around, Counts, first_sync
from ams_etl.sync.publish_changes import PublishStopped

T = TypeVar("T")
_log = logging.getLogger(__name__)
AT_ONCE = 4
REPORT_SECONDS = 5.0
_RENEW_SECONDS = 4.0
_CANCEL_SECONDS = 1.0
PAUSES_SECONDS = (30.0, 60.0)
"""Before the second and the third try of what could not be reached, which come when all others are done."""
_AGAIN = "`ams-etl sync --new` goes on where this one ended"

_FILLED = """select schemaname || '.' || tablename from pg_tables
where schemaname like 'raw\\_%' or schemaname in ('stage', 'mart') or (schemaname, tablename) = ('ops', 'sync_customers')"""


class _Stopped(AmsEtlError):
    """The run was asked to stop."""


@dataclass(frozen=True, slots=True)
class FirstSync:
    """One agency's outcome: its counts, or why it failed and what to do; neither where another run was first."""

    agency: str
    counts: Counts | None
    error: str | None = None
    what_to_do: str = ""
    may_try_again: bool = False


def first_syncs(
    agencies: Agencies,
    wanted: Sequence[Agency],
    url: str,
    today: date,
    *,
    run_id: str,
    at_once: int = AT_ONCE,
    pauses: Sequence[float] = PAUSES_SECONDS,
) -> Generator[FirstSync]:
    """Sync these agencies, and yield each one's outcome when it is done.

    Close the iterator, or let an interrupt pass through it, and what is under way is cancelled first.

    Args:
        agencies: the agencies file, for secrets.
        wanted: the agencies, in the order in which they begin.
        url: the database.
        today: the date every rule is asked for.
        run_id: the Dagster run.
        at_once: how many agencies are under way at a time.
        pauses: seconds before each further try of agencies whose system or database could not be reached.
    """
    work = _Work(agencies, url, today, run_id, at_once)
    progress = _Progress(len(wanted), work)
    try:
        trying = list(wanted)
        for pause in (*pauses, None):
            again = []
            for agency, outcome in work.outcomes(trying, progress):
                if outcome.may_try_again and pause is not None:
                    _log.warning("%s: %s; trying again later", agency.id, outcome.error)
                    again.append(agency)
                    continue
                progress.ended(outcome)
                yield outcome
            if not again or pause is None:
                break
            time.sleep(pause)
            trying = again
        progress.report()
    finally:
        work.end()


class _Progress:
    """Logs every few seconds how far all agencies together are."""

    def __init__(self, total: int, work: "_Work") -> None:
        self._total, self._work = total, work
        self._done = self._failed = 0
        self._started = self._reported = time.monotonic()

    def ended(self, outcome: FirstSync) -> None:
        self._done += 1
        if outcome.error is not None:
            self._failed += 1
            _log.warning("%s failed: %s. %s", outcome.agency, outcome.error, outcome.what_to_do)
        self.maybe_report()

    def maybe_report(self) -> None:
        if time.monotonic() - self._reported >= REPORT_SECONDS:
            self.report()

    def report(self) -> None:
        self._reported = time.monotonic()
        _log.info(
            "first syncs: %s of %s agencies done%s, %s records read (%.0f s)",
            f"{self._done:,}", f"{self._total:,}", f", {self._failed:,} of them failed" if self._failed else "",
            f"{self._work.records_read:,}", self._reported - self._started,
        )  # fmt: skip


class _Work:
    """The threads, their connections, the event loop and the leases of one run."""

    def __init__(self, agencies: Agencies, url: str, today: date, run_id: str, at_once: int) -> None:
        self._url, self._at_once = url, at_once
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="first sync")
        self._loop = LastingLoop()
        self._stopping = threading.Event()
        self._own = threading.local()
        self._connections: set[psycopg.Connection[Any]] = set()
        self._running: dict[Future[FirstSync], Agency] = {}
        self._records: dict[str, int] = {}
        self._leases = HeldLeases(f"run {run_id}")
        self._around = Around(
            url, agencies, today, run_id, self._leases, self._run, self._check, self._records.__setitem__
        )
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="first sync leases", daemon=True)
        self._renewing.start()

    @property
    def records_read(self) -> int:
        return sum(list(self._records.values()))

    def outcomes(self, agencies: Sequence[Agency], progress: _Progress) -> Iterator[tuple[Agency, FirstSync]]:
        waiting = deque(agencies)
        while waiting or self._running:
            while waiting and len(self._running) < self._at_once:
                agency = waiting.popleft()
                self._running[self._pool.submit(self._one, agency)] = agency
            done, _ = wait(self._running, timeout=REPORT_SECONDS, return_when=FIRST_COMPLETED)
            progress.maybe_report()
            ended = [(self._running.pop(future), future.result()) for future in done]
            # The free threads go on while the caller records what ended.
            while waiting and len(self._running) < self._at_once:
                agency = waiting.popleft()
                self._running[self._pool.submit(self._one, agency)] = agency
            yield from ended

    def end(self) -> None:
        """Cancel what is under way, wait for it, and close everything."""
        self._stopping.set()
        while self._running:
            self._loop.cancel()
            for connection in list(self._connections):
                with suppress(psycopg.Error):
                    connection.cancel_safe(timeout=2)
            _, left = wait(self._running, timeout=_CANCEL_SECONDS)
            self._running = {future: self._running[future] for future in left}
        self._pool.shutdown()
        self._ended.set()
        self._renewing.join(timeout=5)
        self._loop.close()
        for connection in self._connections:
            connection.close()
        # A statement that gave a lease back may have been cancelled with the others.
        with suppress(psycopg.Error, AmsEtlError), connect(self._url, application_name="ams_etl first syncs") as own:
            self._leases.release_left(own)

    def _one(self, agency: Agency) -> FirstSync:
        try:
            self._check()
            return FirstSync(agency.id, first_sync(self._connection(), agency, self._around))
        except AmsEtlError as error:
            return _failed(agency.id, error)
        except psycopg.Error as error:
            # Its session may be broken.
            self._forget_connection()
            return _failed(agency.id, understood(error))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the other agencies go on
            self._forget_connection()
            # Another error's own text may quote a record.
            return FirstSync(agency.id, None, f"an unexpected error ({type(error).__name__})", _AGAIN)

    def _connection(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] | None = getattr(self._own, "connection", None)
        if connection is None or connection.closed:
            connection = self._own.connection = connect(self._url, application_name="ams_etl first syncs")
            self._connections.add(connection)
        return connection

    def _forget_connection(self) -> None:
        connection: psycopg.Connection[Any] | None = getattr(self._own, "connection", None)
        if connection is not None:
            self._own.connection = None
            self._connections.discard(connection)
            connection.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(work)

    def _check(self) -> None:
        if self._stopping.is_set():
            raise _Stopped("the run was stopped")

    def _renew(self) -> None:
        """Renew the leases, and tell Postgres how large its tables have become, until the work ends."""
        connection: psycopg.Connection[Any] | None = None
        while not self._ended.wait(_RENEW_SECONDS):
            try:
                if connection is None or connection.closed:
                    connection = connect(self._url, application_name="ams_etl first syncs leases")
                    growth = Growth(connection, column(connection, _FILLED))
                self._leases.renew(connection)
                # Each agency alone is too small for that, and all of them together are not.
                growth.reached(self.records_read)
            except (psycopg.Error, AmsEtlError):
                # A database that restarts is back before the leases expire, or they are lost and refused.
                if connection is not None:
                    connection.close()
        if connection is not None:
            connection.close()


def _failed(agency: str, error: AmsEtlError) -> FirstSync:
    text = str(error)
    if isinstance(error, PublishStopped):
        return FirstSync(agency, None, text, f"`ams-etl sync {agency} --apply PLAN` publishes it past the brake")
    if isinstance(error, LeaseHeld):
        return FirstSync(agency, None, text, f"wait for it; then {_AGAIN}")
    if isinstance(error, ConfigError):
        return FirstSync(agency, None, text, f"correct that; then {_AGAIN}")
    return FirstSync(agency, None, text, _AGAIN, may_try_again=isinstance(error, TransientError))
