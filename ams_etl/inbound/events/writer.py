"""Platform events into `ops.events`, many requests a commit.

One task, one thread at a time, one connection. Every event has a key of its sender's, so that one which may have been
stored is sent again without harm.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.errors import AmsEtlError, DataError, TransientError
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.database import connect
from ams_etl.store.group_commit import GroupCommit
from ams_etl.writeback.events.accept import Accepted, accept_events

MAX_BATCH = 500
MAX_WAITING_BYTES = 500_000_000
RECONNECT_SECONDS = 0.5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Request:
    agency: str
    events: Sequence[Any]


_Outcome = list[Accepted] | Exception


class EventWriter:
    """Stores events durably.

    Args:
        locate: returns the database URL, starting the embedded server if need be; called in a thread.
    """

    def __init__(self, locate: Callable[[], str]) -> None:
        self._locate = locate
        self._commits: GroupCommit[_Request, list[Accepted]] = GroupCommit(self._write, MAX_BATCH)
        self._bytes = 0
        self._connection: psycopg.Connection[Any] | None = None
        self._busy = asyncio.Lock()
        self._next_try = 0.0

    async def store(self, agency: str, events: Sequence[Any], size: int) -> list[Accepted]:
        """Return once what is acceptable is committed: one outcome for each event, in order.

        Args:
            agency: the agency id.
            events: JSON objects.
            size: bytes of the request, to bound what waits.

        Raises:
            TransientError: they are not known to be.
            DataError: Postgres cannot hold them.
        """
        if self._bytes + size > MAX_WAITING_BYTES:
            raise TransientError("too much waits to be stored")
        self._bytes += size
        try:
            return await self._commits.submit(_Request(agency, events))
        finally:
            self._bytes -= size

    async def find(self, agency: str, event_id: UUID) -> dict[str, Any] | None:
        """What became of an event, and of what is written because of it; None where there is none.

        Raises:
            TransientError: Postgres does not answer.
        """
        try:
            async with self._busy:
                return await asyncio.to_thread(self._find, agency, event_id)
        except (psycopg.Error, AmsEtlError, OSError) as error:
            raise self._unavailable(error) from None

    async def run(self) -> None:
        """Write until `close`; what waits then is written first."""
        await self._commits.run()
        self._drop_connection()

    def close(self) -> None:
        """Let `run` end."""
        self._commits.close()

    async def _write(self, batch: list[_Request]) -> list[_Outcome]:
        """Store an agency's requests together, one agency after the other."""
        outcomes: dict[int, _Outcome] = {}
        for agency in dict.fromkeys(request.agency for request in batch):
            places = [place for place, request in enumerate(batch) if request.agency == agency]
            found = await self._write_agency(agency, [batch[place] for place in places])
            outcomes.update(zip(places, found, strict=True))
        return [outcomes[place] for place in range(len(batch))]

    async def _write_agency(self, agency: str, requests: list[_Request]) -> list[_Outcome]:
        events = [event for request in requests for event in request.events]
        try:
            async with self._busy:
                stored = iter(await asyncio.to_thread(self._store, agency, events))
        except psycopg.DataError:
            # One of them is what Postgres cannot hold; the others must not suffer for it.
            if len(requests) == 1:
                return [DataError("the events hold what Postgres cannot")]
            return [outcome for request in requests for outcome in await self._write_agency(agency, [request])]
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing is known to be stored, and the next may be
            return [self._unavailable(error)] * len(requests)
        return [[next(stored) for _ in request.events] for request in requests]

    def _store(self, agency: str, events: Sequence[Any]) -> list[Accepted]:
        return accept_events(self._connected(), agency, events)

    def _find(self, agency: str, event_id: UUID) -> dict[str, Any] | None:
        db = AgencyDb(self._connected(), agency)
        found: dict[str, Any] | None = db.row(
            dict,
            """select event_id::text as id, kind, idempotency_key, state, error, note, received_at from ops.events
            where agency = %(agency)s and event_id = %(id)s""",
            id=event_id,
        )
        if found is None:
            return None
        writebacks: list[dict[str, Any]] = db.rows(
            dict,
            """select operation, status, attempts, target_id, note, error from ops.writebacks
            where agency = %(agency)s and event_id = %(id)s order by position""",
            id=event_id,
        )
        return {**found, "received_at": found["received_at"].isoformat(), "writebacks": writebacks}

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            if time.monotonic() < self._next_try:
                raise TransientError("Postgres did not answer a moment ago")
            self._next_try = time.monotonic() + RECONNECT_SECONDS
            self._connection = connect(self._locate(), application_name="ams_etl inbound events")
        return self._connection

    def _unavailable(self, error: Exception) -> TransientError:
        if not isinstance(error, TransientError):
            _log.warning("Postgres does not take events (%s): senders are asked to try again", type(error).__name__)
        self._drop_connection()
        return TransientError("Postgres does not answer")

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error, OSError):
                connection.close()
