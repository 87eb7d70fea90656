"""BenefitPoint into raw, from the real sandbox over HTTP: whole, by findChanges, and with what goes wrong there."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from ams_etl.errors import TransientError
from ams_etl.sync.extract.benefitpoint import extract_benefitpoint
from ams_etl_tests.sandbox_process import BenefitPointSandbox, running_sandbox

KINDS = {"accounts": "accountID", "contacts": "contactID", "plans": "productID"}


@pytest.fixture
def sandbox() -> Iterator[BenefitPointSandbox]:
    with running_sandbox(size=60, more=("--benefitpoint",)) as running:
        yield running.benefitpoint


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
    sandbox.faults(off=True, next_fault=2, only=["getProduct"])
    report = extract_benefitpoint(connection, "demo", sandbox.connection(), full=True)
    assert report.quarantined == 2
    assert stored(connection) == before
    sandbox.faults(off=True)
    # findChanges does not report them again, and they are read all the same.
    assert extract_benefitpoint(connection, "demo", sandbox.connection()).mode == "changed"
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
