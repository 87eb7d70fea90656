"""One record's fault is one record's: the others are read, and the customer is never derived without its policies."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from ams_etl.errors import PermanentError
from ams_etl.rules.settings import RuleSettings
from ams_etl.sources.calling.retry import RetryPolicy
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.dirty_customers import mark_customers
from ams_etl.sync.contacts.derive import derive_dirty, mark_due
from ams_etl.sync.contacts.plan import make_plan
from ams_etl.sync.contacts.publish import publish
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.extract.reference import extract_reference
from ams_etl.sync.raw.faults import HIGHEST_SHARE, MOST_FAULTS, Faults
from ams_etl.sync.scope import SyncScope
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.sync.other_systems.other_system_run import NO_BRAKE

FULL = SyncScope()
TODAY = date(2026, 6, 1)


@pytest.fixture(scope="module")
def agency() -> Iterator[Sandbox]:
    with running_sandbox(size=30) as running:
        yield running


@pytest.fixture(autouse=True)
def _impatient(agency: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    agency.faults(off=True)
    monkeypatch.setattr(RetryPolicy, "delay", lambda _policy, _failed, _asked: 0.0)


def live(connection: psycopg.Connection[Any], table: str) -> set[tuple[str, str]]:
    rows = connection.execute(f"select customer_id, entity_id from raw_ams360.{table} where deleted_at is null")
    return set(rows.fetchall())


def quarantine(connection: psycopg.Connection[Any]) -> set[tuple[str, str, str | None]]:
    return set(connection.execute("select entity, reason, customer_id from ops.quarantine").fetchall())


def derive(connection: psycopg.Connection[Any]) -> int:
    """Derive what is due; return how many candidates that gave."""
    mark_due(connection, "demo", RuleSettings(), TODAY)
    return derive_dirty(connection, "demo", RuleSettings(), TODAY).candidates


def in_mart(connection: psycopg.Connection[Any]) -> set[str]:
    """Derive and publish; return the customers that the mart has contacts of."""
    derive(connection)
    make_plan(connection, "demo", RuleSettings(), NO_BRAKE, TODAY)
    publish(connection, "demo")
    rows = connection.execute("select customer_id from mart.contact_sources where agency = 'demo'")
    return {row[0] for row in rows}


def test_a_fault_that_passes_is_not_noticed(connection: psycopg.Connection[Any], agency: Sandbox) -> None:
    agency.faults(fault={"next": 2, "operations": ["PolicyGet"]})
    extract(connection, "demo", agency.connection(), FULL)
    assert quarantine(connection) == set()


def test_a_fault_that_stays_holds_back_its_new_customers_alone(
    connection: psycopg.Connection[Any], agency: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client without its policies would pass for a prospect, or a Winback."""
    monkeypatch.setattr("ams_etl.sync.raw.faults.MOST_FAULTS", 1000)
    agency.faults(fault={"rate": 1, "operations": ["PolicyGet"]})
    report = extract(connection, "demo", agency.connection(), FULL)
    held = {customer for entity, reason, customer in quarantine(connection) if reason == "held back"}
    stored = {customer for customer, _ in live(connection, "customers")}
    assert held
    assert stored
    assert not held & stored
    assert not live(connection, "policies")
    assert report.quarantined >= 2 * len(held)
    dirty = {row[0] for row in connection.execute("select customer_id from stage.dirty_customers")}
    assert not held & dirty
    agency.faults(off=True)
    extract(connection, "demo", agency.connection(), FULL)
    assert quarantine(connection) == set()
    assert {customer for customer, _ in live(connection, "customers")} == held | stored


@pytest.mark.parametrize(
    ("operation", "entity", "derived"),
    [
        ("CustomerGetById", "customers", False),
        ("PolicyGetListByCustomerId", "policies", False),
        ("CustomerContactGetList", "customer_contacts", True),
        ("CustomerDependentGetList", "customer_dependents", True),
    ],
)
def test_a_fault_without_detail_on_one_customers_read_holds_back_that_customers_part_alone(
    connection: psycopg.Connection[Any], agency: Sandbox, operation: str, entity: str, derived: bool
) -> None:
    """It is retried; everybody else is published, and the customer only where its policies were read."""
    clients = {row["CustomerId"] for row in agency.ask("state/customers") if row["CustomerType"] == "C"}
    key = min(clients & {row["CustomerId"] for row in agency.ask("state/policies")})
    agency.ask("reset-stats", {})
    agency.faults(bare_fault={"rate": 1, "operations": [operation], "about": key})
    extract(connection, "demo", agency.connection(), FULL)
    tried = agency.stats()["calls"][operation]
    assert {customer for _, _, customer in quarantine(connection)} == {key}
    assert (entity, "unreadable", key) in quarantine(connection)
    published = in_mart(connection)
    assert published
    assert (key in published, key in {customer for customer, _ in live(connection, "customers")}) == (derived, derived)

    agency.faults(off=True)
    agency.ask("reset-stats", {})
    extract(connection, "demo", agency.connection(), FULL)
    assert tried == agency.stats()["calls"][operation] + RetryPolicy().fault_tries - 1
    assert quarantine(connection) == set()
    assert in_mart(connection) == published | {key}


