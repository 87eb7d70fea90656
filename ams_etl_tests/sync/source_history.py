"""Agencies and their histories for the engine's tests: records in AMS360's shape, written to raw as a sync would."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import BrakeSettings
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.dirty_customers import mark_customers
from ams_etl.store.merge import Record, merge_records
from ams_etl.sync.contacts.derive import derive_dirty, mark_due
from ams_etl.sync.contacts.plan import PlanCounts, make_plan
from ams_etl.sync.contacts.publish import publish
from ams_etl.sync.raw.ams360_tables import (
    COMPANIES,
    CUSTOMER_CONTACTS,
    CUSTOMER_DEPENDENTS,
    CUSTOMERS,
    EMPLOYEES,
    POLICIES,
)

AGENCY = "acme"
NO_BRAKE = BrakeSettings(max_deleted_share=1, max_owner_change_share=1)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MART = (
    "contacts", "contact_emails", "contact_phones", "contact_sources", "contact_tags", "key_facts", "connections",
    "skipped_contacts", "contact_merges",
)  # fmt: skip


def guid(kind: int, number: int) -> str:
    """A guid that reads as what it is."""
    return str(UUID(int=(kind << 64) + number))


def customer_id(number: int) -> str:
    """The CustomerId of a CustomerNumber."""
    return guid(0xC, number)


def customer(number: int, **members: Any) -> dict[str, Any]:
    """A Customer record; members by AMS360's names."""
    return {"CustomerId": customer_id(number), "CustomerNumber": number, "IsActive": True, "AccountExecCode": "E 1",
            "AccountRepCode": "R<1", **members}  # fmt: skip


def contact(number: int, of: int, **members: Any) -> dict[str, Any]:
    """A CustomerContact record."""
    return {"CustomerContactId": guid(0xD, number), "CustomerId": customer_id(of), **members}


def dependent(number: int, of: int, **members: Any) -> dict[str, Any]:
    """A CustomerDependent record."""
    return {"DependentId": guid(0xE, number), "CustomerId": customer_id(of), **members}


def policy(number: int, of: int, **members: Any) -> dict[str, Any]:
    """A Policy record, in force through 2026 unless `fields` say otherwise."""
    return {"PolicyId": guid(0xF, number), "CustomerId": customer_id(of), "PolicyNumber": f"P-{number}",
            "PolicyStatus": "A", "PolicySubType": "P", "PolicyEffectiveDate": "2026-01-01T00:00:00",
            "PolicyExpirationDate": "2027-01-01T00:00:00", "IsContinuous": False, **members}  # fmt: skip


class Source:
    """What AMS360 holds, in memory; `store` writes some customers to raw as a partial sync would."""

    def __init__(self) -> None:
        self.customers: dict[int, dict[str, Any]] = {}
        self.beneath: dict[str, dict[str, dict[str, Any]]] = {"contacts": {}, "dependents": {}, "policies": {}}
        self._clock = BEGIN

    def put(self, record: Mapping[str, Any]) -> None:
        """Add or replace a record."""
        if "CustomerNumber" in record:
            self.customers[record["CustomerNumber"]] = dict(record)
        elif "CustomerContactId" in record:
            self.beneath["contacts"][record["CustomerContactId"]] = dict(record)
        elif "DependentId" in record:
            self.beneath["dependents"][record["DependentId"]] = dict(record)
        else:
            self.beneath["policies"][record["PolicyId"]] = dict(record)

    def store(self, connection: psycopg.Connection[Any], numbers: Iterable[int] | None = None) -> None:
        """Bring raw up to date for these customers (all of them by default), as one batch of a sync does."""
        ids = [customer_id(number) for number in (sorted(self.customers) if numbers is None else numbers)]
        self._clock += timedelta(seconds=1)
        touched: set[str] = set()
        with connection.transaction():
            for table, rows in (
                (CUSTOMERS, [(row["CustomerId"], row["CustomerId"], row) for row in self.customers.values()]),
                (CUSTOMER_CONTACTS, self._rows("contacts", "CustomerContactId")),
                (CUSTOMER_DEPENDENTS, self._rows("dependents", "DependentId")),
                (POLICIES, self._rows("policies", "PolicyId")),
            ):
                merged = merge_records(
                    connection,
                    table,
                    AGENCY,
                    (Record(key, owner, row) for key, owner, row in rows if owner in ids),
                    seen_at=self._clock,
                    complete_for=ids,
                )
                touched |= merged.customers
            mark_customers(AgencyDb(connection, AGENCY), touched)

    def _rows(self, kind: str, key: str) -> list[tuple[str, str, dict[str, Any]]]:
        """A customer that is gone has nothing beneath it."""
        live = {row["CustomerId"] for row in self.customers.values()}
        return [(row[key], row["CustomerId"], row) for row in self.beneath[kind].values() if row["CustomerId"] in live]


