"""Count which trigger delivered each changed record, and which changes AMS360 never announced.

A change that the daily sweep or the weekly resync finds should have come with a notification. It counts as missed, except
in two cases: AMS360 sends no notification for such a change (silent), or its notification has arrived and waits for its run
(overtaken). Nothing is missed before an agency's first full sync, nor where no notification has ever arrived.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from ams_etl.store.agency_db import column, scalar
from ams_etl.store.merge import MergeCounts, RawTable
from ams_etl.sync.raw.ams360_tables import OBJECT_TYPES
from ams_etl.sync.runs import SyncRun

HABIT = timedelta(days=28)
"""How far back an agency's usual gaps between notifications are measured."""
FEWEST_FOR_A_HABIT = 20
LEAST_SILENCE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Silence:
    """How long no notification has come, and how long that may take; `allowed` is None without a habit yet."""

    since: datetime | None
    lasting: timedelta | None
    allowed: timedelta | None

    @property
    def is_too_long(self) -> bool:
        """Whether the agency is silent for longer than its own habit."""
        return self.lasting is not None and self.allowed is not None and self.lasting > self.allowed


def count_changes(connection: psycopg.Connection[Any], run: SyncRun, counts: Mapping[RawTable, MergeCounts]) -> None:
    """Count what a batch of customers brought; call it in the transaction that stored it.

    Args:
        connection: inside that transaction.
        run: the sync.
        counts: by raw table, what merging the batch changed.
    """
    changed = {table: part for table, part in counts.items() if part.changed and table.name in OBJECT_TYPES}
    if not changed:
        return
    watching = run.mode != "customers" and _could_miss(connection, run)
    waiting = _waiting_keys(connection, run.agency) if watching else frozenset()
    for table, part in changed.items():
        missed: list[tuple[str, str]] = []
        overtaken = 0
        if watching:
            for entity_id, customer_id in _owners(connection, run.agency, table, part.changed - part.unannounced):
                if entity_id in waiting or customer_id in waiting:
                    overtaken += 1
                else:
                    missed.append((entity_id, customer_id))
        object_type = OBJECT_TYPES[table.name]
        connection.execute(
            """insert into ops.trigger_changes as c
                (agency, sync_id, object_type, trigger, at, changed, missed, silent, overtaken)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (agency, sync_id, object_type) do update set changed = c.changed + excluded.changed,
                missed = c.missed + excluded.missed, silent = c.silent + excluded.silent,
                overtaken = c.overtaken + excluded.overtaken""",
            (
                run.agency, run.sync_id, object_type, run.trigger, run.started_at, len(part.changed), len(missed),
                len(part.unannounced), overtaken,
            ),
        )  # fmt: skip
        if missed:
            connection.execute(
                """insert into ops.missed_changes (agency, sync_id, object_type, entity_id, customer_id)
                select %s, %s, %s, * from unnest(%s::text[], %s::text[]) on conflict do nothing""",
                (
                    run.agency,
                    run.sync_id,
                    object_type,
                    [entity_id for entity_id, _ in missed],
                    [customer_id for _, customer_id in missed],
                ),
            )


def silence(connection: psycopg.Connection[Any], agency: str) -> Silence:
    """Return how long no notification of an agency has arrived, against its longest silence of the last four weeks.

    Half as long again is allowed, and never less than an hour; notifications that waited on our side count as arrived.
    """
    row = connection.execute(
        """with came as (
            select received_at, received_at - lag(received_at) over (order by received_at) as gap
            from ops.notifications where agency = %s and part = 0 and received_at > now() - %s::interval)
        select max(received_at), now() - max(received_at), max(gap), count(*) from came""",
        (agency, HABIT),
    ).fetchone()
    return Silence(None, None, None) if row is None else silence_of(*row)


def silence_of(newest: datetime | None, lasting: timedelta | None, longest_gap: timedelta | None, came: int) -> Silence:
    """Return how long an agency's silence may last: half as long again as its longest gap, once there is a habit.

    Args:
        newest: when the newest request came, of those within `HABIT`; None without any.
        lasting: how long ago that was.
        longest_gap: the longest time between two of them.
        came: how many there were.
    """
    if newest is None:
        return Silence(None, None, None)
    habit = longest_gap if came >= FEWEST_FOR_A_HABIT else None
    allowed = None if habit is None else max(habit * 1.5, LEAST_SILENCE)
    return Silence(newest, lasting, allowed)


def _could_miss(connection: psycopg.Connection[Any], run: SyncRun) -> bool:
    return bool(
        scalar(
            connection,
            """select exists (select from ops.sync_runs where agency = %(agency)s and mode = 'full'
                and extracted_at is not null and sync_id <> %(sync)s)
            and exists (select from ops.notifications where agency = %(agency)s and part = 0)""",
            {"agency": run.agency, "sync": run.sync_id},
        )
    )


def _waiting_keys(connection: psycopg.Connection[Any], agency: str) -> frozenset[str]:
    return frozenset(
        column(
            connection,
            """select distinct k.value from ops.notifications n, jsonb_each_text(n.keys) k
            where n.agency = %s and n.state in ('received', 'pending')""",
            (agency,),
        )
    )


def _owners(
    connection: psycopg.Connection[Any], agency: str, table: RawTable, entity_ids: frozenset[str]
) -> list[tuple[str, str]]:
    return connection.execute(
        f"""select entity_id, coalesce(customer_id, entity_id) from {table.qualified}
        where agency = %s and entity_id = any(%s)""",
        (agency, list(entity_ids)),
    ).fetchall()