def test_what_was_stored_before_stays_and_the_rest_goes_on(
    connection: psycopg.Connection[Any], agency: Sandbox
) -> None:
    extract(connection, "demo", agency.connection(), FULL)
    before = live(connection, "policies")
    key = sorted(customer for customer, _ in before)[0]
    agency.edit("customers", "update", key, City="Newtown")
    agency.faults(fault={"rate": 1, "operations": ["PolicyGetListByCustomerId", "CustomerContactGetList"]})
    extract(connection, "demo", agency.connection(), SyncScope((key,)))
    assert live(connection, "policies") == before
    city = connection.execute("select payload ->> 'City' from raw_ams360.customers where entity_id = %s", (key,))
    assert city.fetchone() == ("Newtown",)
    assert {entity for entity, _, customer in quarantine(connection) if customer == key} == {
        "policies", "customer_contacts",
    }  # fmt: skip


def test_a_sync_stops_when_faults_are_many(connection: psycopg.Connection[Any], agency: Sandbox) -> None:
    agency.faults(fault={"rate": 1, "operations": ["CustomerGetById"]})
    with pytest.raises(PermanentError, match=r"2\d of 2\d records read so far answered with a fault"):
        extract(connection, "demo", agency.connection(), FULL)


@pytest.mark.parametrize("read", [MOST_FAULTS, 2000])
def test_the_limit_is_a_count_and_a_share(read: int) -> None:
    faults = Faults("x")
    bearable = max(MOST_FAULTS, int(HIGHEST_SHARE * read))
    for place in range(read):
        faults.count(PermanentError("y") if place >= read - bearable else None)
    with pytest.raises(PermanentError, match="5%"):
        for _ in range(10):
            faults.count(PermanentError("y"))


def test_a_value_too_long_to_store_rejects_its_record_alone(
    connection: psycopg.Connection[Any], agency: Sandbox
) -> None:
    keys = [key for key, _ in agency.ask("customers")]
    agency.edit("customers", "update", keys[0], LastName="x" * 5_000_000)
    agency.edit("customers", "update", keys[1], LastName="Va\x0bl\x1fe \x00")
    agency.edit("employees", "update", agency.ask("state/employees")[0]["EmployeeCode"], LastName="y" * 200_000)
    try:
        extract(connection, "demo", agency.connection(), FULL)
        extract_reference(connection, "demo", agency.connection())
    finally:
        agency.edit("customers", "update", keys[0], LastName="Vale")
    assert ("customers", "unreadable", keys[0]) in quarantine(connection)
    assert ("employees", "unreadable", None) in quarantine(connection)
    stored = {customer for customer, _ in live(connection, "customers")}
    assert stored == set(keys) - {keys[0]}
    name = connection.execute(
        "select payload ->> 'LastName' from raw_ams360.customers where entity_id = %s", (keys[1],)
    )
    assert name.fetchone() == ("Va le ",)


def test_a_derived_value_too_long_for_an_index_quarantines_its_customer_alone(
    connection: psycopg.Connection[Any], agency: Sandbox
) -> None:
    extract(connection, "demo", agency.connection(), FULL)
    derive(connection)
    # One whose policies count: a customer that the rules skip would not reach the index.
    found = connection.execute(
        "select min(p.customer_id) from raw_ams360.policies p join stage.candidates using (agency, customer_id)"
    ).fetchone()
    assert found is not None
    [key] = found
    line = "".join(chr(0x4E00 + place) for place in range(3000))
    connection.execute(
        """update raw_ams360.policies set payload = payload || jsonb_build_object('LineOfBusinessList',
            jsonb_build_array(jsonb_build_object('PolicyLineOfBusiness', %s::text)), 'PolicyStatus', 'A', 'PolicySubType', 'P',
            'PolicyEffectiveDate', '2026-01-01', 'PolicyExpirationDate', '2027-01-01') where customer_id = %s""",
        (line, key),
    )
    mark_customers(AgencyDb(connection, "demo"), {customer for customer, _ in live(connection, "customers")})
    assert derive(connection) > 0
    rows = connection.execute("select entity_id, detail from ops.quarantine where entity = 'derivation'").fetchall()
    assert [row[0] for row in rows] == [key]
    assert "a tag holds 3,000 characters" in rows[0][1]
