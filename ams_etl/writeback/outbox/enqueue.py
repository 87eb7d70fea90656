"""New rows for the outbox, of whatever system."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from ams_etl.writeback.outbox.lanes import promote


@dataclass(frozen=True, slots=True)
class NewWrite:
    """A write to be delivered once.

    Attributes:
        writeback_id: make it a function of what asks for it: the same id again is the same write.
        kind: what asks for it, for people.
        operation: what the system's `Target` is to do.
        lane: what must stay in order; never two of one lane at once.
        request: everything that `Target` needs.
        customer_id: the record it is about, where there is one already.
        depends_on: a write of the same lane that must be delivered before.
        event_id: the event it comes from.
    """

    writeback_id: UUID
    kind: str
    operation: str
    lane: str
    request: dict[str, Any]
    customer_id: str | None = None
    depends_on: UUID | None = None
    event_id: UUID | None = None


def enqueue(
    connection: psycopg.Connection[Any],
    agency: str,
    system: str,
    writes: Sequence[NewWrite],
    *,
    waits_for: str | None = None,
) -> int:
    """Put writes into a system's outbox, in this order; those that are there already are left alone.

    Args:
        connection: inside a transaction that holds `lanes.lock`.
        agency: the agency id.
        system: `ams360`, `benefitpoint`, ...
        writes: what to deliver.
        waits_for: why they are put off for an hour, if they are; see `holding`.

    Returns:
        How many are new.
    """
    if not writes:
        return 0
    new = connection.execute(
        """insert into ops.writebacks (agency, system, writeback_id, event_id, kind, operation, lane, customer_id,
            depends_on, request, error, not_before)
        select %(agency)s, %(system)s, x.writeback_id, x.event_id, x.kind, x.operation, x.lane, x.customer_id,
            x.depends_on, x.request, %(waits_for)s,
            now() + case when %(waits_for)s::text is null then interval '0' else interval '1 hour' end
        from unnest(%(ids)s::uuid[], %(events)s::uuid[], %(kinds)s::text[], %(operations)s::text[], %(lanes)s::text[],
            %(customers)s::text[], %(after)s::uuid[], %(requests)s::jsonb[]) with ordinality
            x (writeback_id, event_id, kind, operation, lane, customer_id, depends_on, request, place)
        order by x.place on conflict do nothing""",
        {
            "agency": agency,
            "waits_for": waits_for,
            "system": system,
            "ids": [write.writeback_id for write in writes],
            "events": [write.event_id for write in writes],
            "kinds": [write.kind for write in writes],
            "operations": [write.operation for write in writes],
            "lanes": [write.lane for write in writes],
            "customers": [write.customer_id for write in writes],
            "after": [write.depends_on for write in writes],
            "requests": [Jsonb(write.request) for write in writes],
        },
    ).rowcount
    promote(connection, agency, system, {write.lane for write in writes})
    return new
