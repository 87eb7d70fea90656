"""A few connections that all clients of a process share for short statements: shares of calls, tickets, refused logins.

A follower serves hundreds of agencies; with a connection for each client it would take all that a server has.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import psycopg

from ams_etl.errors import TransientError
from ams_etl.store.database import connect

MOST_CONNECTIONS = 2
_PATIENCE_SECONDS = 30.0


class InPassing:
    """Connections to one database, opened when they are needed; kept only while a client needs them again and again.

    Args:
        url: the database.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._lock = threading.Lock()
        self._idle: list[psycopg.Connection[Any]] = []
        self._keepers = 0

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend a connection that nobody else uses meanwhile; closed after an error, since its session may be broken.

        Raises:
            ConfigError: the server refuses who we are.
            TransientError: it does not answer, or every connection is in use for too long.
        """
        if not self._room.acquire(timeout=_PATIENCE_SECONDS):
            raise TransientError("Postgres does not answer what other calls of this process asked")
        try:
            connection = self._taken() or connect(self._url, application_name="ams_etl in passing")
            try:
                yield connection
            except BaseException:
                with suppress(psycopg.Error):
                    connection.close()
                raise
            self._put_back(connection)
        finally:
            self._room.release()

    def keep(self) -> None:
        """Keep connections open from now on, until as many have said `forgo` as said this."""
        with self._lock:
            self._keepers += 1

    def forgo(self) -> None:
        """Close what nobody keeps any more."""
        with self._lock:
            self._keepers -= 1
            closed, self._idle = ([], self._idle) if self._keepers else (self._idle, [])
        for connection in closed:
            with suppress(psycopg.Error):
                connection.close()

    def _taken(self) -> psycopg.Connection[Any] | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _put_back(self, connection: psycopg.Connection[Any]) -> None:
        with self._lock:
            if self._keepers:
                self._idle.append(connection)
                return
        connection.close()


@cache
def in_passing(url: str) -> InPassing:
    """Return this process's connections to a database."""
    return InPassing(url)
