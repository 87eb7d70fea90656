"""The change feed for consumers: `follow` yields what changed in the mart, from a cursor on; `snapshot` is where to start.

The promise: changes of one agency come in the order of their publishes, each at least once; `seq` rises and names a change, so
a consumer that remembers the last `seq` it handled can drop what comes twice. docs/feed.md says the rest.
"""

import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg

from ams_etl.errors import ConfigError, PermanentError, TransientError
from ams_etl.settings import home
from ams_etl.store.agency_db import scalar
from ams_etl.store.database import connect, database_url
from ams_etl.store.privacy.access_log import count_access, os_user

Entity = Literal["contact", "account", "policy"]
BATCH = 500
"""Changes read at a time."""
_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """One row of `mart.changes`: `before` is None for an insert, `after` for a delete.

    A contact's documents hold its emails, phones, tags, key facts, connections and sources, too. `merged_into` is, for a deleted
    contact, the id of the contact that it goes on as, where there is one.
    """

    seq: int
    entity: Entity
    entity_id: str
    op: Literal["insert", "update", "delete"]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    run_id: str | None
    at: datetime
    merged_into: str | None = None


class FeedBehindHorizon(PermanentError):
    """The changes after this cursor were deleted by retention: start again from a snapshot."""


def follow(
    agency: str,
    cursor: int = 0,
    *,
    entity: Entity | None = "contact",
    consumer: str | None = None,
    wait: bool = True,
    url: str | None = None,
) -> Generator[Change]:
    """Yield an agency's changes after a cursor, in order.

    Args:
        agency: the agency id.
        cursor: the `seq` of the last change that was handled; 0 before the first.
        entity: only changes of this; None: of contacts, accounts and policies.
        consumer: a name under which the cursor is kept in `ops.feed_consumers`. A change counts as handled when the next one
            is asked for; the higher of the kept and the given cursor is where it goes on. Retention waits for it.
        wait: go on waiting for changes; False: end when there are none.
        url: the Postgres; default: `AMS_ETL_DATABASE_URL`, else the embedded one.

    Raises:
        FeedBehindHorizon: changes after the cursor were deleted.
        ConfigError: Postgres refuses us.
        TransientError: Postgres does not answer, or goes away.
    """
    with _connected(url) as connection:
        if consumer is not None:
            cursor = max(cursor, _register(connection, agency, consumer, cursor))
        while True:
            changes, reached = _read(connection, agency, cursor, entity)
            if changes:
                count_access(connection, agency, _reader(consumer), "feed", "mart.changes", len(changes))
            yield from changes
            moved, cursor = reached > cursor, reached
            if consumer is not None and moved:
                connection.execute(
                    "update ops.feed_consumers set cursor_seq = %s, read_at = now() where (agency, consumer) = (%s, %s)",
                    (cursor, agency, consumer),
                )
            if len(changes) < BATCH:
                if not wait:
                    return
                time.sleep(_POLL_SECONDS)


@contextmanager
def snapshot(agency: str, *, url: str | None = None) -> Iterator[tuple[int, Iterator[Mapping[str, Any]]]]:
    """Open a consistent copy of an agency's contacts: the cursor to follow from, and the contacts' documents one by one.

    A document has the form of `Change.after`. Use it within the `with` block: it is one transaction.
    """
    with _connected(url) as connection, _connected(url) as counting, connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        contained = scalar(connection, "select count(*) from mart.contacts where agency = %s", (agency,))
        count_access(counting, agency, os_user(), "feed", "snapshot", int(contained))
        cursor = scalar(
            connection,
            """select greatest((select max(seq) from mart.changes where agency = %(agency)s),
                (select pruned_seq from mart.feed_horizons where agency = %(agency)s), 0)""",
            {"agency": agency},
        )
        with connection.cursor("snapshot") as contacts:
            contacts.itersize = BATCH
            contacts.execute(
                "select document from mart.contact_documents where agency = %s order by contact_id", (agency,)
            )
            yield int(cursor or 0), (document for (document,) in contacts)


def _reader(consumer: str | None) -> str:
    return os_user() if consumer is None else f"{os_user()} ({consumer})"


def _read(
    connection: psycopg.Connection[Any], agency: str, cursor: int, entity: Entity | None
) -> tuple[list[Change], int]:
    """Return the next changes, and the cursor once they are handled: past other entities' changes, too."""
    newest = connection.execute("select max(seq) from mart.changes where agency = %s", (agency,)).fetchone()
    end = newest[0] if newest and newest[0] is not None else cursor
    rows = connection.execute(
        """select seq, entity, entity_id, op, before, after, run_id, at, merged_into::text from mart.changes
        where agency = %s and seq > %s and seq <= %s and (entity = %s or %s::text is null) order by seq limit %s""",
        (agency, cursor, end, entity, entity, BATCH),
    ).fetchall()
    # After reading: the horizon moves before anything is deleted.
    horizon = connection.execute("select pruned_seq from mart.feed_horizons where agency = %s", (agency,)).fetchone()
    if horizon is not None and horizon[0] > cursor:
        raise FeedBehindHorizon(
            f"the change feed of {agency} begins after {horizon[0]}, and the cursor is {cursor}; start from a snapshot"
        )
    changes = [Change(*row) for row in rows]
    return changes, changes[-1].seq if len(changes) == BATCH else max(end, cursor)


def _register(connection: psycopg.Connection[Any], agency: str, consumer: str, cursor: int) -> int:
    try:
        kept = scalar(
            connection,
            """insert into ops.feed_consumers as known (agency, consumer, cursor_seq) values (%s, %s, %s)
            on conflict (agency, consumer) do update set read_at = now(),
                cursor_seq = greatest(known.cursor_seq, excluded.cursor_seq)
            returning cursor_seq""",
            (agency, consumer, cursor),
        )
    except psycopg.errors.CheckViolation:
        raise ConfigError(f"consumer {consumer!r}: expected lower-case letters, digits, - and _") from None
    return int(kept)


@contextmanager
def _connected(url: str | None) -> Iterator[psycopg.Connection[Any]]:
    try:
        with connect(url or database_url(home()), application_name="ams_etl feed") as connection:
            yield connection
    except psycopg.OperationalError:
        raise TransientError(
            "Postgres went away while the change feed was read; start again from your cursor"
        ) from None
