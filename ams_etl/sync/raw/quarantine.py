"""`ops.quarantine`: records that could not be read or understood, each with its reason."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

DERIVATION = "derivation"
"""The entity of a customer that was read well, and that the rules fail on."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One quarantined record; `detail` holds no personal data."""

    entity: str
    entity_id: str
    customer_id: str | None
    reason: str
    detail: str | None = None


def set_aside(
    connection: psycopg.Connection[Any],
    agency: str,
    sync_id: UUID | None,
    found: Iterable[Quarantined],
    *,
    read_customers: Sequence[str] = (),
    system: str = "ams360",
) -> int:
    """Quarantine these records; earlier reasons of customers that were read now are deleted first.

    Call it in the transaction that stores the customers' records.

    Returns:
        How many records were quarantined.
    """
    rows = list(found)
    if read_customers:
        connection.execute(
            """delete from ops.quarantine
            where agency = %s and system = %s and customer_id = any(%s) and entity <> %s""",
            (agency, system, list(read_customers), DERIVATION),
        )
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(
                """insert into ops.quarantine
                    (agency, system, entity, entity_id, customer_id, reason, detail, sync_id)
                values (%s, %s, %s, %s, %s, %s, %s, %s)
                on conflict (agency, system, entity, entity_id) do update set customer_id = excluded.customer_id,
                    reason = excluded.reason, detail = excluded.detail, sync_id = excluded.sync_id, at = now()""",
                [
                    (agency, system, row.entity, row.entity_id, row.customer_id, row.reason, row.detail, sync_id)
                    for row in rows
                ],
            )
    return len(rows)


def forget(
    connection: psycopg.Connection[Any], agency: str, entity: str, entity_ids: Sequence[str], *, system: str
) -> None:
    """Take records that were read again, or are gone, out of the quarantine."""
    connection.execute(
        "delete from ops.quarantine where agency = %s and system = %s and entity = %s and entity_id = any(%s)",
        (agency, system, entity, list(entity_ids)),
    )


def forget_listing(
    connection: psycopg.Connection[Any], agency: str, entity: str, sync_id: UUID, *, system: str
) -> None:
    """Forget what earlier syncs found wrong with a listing as a whole, or with rows without a key."""
    connection.execute(
        """delete from ops.quarantine
        where agency = %s and system = %s and entity = %s and customer_id is null and sync_id is distinct from %s""",
        (agency, system, entity, sync_id),
    )
