"""The database's clock, read without asking it each time: every process of an agency orders its readings by the same clock."""

import time
from datetime import datetime, timedelta
from typing import Any

import psycopg


class ServerClock:
    """Tells the time by Postgres's clock as of one question, plus what has passed here since.

    Args:
        connection: asked once.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        row = connection.execute("select clock_timestamp()").fetchone()
        if row is None:
            raise AssertionError("a select without a table returns a row")
        self._asked: datetime = row[0]
        self._at = time.monotonic()

    def now(self) -> datetime:
        """The server's time now."""
        return self._asked + timedelta(seconds=time.monotonic() - self._at)
