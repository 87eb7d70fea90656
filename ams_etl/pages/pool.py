"""The page's one connection pool, which finds Postgres again after it was away."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from ams_etl.errors import TransientError

MOST_CONNECTIONS = 8
PATIENCE_SECONDS = 4.0
"""How long a request waits for a connection before its page says that Postgres is away."""


class Pool:
    """Lends autocommit connections.

    Args:
        locate: returns the database URL, starting the embedded server if need be.
    """

    def __init__(self, locate: Callable[[], str]) -> None:
        self._pool: ConnectionPool[psycopg.Connection[Any]] = ConnectionPool(
            locate, min_size=1, max_size=MOST_CONNECTIONS, open=False, timeout=PATIENCE_SECONDS,
            kwargs={
                "autocommit": True, "connect_timeout": 3, "application_name": "ams_etl pages", "prepare_threshold": None,
            },
            check=ConnectionPool.check_connection, reconnect_timeout=1.0, max_idle=120.0,
        )  # fmt: skip

    def open(self) -> None:
        """Begin to connect; does not wait."""
        self._pool.open()

    def close(self) -> None:
        """Close every connection."""
        self._pool.close(timeout=2)

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend a connection that answers.

        Raises:
            TransientError: Postgres does not answer, or every connection is in use for too long.
        """
        try:
            with self._pool.connection() as connection:
                yield connection
        except (PoolTimeout, psycopg.OperationalError) as error:
            if isinstance(error, psycopg.errors.QueryCanceled):
                raise TransientError("The page took too long to read; please try again in a moment.") from None
            raise TransientError("Postgres does not answer.") from None
