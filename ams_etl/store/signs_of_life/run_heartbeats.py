"""A sign of life of each run, so that one whose process is gone is known to be dead, whatever host it was on."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from ams_etl.errors import AmsEtlError
from ams_etl.store.database import connect

EVERY_SECONDS = 5.0
DEAD_AFTER_SECONDS = 45.0
"""Without a sign of life for that long a run is dead; a busy machine may delay one for several beats."""


@contextmanager
def heartbeat(url: str, run_id: str, *, every_seconds: float = EVERY_SECONDS) -> Iterator[None]:
    """Give signs of life for a run as long as the block lasts, from a thread and a connection of its own."""
    ended = threading.Event()
    thread = threading.Thread(target=_beat, args=(url, run_id, every_seconds, ended), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=5)


def _beat(url: str, run_id: str, every_seconds: float, ended: threading.Event) -> None:
    connection: psycopg.Connection[Any] | None = None
    try:
        while True:
            try:
                connection = connection or connect(url, application_name="ams_etl heartbeat")
                connection.execute(
                    """insert into ops.run_heartbeats (run_id, host) values (%s, %s)
                    on conflict (run_id) do update set beat_at = clock_timestamp(), host = excluded.host""",
                    (run_id, socket.gethostname()),
                )
            except (psycopg.Error, AmsEtlError):
                if connection is not None:
                    connection.close()
                connection = None
            if ended.wait(every_seconds):
                return
    finally:
        if connection is not None:
            connection.close()


def silent_runs(connection: psycopg.Connection[Any], *, after_seconds: float = DEAD_AFTER_SECONDS) -> list[str]:
    """The runs without a recent sign of life: ended, or dead."""
    return [
        row[0]
        for row in connection.execute(
            "select run_id from ops.run_heartbeats where beat_at < clock_timestamp() - make_interval(secs => %s)",
            (after_seconds,),
        )
    ]


def forget_runs(connection: psycopg.Connection[Any], run_ids: Sequence[str]) -> None:
    """Delete the heartbeats of runs whose end is recorded."""
    connection.execute("delete from ops.run_heartbeats where run_id = any(%s)", (list(run_ids),))
