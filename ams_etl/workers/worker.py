"""A worker: takes runs from Redis as it has room for them, until it is stopped."""

import logging
import os
import signal
import socket
import threading
from types import FrameType
from typing import Any

from celery import Celery
from celery.signals import worker_ready
from dagster_celery.config import TASK_EXECUTE_JOB_NAME

from ams_etl.errors import AmsEtlError
from ams_etl.store.database import connect
from ams_etl.workers.application import QUEUE, application
from ams_etl.workers.supervision import carry_out

_log = logging.getLogger(__name__)
_OPTIONS = "PGOPTIONS"
_KEEPALIVE = (
    "-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=30000"
)
"""Postgres keeps the locks of a host that is gone for as long as it takes the connection for alive: two hours by default."""


def serve(broker: str, database: str, name: str, slots: int, finish_within: float) -> None:
    """Carry out runs until SIGTERM or Ctrl-C; those at work are finished first, and a second signal interrupts them.

    Args:
        broker: the Redis that all hosts share.
        database: the Postgres that all hosts share.
        name: of this worker; workers of one host have different ones.
        slots: runs at once.
        finish_within: seconds after the first signal until those at work are interrupted, too.
    """
    notice_dead_hosts(database)
    # It lists its plug-ins whenever Dagster's storage is opened.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    app, signals = application(broker), _Signals(finish_within)
    _take_runs(app, database, signals.interrupted)
    worker_ready.connect(signals.take_over, weak=False)
    app.worker_main(
        [
            "worker", "--loglevel", "INFO", "--pool", "threads", "--concurrency", str(slots), "--queues", QUEUE,
            "--hostname", f"{name}@{socket.gethostname()}", "--without-gossip", "--without-mingle",
        ]
    )  # fmt: skip


def notice_dead_hosts(database: str) -> None:
    """Make Postgres notice within half a minute when this host is gone; this process's children inherit it.

    Where a pool in front of Postgres refuses such settings it is left out: the pool has its own.
    """
    if _OPTIONS in os.environ:
        return
    os.environ[_OPTIONS] = _KEEPALIVE
    try:
        connect(database).close()
    except AmsEtlError:
        del os.environ[_OPTIONS]
        connect(database).close()


def _take_runs(app: Celery, database: str, interrupted: threading.Event) -> None:
    """Register the task that the launcher sends, in place of dagster-celery's, which executes the run in Celery's process."""

    @app.task(name=TASK_EXECUTE_JOB_NAME)  # type: ignore[untyped-decorator,unused-ignore]
    def _execute_job(run_id: str) -> None:
        carry_out(run_id, database, interrupted)


class _Signals:
    """The first SIGTERM or Ctrl-C ends the taking of runs; a second one, or the end of a time, interrupts those at work.

    Celery's own handling of a second one leaves the processes of the runs alone and waits for them.
    """

    def __init__(self, finish_within: float) -> None:
        self.interrupted = threading.Event()
        self._finish_within = finish_within
        self._finish: Any = None

    def take_over(self, **_: Any) -> None:
        """Replace Celery's handlers once they are there."""
        self._finish = signal.getsignal(signal.SIGTERM)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        finish, self._finish = self._finish, None
        if finish is None or number == signal.SIGQUIT:
            self.interrupted.set()
        if finish is not None:
            timer = threading.Timer(self._finish_within, self.interrupted.set)
            timer.daemon = True
            timer.start()
            finish(signal.SIGTERM, frame)
