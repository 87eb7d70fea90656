"""Group commit: requests that wait at the same time share one insert and one commit, and each waits for it.

One task owns one connection. While a commit is under way the next batch gathers, so that a single request waits for
nobody and a thousand cost a few commits. Nothing is reported as stored before its commit; what fails may have been
stored, and is sent again by AMS360.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from ams_etl.errors import TransientError
from ams_etl.store.group_commit import GroupCommit

MAX_BATCH = 500
MAX_WAITING_BYTES = 64_000_000
COMMIT_SECONDS = 5.0
ANSWER_SECONDS = 6.0
"""A request waits no longer, even for a Postgres that neither answers nor lets go."""
RECONNECT_SECONDS = 0.5
_INSERT = """insert into ops.notifications (agency, content_type, body, state, reason)
    select stored.* from set_config('synchronous_commit', 'on', true),
        unnest(%b::text[], %b::text[], %b::bytea[], %b::text[], %b::text[]) stored"""
"""Durable once it is answered, whatever the server's default; a transaction pool passes on no session's setting."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """One request to store: `state` and `reason` as the table has them."""

    agency: str
    content_type: str | None
    body: bytes
    state: str = "received"
    reason: str | None = None


class GroupWriter:
    """Stores requests durably, many at a time.

    Args:
        locate: returns the database URL, starting the embedded server if need be; called in a thread.
        stored: called after each commit with the number of rows it made durable.
    """

    def __init__(self, locate: Callable[[], str], stored: Callable[[int], None]) -> None:
        self._locate, self._stored = locate, stored
        self._commits: GroupCommit[Received | None, None] = GroupCommit(self._write, MAX_BATCH)
        self._bytes = 0
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._next_try = 0.0
        self._is_down = False

    async def store(self, row: Received) -> None:
        """Return once the row is committed.

        Raises:
            TransientError: it is not known to be.
        """
        if self._bytes + len(row.body) > MAX_WAITING_BYTES:
            raise TransientError("too much waits to be stored")
        await self._enter(row)

    async def ping(self) -> None:
        """Return once the database has answered.

        Raises:
            TransientError: it does not.
        """
        await self._enter(None)

    async def run(self) -> None:
        """Write until `close`; what waits then is written first."""
        await self._commits.run()
        await self._drop_connection()

    def close(self) -> None:
        """Let `run` end."""
        self._commits.close()

    async def _enter(self, row: Received | None) -> None:
        size = len(row.body) if row else 0
        self._bytes += size
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._commits.submit(row)
        except TimeoutError:
            raise TransientError("Postgres does not answer") from None
        finally:
            self._bytes -= size

    async def _write(self, batch: list[Received | None]) -> list[None]:
        """Commit rows, and find out whether the database answers where there are none."""
        rows = [row for row in batch if row is not None]
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                connection = await self._connected()
                if rows:
                    await connection.execute(
                        _INSERT,
                        (
                            [row.agency for row in rows], [row.content_type for row in rows],
                            [row.body for row in rows], [row.state for row in rows], [row.reason for row in rows],
                        ),
                    )  # fmt: skip
                else:
                    await connection.execute("select 1")
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing is known to be stored, and the next may be
            # Reported once an outage, not once a batch.
            if not self._is_down:
                _log.warning(
                    "Postgres does not take what is received (%s): senders are asked to try again", _kind(error)
                )
            self._is_down = True
            await self._drop_connection()
            raise TransientError("Postgres does not answer") from None
        if self._is_down:
            _log.warning("Postgres takes what is received again")
        self._is_down = False
        if rows:
            self._stored(len(rows))
        return [None] * len(batch)

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        if time.monotonic() < self._next_try:
            raise TransientError("Postgres did not answer a moment ago")
        self._next_try = time.monotonic() + RECONNECT_SECONDS
        url = await asyncio.to_thread(self._locate)
        self._connection = await psycopg.AsyncConnection.connect(
            url, autocommit=True, connect_timeout=3, application_name="ams_etl inbound", prepare_threshold=None
        )
        return self._connection

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()


def _kind(error: BaseException) -> str:
    return type(error).__name__
