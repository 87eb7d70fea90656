"""Read the small lists that give codes their names, whole every time."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg

from ams_etl.errors import DataError
from ams_etl.sources.ams360 import Ams360, Ams360Connection, open_ams360
from ams_etl.sources.calling.answers import Listing
from ams_etl.sources.calling.event_loop import run
from ams_etl.store.merge import MergeCounts, RawTable, Record, merge_records
from ams_etl.sync.raw.ams360_tables import (
    BUSINESS_UNITS,
    COMPANIES,
    DEPENDENTS_OF,
    EMPLOYEES,
    ID_MEMBERS,
    LINES_OF_BUSINESS,
    UNIT_CODE_MEMBERS,
    mark_customers_naming,
)

REFERENCE = (EMPLOYEES, BUSINESS_UNITS, COMPANIES, LINES_OF_BUSINESS)


def has_reference(connection: psycopg.Connection[Any], agency: str) -> bool:
    """Whether an agency's lists were ever read."""
    row = connection.execute("select exists (select from raw_ams360.employees where agency = %s)", (agency,)).fetchone()
    return bool(row and row[0])


def extract_reference(
    connection: psycopg.Connection[Any], agency: str, ams360: Ams360Connection
) -> Mapping[str, MergeCounts]:
    """Bring employees, business units, companies and lines of business up to date.

    Customers whose records name a changed code are marked to be derived again, in the same transaction.

    Returns:
        The counts by raw table name.

    Raises:
        DataError: a list holds a record that cannot be read; a half list would take names away.
        TransientError, PermanentError, ConfigError: as the source gives them.
    """
    seen_at = datetime.now(UTC)
    listed = run(_read(ams360))
    counts = {}
    with connection.transaction():
        for table, records in listed.items():
            merged = merge_records(connection, table, agency, records, seen_at=seen_at, complete_for="agency")
            if merged.changed:
                codes = [
                    entity_id.partition(":")[2] if table is BUSINESS_UNITS else entity_id
                    for entity_id in merged.changed
                ]
                mark_customers_naming(connection, agency, where=DEPENDENTS_OF[table.name], codes=codes)
            counts[table.name] = merged
    return counts


async def _read(settings: Ams360Connection) -> dict[RawTable, list[Record]]:
    async with open_ams360(settings) as ams360:
        return {
            EMPLOYEES: list(_records(EMPLOYEES, await ams360.employees())),
            COMPANIES: list(_records(COMPANIES, await ams360.companies())),
            LINES_OF_BUSINESS: list(_records(LINES_OF_BUSINESS, await ams360.lines_of_business())),
            BUSINESS_UNITS: await _units(ams360),
        }


async def _units(ams360: Ams360) -> list[Record]:
    found = []
    for kind, member in UNIT_CODE_MEMBERS.items():
        listing = await ams360.business_units(kind)
        _refuse_rejected(listing)
        found += [Record(f"{kind}:{unit[member]}", None, unit) for unit in listing.records if unit.get(member)]
    return found


def _records(table: RawTable, listing: Listing) -> Iterator[Record]:
    _refuse_rejected(listing)
    member = ID_MEMBERS[table.name]
    return (Record(payload[member], None, payload) for payload in listing.records if payload.get(member))


def _refuse_rejected(listing: Listing) -> None:
    if listing.rejected:
        first = listing.rejected[0]
        raise DataError(f"{first.kind}: {len(listing.rejected)} record(s) cannot be read, first: {first.reason}")
