"""Lanes: the writes of one customer, one after the other. The head of a lane is the only one that can be claimed.

Whatever adds rows to a lane or takes its head away holds the agency's lock and calls `promote`, so that a lane never
stalls and never has two heads (a unique index would refuse).
"""

from collections.abc import Iterable
from typing import Any

import psycopg


def lock(connection: psycopg.Connection[Any], agency: str) -> None:
    """Wait for the agency's outbox; held to the end of the transaction."""
    connection.execute("select pg_advisory_xact_lock(hashtextextended('ams_etl.writeback/' || %s, 0))", (agency,))


def promote(connection: psycopg.Connection[Any], agency: str, system: str, lanes: Iterable[str] | None = None) -> int:
    """Make the first waiting row of each lane without a head its head.

    Args:
        connection: inside a transaction that holds the lock.
        agency: the agency id.
        system: whose outbox.
        lanes: those whose head may be gone; None: all.

    Returns:
        How many heads are new.
    """
    asked = None if lanes is None else sorted(set(lanes))
    return connection.execute(
        """update ops.writebacks w set status = 'pending'
        from (select distinct lane from ops.writebacks where agency = %(agency)s and system = %(system)s
                and status = 'waiting' and (%(lanes)s::text[] is null or lane = any(%(lanes)s))) l
        cross join lateral (
            select n.writeback_id from ops.writebacks n where n.agency = %(agency)s and n.system = %(system)s
                and n.lane = l.lane and n.status = 'waiting' order by n.position limit 1) head
        where w.agency = %(agency)s and w.writeback_id = head.writeback_id
            and not exists (select from ops.writebacks o where o.agency = %(agency)s and o.system = %(system)s
                and o.lane = l.lane and o.status in ('pending', 'claimed', 'delivering'))"""
        if asked is None
        else """update ops.writebacks w set status = 'pending'
        from unnest(%(lanes)s::text[]) l (lane)
        cross join lateral (
            select n.writeback_id from ops.writebacks n where n.agency = %(agency)s and n.system = %(system)s
                and n.lane = l.lane and n.status = 'waiting' order by n.position limit 1) head
        where w.agency = %(agency)s and w.writeback_id = head.writeback_id
            and not exists (select from ops.writebacks o where o.agency = %(agency)s and o.system = %(system)s
                and o.lane = l.lane and o.status in ('pending', 'claimed', 'delivering'))""",
        {"agency": agency, "system": system, "lanes": asked},
    ).rowcount
