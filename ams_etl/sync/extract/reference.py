"""Read the small lists that give codes their names, whole every time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

import psycopg

from ams_etl.sources.ams360 import Ams360, Ams360Connection
from ams_etl.sources.calling.answers import Listing, Rejected
from ams_etl.sources.warm import COLD, Access
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.dirty_customers import mark_selected
from ams_etl.store.merge import MergeCounts, RawTable, Record, merge_records
from ams_etl.sync.raw.ams360_tables import (
    BUSINESS_UNITS,
    COMPANIES,
    DEPENDENTS_OF,
    EMPLOYEES,
    ID_MEMBERS,
    LINES_OF_BUSINESS,
    UNIT_CODE_MEMBERS,
)
from ams_etl.sync.raw.quarantine import Quarantined, forget_listing, set_aside

REFERENCE = (EMPLOYEES, BUSINESS_UNITS, COMPANIES, LINES_OF_BUSINESS)


@dataclass(frozen=True, slots=True)
class _Read:
    """A list as it goes to raw, and its records that cannot be read."""

    records: list[Record]
    rejected: list[Rejected]


def has_reference(connection: psycopg.Connection[Any], agency: str) -> bool:
    """Whether an agency's lists were ever read."""
    return bool(
        AgencyDb(connection, agency).scalar(
            "select exists (select from raw_ams360.employees where agency = %(agency)s)"
        )
    )


def extract_reference(
    connection: psycopg.Connection[Any], agency: str, ams360: Ams360Connection, access: Access = COLD
) -> Mapping[str, MergeCounts]:
    """Bring employees, business units, companies and lines of business up to date.

    Customers whose records name a changed code are marked to be derived again, in the same transaction. A record that
    cannot be read is quarantined.

    Returns:
        The counts by raw table name.

    Raises:
        TransientError, PermanentError, ConfigError: as the source raises them.
    """
    seen_at = datetime.now(UTC)
    sync_id = uuid4()
    listed = access.run(_read(ams360, access))
    counts = {}
    with connection.transaction():
        for table, listing in listed.items():
            # A list with an unreadable record takes no name away.
            complete: Literal["agency"] | tuple[()] = () if listing.rejected else "agency"
            merged = merge_records(connection, table, agency, listing.records, seen_at=seen_at, complete_for=complete)
            forget_listing(connection, agency, table.name, sync_id, system="ams360")
            set_aside(
                connection, agency, sync_id,
                (Quarantined(table.name, row.entity_id or row.reason, None, "unreadable", row.reason) for row in listing.rejected),
            )  # fmt: skip
            if merged.changed:
                codes = [
                    entity_id.partition(":")[2] if table is BUSINESS_UNITS else entity_id
                    for entity_id in merged.changed
                ]
                mark_selected(AgencyDb(connection, agency), DEPENDENTS_OF[table.name], codes=codes)
            counts[table.name] = merged
    return counts


async def _read(settings: Ams360Connection, access: Access) -> dict[RawTable, _Read]:
    async with access.open(settings) as ams360:
        return {
            EMPLOYEES: _keyed(EMPLOYEES, await ams360.employees()),
            COMPANIES: _keyed(COMPANIES, await ams360.companies()),
            LINES_OF_BUSINESS: _keyed(LINES_OF_BUSINESS, await ams360.lines_of_business()),
            BUSINESS_UNITS: await _units(ams360),
        }


async def _units(ams360: Ams360) -> _Read:
    found = _Read([], [])
    for kind, member in UNIT_CODE_MEMBERS.items():
        listing = await ams360.business_units(kind)
        found.records.extend(Record(f"{kind}:{unit[member]}", None, unit) for unit in listing.records)
        found.rejected.extend(listing.rejected)
    return found


def _keyed(table: RawTable, listing: Listing) -> _Read:
    member = ID_MEMBERS[table.name]
    return _Read([Record(payload[member], None, payload) for payload in listing.records], listing.rejected)