def store_reference(connection: psycopg.Connection[Any]) -> None:
    """Two employees and a carrier."""
    with connection.transaction():
        for table, rows in (
            (EMPLOYEES, [("E 1", {"EmployeeCode": "E 1", "FirstName": "Eve", "LastName": "Exec", "ShortName": "EVE"}),
                         ("R<1", {"EmployeeCode": "R<1", "FirstName": "Rob", "LastName": "Rep"})]),
            (COMPANIES, [("TRV", {"CompanyCode": "TRV", "Name": "Travelers"})]),
        ):  # fmt: skip
            merge_records(connection, table, AGENCY, (Record(key, None, row) for key, row in rows), seen_at=BEGIN)


def refresh(
    connection: psycopg.Connection[Any], settings: RuleSettings, today: date, brake: BrakeSettings = NO_BRAKE,
    agency: str = AGENCY,
) -> PlanCounts:  # fmt: skip
    """Derive what is due, plan and publish: what every run does after it has read."""
    mark_due(connection, agency, settings, today)
    derive_dirty(connection, agency, settings, today)
    plan = make_plan(connection, agency, settings, brake, today)
    publish(connection, agency)
    return plan.counts


def mart(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Every row of every mart table as text, sorted; times apart, which say when and not what."""
    return {
        table: [
            row[0]
            for row in connection.execute(
                f"select (to_jsonb(m) - 'created_at' - 'updated_at' - 'at')::text from mart.{table} m order by 1"
            )
        ]
        for table in MART
    }


class _Rollback(Exception):
    pass


def rebuilt(
    connection: psycopg.Connection[Any], settings: RuleSettings, today: date, look: Callable[[], None] = lambda: None
) -> dict[str, list[str]]:
    """What mart would be, built from raw, settings, mappings and overrides alone; `look` sees it before it goes."""
    found: dict[str, list[str]] = {}
    try:
        with connection.transaction():
            for table in MART:
                connection.execute(f"delete from mart.{table}")
            for table in (
                "touched", "dirty_customers", "customers", "skips", "contacts", "engine", "plans", "planned_contacts",
                "planned_members", "planned_skips", "candidates", "merged_customers", "merged_records",
            ):  # fmt: skip
                connection.execute(f"delete from stage.{table}")
            refresh(connection, settings, today)
            found = mart(connection)
            look()
            raise _Rollback
    except _Rollback:
        return found


def replay(connection: psycopg.Connection[Any], shortened: Collection[str] = ()) -> dict[str, Any]:
    """The contacts that a consumer has who followed the change feed from its beginning.

    Of `shortened` contacts the feed does not begin with their insert: their earlier rows knew somebody who was forgotten.
    """
    followed: dict[str, Any] = {}
    met: set[str] = set()
    for entity_id, op, after in connection.execute(
        "select entity_id, op, after from mart.changes where entity = 'contact' order by seq"
    ):
        is_cut = entity_id in shortened and entity_id not in met
        met.add(entity_id)
        assert is_cut or (op == "insert") == (entity_id not in followed)
        if op != "delete":
            followed[entity_id] = after
        elif not is_cut:
            del followed[entity_id]
    return followed
