"""Sweep and extract against the real sandbox over HTTP, with everything that goes wrong there."""

from collections import Counter
from typing import Any

import psycopg
import pytest

from ams_etl.errors import TransientError
from ams_etl.sync.extract import ams360, ams360_customer
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.extract.reference import extract_reference
from ams_etl.sync.scope import SyncScope
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox

FULL = SyncScope()


def live(connection: psycopg.Connection[Any], table: str) -> set[str]:
    return {
        row[0]
        for row in connection.execute(f"select entity_id from raw_ams360.{table} where deleted_at is null").fetchall()
    }


def quarantined(connection: psycopg.Connection[Any]) -> list[tuple[str, str, str]]:
    return connection.execute("select entity, entity_id, reason from ops.quarantine order by 1, 2").fetchall()


def test_a_full_sync_finds_every_customer_and_a_second_one_writes_nothing(
    connection: psycopg.Connection[Any], sandbox: Sandbox
) -> None:
    """Names begin with anything, and one customer is under no prefix at all."""
    report = extract(connection, "demo", sandbox.connection(), FULL)
    assert live(connection, "customers") == {key for key, _ in sandbox.ask("customers")}
    assert report.unlisted >= 1
    assert report.peak_in_flight <= 8
    assert sandbox.ask("stats")["peak_in_flight"] <= 8
    before = connection.execute("select xmin::text, entity_id from raw_ams360.customers order by 2").fetchall()
    again = extract(connection, "demo", sandbox.connection(), FULL)
    for counts in again.tables.values():
        assert (counts.inserted, counts.updated, counts.deleted) == (0, 0, 0)
    assert connection.execute("select xmin::text, entity_id from raw_ams360.customers order by 2").fetchall() == before


def test_two_customers_asked_for_are_two_customers_read(connection: psycopg.Connection[Any], sandbox: Sandbox) -> None:
    """A run for a few touches those few."""
    keys = [key for key, _ in sandbox.ask("customers")[:2]]
    extract(connection, "demo", sandbox.connection(), SyncScope(tuple(keys)))
    assert live(connection, "customers") == set(keys)
    assert sandbox.ask("stats")["calls"]["CustomerGetById"] == 2
    assert "CustomerGetListByNamePrefix" not in sandbox.ask("stats")["calls"]


def test_lost_connections_503s_half_answers_and_dead_tickets_change_nothing(
    connection: psycopg.Connection[Any], sandbox: Sandbox
) -> None:
    """Reads are tried again, one re-login serves all who need it, and the result is the same."""
    sandbox.ask("faults", {"unavailable_rate": 0.03, "drop_rate": 0.03, "next_cut": 5, "ticket_calls": 150})
    report = extract(connection, "demo", sandbox.connection(), FULL)
    sandbox.ask("faults", {"unavailable_rate": 0, "drop_rate": 0, "ticket_calls": None})
    assert report.retries > 0
    assert sandbox.ask("stats")["logins"] > 1
    again = extract(connection, "demo", sandbox.connection(), FULL)
    assert not any(counts.updated + counts.inserted + counts.deleted for counts in again.tables.values())
    assert quarantined(connection) == []


def test_a_sweep_that_fails_deletes_nothing(connection: psycopg.Connection[Any], sandbox: Sandbox) -> None:
    """Only a complete listing may say that somebody is gone."""
    extract(connection, "demo", sandbox.connection(), FULL)
    before = live(connection, "customers"), live(connection, "policies"), live(connection, "customer_list")
    sandbox.edit("customers", "delete", sandbox.ask("customers")[0][0])
    sandbox.ask("faults", {"unavailable_rate": 1.0, "only": ["CustomerGetByNumber", "CustomerGetById"]})
    with pytest.raises(TransientError):
        extract(connection, "demo", sandbox.connection(timeout_seconds=2), FULL)
    assert (live(connection, "customers"), live(connection, "policies"), live(connection, "customer_list")) == before
    assert connection.execute("select state from ops.sync_runs order by started_at desc").fetchone() == ("failed",)


