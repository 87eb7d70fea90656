"""A sign of life of each run, so that one whose process is gone is known to be dead, whatever host it was on."""

import socket
import threading
from collections.abc import Sequence
from typing import Any

import psycopg

from ams_etl.errors import AmsEtlError
from ams_etl.store.agency_db import column, scalar
from ams_etl.store.database import connect

EVERY_SECONDS = 5.0
DEAD_AFTER_SECONDS = 45.0
"""Without a sign of life for that long a run is dead; a busy machine may delay one for several beats."""


_MOST_FAILURES = 120
"""A heartbeat that Postgres refused for ten minutes on end is given up."""
_beating: threading.Event | None = None


def keep_beating(url: str, run_id: str) -> None:
    """Give signs of life for a run, from a thread and a connection of its own, until this process ends or works for another run."""
    global _beating  # noqa: PLW0603 - a process works for one run at a time
    if _beating is not None:
        _beating.set()
    _beating = threading.Event()
    threading.Thread(target=_beat, args=(url, run_id, _beating), name="heartbeat", daemon=True).start()


def _beat(url: str, run_id: str, ended: threading.Event) -> None:
    connection: psycopg.Connection[Any] | None = None
    failures = 0
    while failures < _MOST_FAILURES:
        try:
            connection = connection or connect(url, application_name="ams_etl heartbeat")
            connection.execute(
                """insert into ops.run_heartbeats (run_id, host) values (%s, %s)
                on conflict (run_id) do update set beat_at = clock_timestamp(), host = excluded.host""",
                (run_id, socket.gethostname()),
            )
            failures = 0
        except (psycopg.Error, AmsEtlError):
            failures += 1
            if connection is not None:
                connection.close()
            connection = None
        if ended.wait(EVERY_SECONDS):
            break
    if connection is not None:
        connection.close()


def claim_run(connection: psycopg.Connection[Any], run_id: str) -> bool:
    """Give a run's first sign of life; False where one was given already, by a process that works for it or did so."""
    given = connection.execute(
        "insert into ops.run_heartbeats (run_id, host) values (%s, %s) on conflict (run_id) do nothing",
        (run_id, socket.gethostname()),
    )
    return given.rowcount == 1


def seconds_silent(connection: psycopg.Connection[Any], run_id: str) -> float | None:
    """Return how long ago a run's last sign of life was; None where there is none."""
    seconds = scalar(
        connection,
        "select extract(epoch from clock_timestamp() - beat_at) from ops.run_heartbeats where run_id = %s",
        (run_id,),
    )
    return None if seconds is None else float(seconds)


def silent_runs(connection: psycopg.Connection[Any], *, after_seconds: float = DEAD_AFTER_SECONDS) -> list[str]:
    """The runs without a recent sign of life: ended, or dead."""
    return column(
        connection,
        "select run_id from ops.run_heartbeats where beat_at < clock_timestamp() - make_interval(secs => %s)",
        (after_seconds,),
    )


def forget_runs(connection: psycopg.Connection[Any], run_ids: Sequence[str]) -> None:
    """Delete the heartbeats of runs whose end is recorded."""
    connection.execute("delete from ops.run_heartbeats where run_id = any(%s)", (list(run_ids),))
