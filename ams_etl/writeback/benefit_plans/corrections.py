"""Plans that are waiting for AMS360 and were corrected, moved or taken away in the meantime (B5)."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from ams_etl.writeback.outbox.enqueue import NewWrite
from ams_etl.writeback.outbox.lanes import promote


def withdraw_outdated(
    connection: psycopg.Connection[Any], agency: str, system: str, operation: str, wanted: Sequence[NewWrite]
) -> int:
    """Take those writes out of the outbox that surely have not been carried out and are not wanted so any more.

    What waits goes if it is not wanted at all or with other values, what was refused only if it is wanted for another
    customer; either can be inserted again. What is under way, uncertain or may have been carried out stays.

    Args:
        connection: inside a transaction that holds `lanes.lock`.
        agency: the agency id.
        system: whose outbox.
        operation: only writes of this operation.
        wanted: all of them that are wanted now.

    Returns:
        How many were taken out.
    """
    lanes = connection.execute(
        """with wanted as (
            select * from unnest(%(ids)s::uuid[], %(customers)s::text[], %(requests)s::jsonb[]) w (id, customer_id, request)),
        -- One branch a status: each has its own index, for the outbox keeps everything that was ever delivered.
        waits as (
            select * from ops.writebacks where agency = %(agency)s and system = %(system)s and status = 'pending'
            union all select * from ops.writebacks where agency = %(agency)s and system = %(system)s and status = 'waiting'),
        outdated as (
            select o.writeback_id from waits o left join wanted w on w.id = o.writeback_id
            where o.operation = %(operation)s and not o.check_first
                and (w.id is null or (o.customer_id, o.request) is distinct from (w.customer_id, w.request))
            union all
            select o.writeback_id from wanted w join ops.writebacks o on o.agency = %(agency)s and o.writeback_id = w.id
            where o.status = 'failed' and not o.check_first and o.customer_id is distinct from w.customer_id)
        delete from ops.writebacks o using outdated
        where o.agency = %(agency)s and o.writeback_id = outdated.writeback_id
            and o.status in ('waiting', 'pending', 'failed') and not o.check_first
        returning o.lane""",
        {
            "agency": agency,
            "system": system,
            "operation": operation,
            "ids": [write.writeback_id for write in wanted],
            "customers": [write.customer_id for write in wanted],
            "requests": [Jsonb(write.request) for write in wanted],
        },
    ).fetchall()
    if lanes:
        promote(connection, agency, system, {lane for (lane,) in lanes})
    return len(lanes)
