"""BenefitPoint into raw, from the real sandbox over HTTP: whole, by findChanges, and with what goes wrong there."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from ams_etl.errors import PermanentError, TransientError
from ams_etl.sources.calling.retry import RetryPolicy
from ams_etl.sync.extract.benefitpoint import extract_benefitpoint
from ams_etl_tests.sandbox_process import BenefitPointSandbox, running_sandbox


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RetryPolicy, "delay", lambda _policy, _failed, _asked: 0.0)


KINDS = {"accounts": "accountID", "contacts": "contactID", "plans": "productID"}


@pytest.fixture
def sandbox() -> Iterator[BenefitPointSandbox]:
    with running_sandbox(size=60, more=("--benefitpoint",)) as running:
        yield running.benefitpoint


def about(key: int) -> str:
    """Return what a call about this record holds."""
    return f">{key}<"


def live(connection: psycopg.Connection[Any], table: str) -> set[int]:
    rows = connection.execute(f"select entity_id from raw_benefitpoint.{table} where deleted_at is null").fetchall()
    return {int(row[0]) for row in rows}


def there(sandbox: BenefitPointSandbox) -> dict[str, set[int]]:
    contacts = {contact["contact"]["contactID"] for contact in sandbox.rows("contacts")}
    return {
        "accounts": {account["accountID"] for account in sandbox.rows("accounts")},
        "contacts": contacts,
        "plans": {product["productID"] for product in sandbox.rows("products")},
    }


def stored(connection: psycopg.Connection[Any]) -> dict[str, set[int]]:
    return {table: live(connection, table) for table in KINDS}


def test_a_full_sync_stores_everything_without_secrets_and_a_second_one_writes_nothing(
    connection: psycopg.Connection[Any], sandbox: BenefitPointSandbox
) -> None:
    report = extract_benefitpoint(connection, "demo", sandbox.connection())
    assert report.mode == "everything"
    assert stored(connection) == there(sandbox)
    for table in (*KINDS, "offices", "users", "carriers", "product_types"):
        for (payload,) in connection.execute(f"select payload from raw_benefitpoint.{table}"):
            # Generated tax ids and social security numbers all begin with 9.
            assert not re.search(r"9\d\d-\d\d-\d{4}", json.dumps(payload))
    again = extract_benefitpoint(connection, "demo", sandbox.connection(), full=True)
    assert {
        name: (counts.inserted, counts.updated, counts.deleted) for name, counts in again.tables.items()
    } == dict.fromkeys(again.tables, (0, 0, 0))


def test_changes_are_read_and_nothing_else(connection: psycopg.Connection[Any], sandbox: BenefitPointSandbox) -> None:
    """Edits, new records and deletions of all three kinds; an account that is left alone is not read."""
    extract_benefitpoint(connection, "demo", sandbox.connection())
    # As if the last sync had been long ago, less what was changed before it.
    connection.execute("update ops.benefitpoint_cursors set changes_since = now() + interval '10 minutes'")
    rows, contacts, plans = sandbox.rows("accounts"), sandbox.rows("contacts"), sandbox.rows("products")
    sandbox.edit("accounts", "update", rows[0]["accountID"], notes="looked at")
    sandbox.edit("accounts", "delete", rows[1]["accountID"])
    kept = [plan for plan in plans if plan["accountID"] not in {rows[0]["accountID"], rows[1]["accountID"]}]
    sandbox.edit("products", "delete", kept[0]["productID"])
    made = sandbox.edit("products", "insert", **{**kept[1], "productID": None, "name": "A new one"})
    person = next(
        contact for contact in contacts if contact["accountID"] not in {rows[0]["accountID"], rows[1]["accountID"]}
    )
    sandbox.edit("contacts", "update", person["contact"]["contactID"], title="Chief")
    sandbox.ask("reset-stats", {})
    report = extract_benefitpoint(connection, "demo", sandbox.connection())
    assert report.mode == "changed"
    touched = {rows[0]["accountID"], kept[0]["accountID"], kept[1]["accountID"], person["accountID"]}
    assert sandbox.ask("stats")["calls"]["getAccount"] == len(touched)
    assert made in live(connection, "plans")
    assert stored(connection) == there(sandbox)
    title = connection.execute(
        "select payload ->> 'title' from raw_benefitpoint.contacts where entity_id = %s",
        (str(person["contact"]["contactID"]),),
    )
    assert title.fetchone() == ("Chief",)


def test_who_was_away_too_long_reads_everything(
    connection: psycopg.Connection[Any], sandbox: BenefitPointSandbox
) -> None:
    extract_benefitpoint(connection, "demo", sandbox.connection())
    for column, days in (("changes_since", 30), ("full_at", 8)):
        connection.execute("update ops.benefitpoint_cursors set changes_since = now(), full_at = now()")
        connection.execute(f"update ops.benefitpoint_cursors set {column} = now() - %s", (timedelta(days=days),))
        assert extract_benefitpoint(connection, "demo", sandbox.connection()).mode == "everything"


def test_one_account_asked_for_is_one_account_read(
    connection: psycopg.Connection[Any], sandbox: BenefitPointSandbox
) -> None:
    key = sandbox.rows("accounts")[0]["accountID"]
    report = extract_benefitpoint(connection, "demo", sandbox.connection(), accounts=[key])
    assert (report.mode, live(connection, "accounts")) == ("customers", {key})
    assert connection.execute("select count(*) from ops.benefitpoint_cursors").fetchone() == (0,)


def test_what_cannot_be_read_is_set_aside_and_deletes_nothing(
    connection: psycopg.Connection[Any], sandbox: BenefitPointSandbox
) -> None:
    """A right that is missing looks like a deletion; only the list of accounts knows."""
    extract_benefitpoint(connection, "demo", sandbox.connection())
    before = stored(connection)
    sandbox.faults(denied=["getAccount", "findProducts"])
    report = extract_benefitpoint(connection, "demo", sandbox.connection(), full=True)
    assert report.quarantined == len(before["accounts"])
    assert stored(connection) == before
    sandbox.faults(off=True, fault={"rate": 1, "operations": ["getProduct"], "about": about(min(before["plans"]))})
    report = extract_benefitpoint(connection, "demo", sandbox.connection(), full=True)
    assert report.quarantined == 1
    assert stored(connection) == before
    sandbox.faults(off=True)
    # findChanges does not report them again, and they are read all the same.
    assert extract_benefitpoint(connection, "demo", sandbox.connection()).mode == "changed"
    assert connection.execute("select count(*) from ops.quarantine").fetchone() == (0,)


OF_EVERY_SYNC = (
    "findOffices", "findUsers", "getAvailableCarriers", "getProductTypes",
    "getAccount", "findAccountContacts", "findProducts", "getProduct",
)  # fmt: skip
OF_A_FULL_SYNC = ("findChanges", "findAccounts")


def test_one_general_fault_of_each_read_is_not_noticed(
    connection: psycopg.Connection[Any], sandbox: BenefitPointSandbox
) -> None:
    """Each list and each read by id is retried; nothing is lost, quarantined or taken for deleted."""
    key = sandbox.rows("products")[0]["accountID"]
    for operation in (*OF_EVERY_SYNC, *OF_A_FULL_SYNC):
        sandbox.faults(off=True, fault={"next": 1, "operations": [operation]})
        only = [key] if operation in OF_EVERY_SYNC else []
        report = extract_benefitpoint(connection, "demo", sandbox.connection(), accounts=only, full=not only)
        assert sandbox.faults()["fault"]["next"] == 0, operation
        assert (report.retries, report.quarantined) == (1, 0), operation
        expected = there(sandbox)
        if only:
            expected = {
                "accounts": {key},
                "contacts": {
                    row["contact"]["contactID"] for row in sandbox.rows("contacts") if row["accountID"] == key
                },
                "plans": {row["productID"] for row in sandbox.rows("products") if row["accountID"] == key},
            }
        assert stored(connection) == expected, operation


@pytest.mark.parametrize(
    ("operation", "table"), [("getAccount", "accounts"), ("findProducts", "plans"), ("getProduct", "plans")]
)
def test_a_fault_that_stays_holds_back_its_new_account_alone(
    connection: psycopg.Connection[Any], sandbox: BenefitPointSandbox, operation: str, table: str
) -> None:
    """Without its plans it would pass for a prospect; the other accounts are stored."""
    plan = min(sandbox.rows("products"), key=lambda row: row["productID"])
    account = plan["accountID"]
    key = plan["productID"] if operation == "getProduct" else account
    sandbox.faults(fault={"rate": 1, "operations": [operation], "about": about(key)})
    extract_benefitpoint(connection, "demo", sandbox.connection())
    assert stored(connection)["accounts"] == there(sandbox)["accounts"] - {account}
    rows = connection.execute("select distinct customer_id from ops.quarantine").fetchall()
    assert rows == [(str(account),)]
    reason = connection.execute("select reason from ops.quarantine where entity = %s", (table,)).fetchall()
    assert ("unreadable",) in reason
    sandbox.faults(off=True)
    assert extract_benefitpoint(connection, "demo", sandbox.connection()).mode == "changed"
    assert stored(connection) == there(sandbox)
    assert connection.execute("select count(*) from ops.quarantine").fetchone() == (0,)


def test_a_sync_stops_when_faults_are_many(
    connection: psycopg.Connection[Any], sandbox: BenefitPointSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ams_etl.sync.raw.faults.MOST_FAULTS", 3)
    sandbox.faults(fault={"rate": 1, "operations": ["findAccountContacts"]})
    with pytest.raises(
        PermanentError, match=r"BenefitPoint accounts: 4 of 4 records read so far answered with a fault"
    ):
        extract_benefitpoint(connection, "demo", sandbox.connection())
    assert connection.execute("select count(*) from ops.benefitpoint_cursors").fetchone() == (0,)


def test_a_change_that_cannot_be_read_is_asked_for_again(
    connection: psycopg.Connection[Any], sandbox: BenefitPointSandbox
) -> None:
    """A new plan is listed once by findChanges; until the plan can be read nobody knows whose it is."""
    extract_benefitpoint(connection, "demo", sandbox.connection())
    made = sandbox.edit("products", "insert", **{**sandbox.rows("products")[0], "productID": None, "name": "A new one"})
    sandbox.faults(fault={"rate": 1, "operations": ["getProduct"], "about": about(made)})
    connection.execute("update ops.benefitpoint_cursors set changes_since = now() + interval '9 minutes 59 seconds'")
    assert extract_benefitpoint(connection, "demo", sandbox.connection()).quarantined == 1
    rows = connection.execute("select entity, entity_id, customer_id, reason from ops.quarantine").fetchall()
    assert rows == [("plans", str(made), None, "unreadable")]
    sandbox.faults(off=True)
    # As if findChanges no longer listed it.
    connection.execute("update ops.benefitpoint_cursors set changes_since = now() + interval '1 hour'")
    extract_benefitpoint(connection, "demo", sandbox.connection())
    assert made in stored(connection)["plans"]
    assert connection.execute("select count(*) from ops.quarantine").fetchone() == (0,)


def test_a_sync_that_dies_is_done_again(connection: psycopg.Connection[Any], sandbox: BenefitPointSandbox) -> None:
    """The cursor moves last."""
    extract_benefitpoint(connection, "demo", sandbox.connection())
    cursor = connection.execute("select changes_since from ops.benefitpoint_cursors").fetchone()
    key = sandbox.rows("accounts")[0]["accountID"]
    sandbox.edit("accounts", "update", key, notes="later")
    sandbox.faults(unavailable_rate=1, only=["getAccount"])
    with pytest.raises(TransientError):
        extract_benefitpoint(connection, "demo", sandbox.connection())
    assert connection.execute("select changes_since from ops.benefitpoint_cursors").fetchone() == cursor
    sandbox.faults(off=True)
    extract_benefitpoint(connection, "demo", sandbox.connection())
    found = connection.execute(
        "select payload ->> 'notes' from raw_benefitpoint.accounts where entity_id = %s", (str(key),)
    )
    assert found.fetchone() == ("later",)