def test_a_deleted_customer_goes_with_all_beneath_it_and_comes_back(
    connection: psycopg.Connection[Any], sandbox: Sandbox
) -> None:
    """A customer that no prefix shows any more is read before it is believed to be gone."""
    extract(connection, "demo", sandbox.connection(), FULL)
    key = connection.execute("select customer_id from raw_ams360.policies order by 1 limit 1").fetchone()[0]  # type: ignore[index]
    record = sandbox.ask(f"state/customers/{key}")
    sandbox.edit("customers", "delete", key)
    extract(connection, "demo", sandbox.connection(), FULL)
    assert key not in live(connection, "customers")
    owners = connection.execute("select customer_id from raw_ams360.policies where deleted_at is null").fetchall()
    assert (key,) not in owners
    dirty = connection.execute("select 1 from stage.dirty_customers where customer_id = %s", (key,)).fetchone()
    assert dirty == (1,)
    sandbox.edit("customers", "insert", key, **record)
    extract(connection, "demo", sandbox.connection(), SyncScope((key,)))
    assert key in live(connection, "customers")


def test_a_policy_that_vanished_between_list_and_read_is_set_aside(connection: psycopg.Connection[Any]) -> None:
    """What raw had of it stays until a later sync knows better."""
    with running_sandbox(size=30) as sandbox:
        extract(connection, "demo", sandbox.connection(), FULL)
        before = live(connection, "policies")
        sandbox.ask("faults", {"refuse": ["PolicyGet"]})
        report = extract(connection, "demo", sandbox.connection(), FULL)
        assert report.quarantined == len(quarantined(connection)) > 0
        assert {reason for _, _, reason in quarantined(connection)} == {"vanished"}
        assert live(connection, "policies") == before
        sandbox.ask("faults", {"refuse": []})
        extract(connection, "demo", sandbox.connection(), FULL)
        assert quarantined(connection) == []


def test_a_customer_with_too_many_policies_is_quarantined_and_costs_no_other(
    connection: psycopg.Connection[Any], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches end at their bytes as at their customers, and store the same."""
    monkeypatch.setattr(ams360_customer, "MOST_POLICIES", 2)
    monkeypatch.setattr(ams360, "BATCH_BYTES", 50_000)
    policies = Counter(row["CustomerId"] for row in sandbox.ask("state/policies"))
    too_many = {customer for customer, count in policies.items() if count > 2}
    assert too_many
    extract(connection, "demo", sandbox.connection(), FULL)
    assert live(connection, "customers") == {key for key, _ in sandbox.ask("customers")} - too_many
    told = {(f"of {key}", f"the customer has {policies[key]} policies; at most 2 are read") for key in too_many}
    rows = connection.execute("select entity_id, detail from ops.quarantine where entity = 'policies'").fetchall()
    assert set(rows) == told


def test_a_changed_name_behind_a_code_has_its_customers_derived_again(
    connection: psycopg.Connection[Any], sandbox: Sandbox
) -> None:
    """An employee who marries changes the connections of everybody she serves, and nobody else's."""
    extract_reference(connection, "demo", sandbox.connection())
    extract(connection, "demo", sandbox.connection(), FULL)
    connection.execute("delete from stage.dirty_customers")
    code, expected = connection.execute(
        """select payload ->> 'AccountExecCode', count(*) from raw_ams360.customers
        where payload ->> 'AccountExecCode' is not null group by 1 order by 2 desc limit 1"""
    ).fetchone()  # type: ignore[misc]
    sandbox.edit("employees", "update", code, LastName="Newname")
    counts = extract_reference(connection, "demo", sandbox.connection())
    assert counts["employees"].updated == 1
    dirty = connection.execute("select count(*) from stage.dirty_customers").fetchone()
    assert dirty is not None
    assert expected <= dirty[0] < 60
