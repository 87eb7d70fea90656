"""A run's process from its start to its recorded end, watched by a thread of the worker.

A run is recorded as ended only when its process is gone, or by the process itself as its last act. What ends a process: the run
is canceling or was ended by others, the worker stops, or its heartbeat has been silent for so long that others are about to
take it for dead. The last one is why a host that is cut off from Postgres does not work on beside the host that takes over.
"""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from os import getpid

import psycopg
from dagster import DagsterInstance, DagsterRunStatus

from ams_etl.errors import TransientError
from ams_etl.store.database import connect
from ams_etl.store.signs_of_life.run_heartbeats import DEAD_AFTER_SECONDS, claim_run, forget_runs, seconds_silent

_log = logging.getLogger(__name__)
GRACE_SECONDS = 10.0
"""How long an interrupted process may take to stop before it is killed."""
_SILENT_SECONDS = DEAD_AFTER_SECONDS - 20
_GRACE_OF_THE_SILENT = 10.0
"""Together less than what others wait before they take it for dead."""
_GRACE_OF_THE_FINISHED = 5.0
"""A process whose run has ended has nothing left to do but to close its connections."""
_TRIES = 30


def carry_out(run_id: str, url: str, stopping: threading.Event) -> None:
    """Execute a run in a process of its own and see to it that its end is recorded.

    Args:
        run_id: a run that was sent to the workers.
        url: the Postgres that all hosts share.
        stopping: set when this worker ends its runs.
    """
    _wait_for_postgres(url)
    with DagsterInstance.get() as instance:
        if not _may_begin(instance, run_id, url):
            return
        # A session of its own: Ctrl-C in the worker's terminal is for the worker.
        process = subprocess.Popen(
            [sys.executable, "-m", "ams_etl.workers.run_process", run_id, str(getpid())],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        _log.info("run %s: process %s", run_id, process.pid)
        readings = _Readings(instance, run_id, url)
        try:
            code = _watch(process, readings, stopping)
        finally:
            readings.end()
        _log.info("run %s: its process ended with code %s", run_id, code)
        _record_end(instance, run_id, code)


def _wait_for_postgres(url: str) -> None:
    """Wait a minute for a Postgres that restarts; the run was taken off the queue and would be failed as never started."""
    for _ in range(_TRIES):
        with suppress(TransientError):
            connect(url, application_name="ams_etl worker").close()
            return
        time.sleep(2)


def _may_begin(instance: DagsterInstance, run_id: str, url: str) -> bool:
    """Claim a run for this worker; False for a second task of a run, or one that was canceled or ended meanwhile."""
    with connect(url, application_name="ams_etl worker") as connection:
        if not claim_run(connection, run_id):
            _log.warning("run %s: another worker has it", run_id)
            return False
        run = instance.get_run_by_id(run_id)
        if run is not None and run.status in {DagsterRunStatus.STARTING, DagsterRunStatus.NOT_STARTED}:
            return True
        if run is not None and run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, "It was canceled before it began.")
        # A run that is back in the queue, since Redis took the task but did not answer, comes again.
        forget_runs(connection, [run_id])
        _log.info("run %s: %s, so it is not begun", run_id, "unknown" if run is None else run.status.value)
        return False


class _Readings:
    """What Postgres says about a run, read every second by a thread that may wait while Postgres does not answer."""

    def __init__(self, instance: DagsterInstance, run_id: str, url: str) -> None:
        self._instance, self.run_id, self._url = instance, run_id, url
        self.status = DagsterRunStatus.STARTING
        self.last_beat = time.monotonic()
        """By this process's clock."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read_on, name=f"run {run_id}", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Read no more; a reading that waits for Postgres is left alone."""
        self._ended.set()
        self._thread.join(timeout=2)

    def _read_on(self) -> None:
        connection: psycopg.Connection[object] | None = None
        while not self._ended.wait(1):
            try:
                connection = connection or connect(self._url, application_name="ams_etl worker")
                before = time.monotonic()
                silent = seconds_silent(connection, self.run_id)
                if silent is not None:
                    self.last_beat = max(self.last_beat, before - silent)
                run = self._instance.get_run_by_id(self.run_id)
                self.status = DagsterRunStatus.FAILURE if run is None else run.status
            except Exception as error:  # noqa: BLE001 - Dagster's storage raises SQLAlchemy's own, psycopg2's and others
                _log.warning("run %s cannot be read: %s", self.run_id, type(error).__name__)
                if connection is not None:
                    with suppress(psycopg.Error):
                        connection.close()
                connection = None
        if connection is not None:
            connection.close()

    @property
    def is_finished(self) -> bool:
        """Whether the run's end is recorded."""
        return self.status in {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED}


def _watch(
    process: "subprocess.Popen[bytes]",
    readings: _Readings,
    stopping: threading.Event,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Wait for the end of a process, and bring it about where it has to end; return its exit code."""
    kill_at: float | None = None
    while True:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=0.5)
        now = clock()
        end = _reason_to_end(readings, stopping, now)
        if end is None:
            continue
        reason, grace = end
        if kill_at is None:
            _log.info("run %s: its process has to end: %s", readings.run_id, reason)
            if not readings.is_finished:
                process.terminate()
            kill_at = now + grace
        kill_at = min(kill_at, now + grace)
        if now >= kill_at:
            process.kill()


def _reason_to_end(readings: _Readings, stopping: threading.Event, now: float) -> tuple[str, float] | None:
    """Return why the process has to end, and how many seconds it may take; None where it may go on."""
    if readings.is_finished:
        return f"the run's end is recorded ({readings.status.value})", _GRACE_OF_THE_FINISHED
    if now - readings.last_beat > _SILENT_SECONDS:
        return f"no heartbeat for {now - readings.last_beat:.0f} s", _GRACE_OF_THE_SILENT
    if readings.status is DagsterRunStatus.CANCELING:
        return "the run is canceling", GRACE_SECONDS
    if stopping.is_set():
        return "the worker stops", GRACE_SECONDS
    return None


def _record_end(instance: DagsterInstance, run_id: str, code: int) -> None:
    """Record the end of a run whose process could not do so itself; a failure without a failed step is started again."""
    for _ in range(_TRIES):
        try:
            run = instance.get_run_by_id(run_id)
            if run is None or run.is_finished:
                return
            if run.status is DagsterRunStatus.CANCELING:
                instance.report_run_canceled(run, "Its process was ended.")
            else:
                instance.report_run_failed(run, f"Its process ended with code {code} before the run did.")
        except Exception as error:  # noqa: BLE001 - as above
            _log.warning("the end of run %s cannot be recorded yet: %s", run_id, type(error).__name__)
            time.sleep(1)
        else:
            return
