"""One customer as AMS360 has it now, beside what is stored: member by member, nothing is written."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from ams_etl.settings import Agencies, Agency
from ams_etl.sources.ams360 import open_ams360
from ams_etl.sources.calling.event_loop import run
from ams_etl.sources.connections import ams360_connection
from ams_etl.store.content import canonical_json
from ams_etl.store.merge import RawTable, Record
from ams_etl.store.shared_access.access import SharedAccess
from ams_etl.sync.extract.ams360_customer import CustomerRead, read_customer
from ams_etl.sync.raw.ams360_tables import CUSTOMERS

Stored = Mapping[str, tuple[Mapping[str, Any], datetime]]


@dataclass(frozen=True, slots=True)
class MemberDifference:
    """A member of a record that differs; None: the side lacks the member or the record."""

    entity: str
    entity_id: str
    member: str
    stored: Any
    live: Any
    stored_at: datetime | None


@dataclass(frozen=True, slots=True)
class LiveCustomer:
    """A customer as AMS360 has it now.

    Attributes:
        customer: its own record; empty where AMS360 has none of this id any more.
        counts: records beneath it that were read, by table.
        unread: what could not be read, and why.
        differences: what differs from what is stored.
    """

    customer_id: str
    customer: Mapping[str, Any]
    counts: Mapping[str, int]
    unread: tuple[str, ...]
    differences: tuple[MemberDifference, ...]


def live_customer(
    connection: psycopg.Connection[Any],
    agencies: Agencies,
    agency: Agency,
    database_url: str,
    *,
    customer_id: str | None = None,
    number: int | None = None,
) -> LiveCustomer:
    """Read a customer from AMS360 by its id or its number, and compare it with what is stored.

    Args:
        connection: any; nothing is written over it.
        agencies: the file, for the password.
        agency: whose AMS360.
        database_url: where a refused login is remembered.
        customer_id: the CustomerId; else `number` is asked for.
        number: the CustomerNumber.

    Raises:
        AmsEtlError: AMS360 has no customer of this number, refuses, or does not answer.
    """
    shared = SharedAccess(database_url, agency.id, "ams360")

    async def read() -> CustomerRead:
        async with open_ams360(ams360_connection(agencies, agency, shared)) as ams360:
            wanted = customer_id or str((await ams360.customer_by_number(number or 0))["CustomerId"])
            return await read_customer(ams360, wanted, datetime.now(UTC))

    found = run(read())
    rows: dict[RawTable, Sequence[Record]] = {CUSTOMERS: (), **found.rows}
    differences = [
        difference
        for table, records in rows.items()
        if table not in found.incomplete
        for difference in _compared(table.name, _stored(connection, agency.id, table, found.customer_id), records)
    ]
    own = rows[CUSTOMERS]
    return LiveCustomer(
        found.customer_id,
        own[0].payload if own else {},
        {table.name: len(records) for table, records in rows.items() if table is not CUSTOMERS},
        tuple(f"{record.entity} {record.entity_id}: {record.detail or record.reason}" for record in found.set_aside),
        tuple(differences),
    )


def _stored(connection: psycopg.Connection[Any], agency: str, table: RawTable, customer_id: str) -> Stored:
    key = "entity_id" if table is CUSTOMERS else "customer_id"
    rows = connection.execute(
        f"""select entity_id, payload, last_seen_at from {table.qualified}
        where agency = %s and {key} = %s and deleted_at is null""",
        (agency, customer_id),
    )
    return {entity_id: (payload, seen_at) for entity_id, payload, seen_at in rows}


def _compared(table: str, stored: Stored, live: Sequence[Record]) -> Iterator[MemberDifference]:
    # As a sync would store it: members without a value left out.
    now: dict[str, Mapping[str, Any]] = {
        record.entity_id: json.loads(canonical_json(record.payload)) for record in live
    }
    for key in sorted(stored.keys() | now.keys()):
        had, at = stored.get(key, (None, None))
        has = now.get(key)
        if had is None or has is None:
            yield MemberDifference(table, key, "the record", "stored" if had else None, "there" if has else None, at)
            continue
        for member in sorted(had.keys() | has.keys()):
            if had.get(member) != has.get(member):
                yield MemberDifference(table, key, member, had.get(member), has.get(member), at)
