"""Notifications become few runs, none is done too early, and one that always fails holds up no other."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from ams_etl.store.database import connect
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.notifications.batches import CUSTOMERS_AT_ONCE, MAX_ATTEMPTS, claim, close, open_batches
from ams_etl.sync.scope import SyncScope
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.sync.notifications import AGENCY, states, told


def due_now(connection: psycopg.Connection[Any]) -> None:
    """Let the waits between tries be over."""
    connection.execute("update ops.notifications set not_before = now() - interval '1 second' where sync_id is null")


def test_a_thousand_notifications_for_three_hundred_customers_are_one_run(connection: psycopg.Connection[Any]) -> None:
    """Coalesced by customer, in whatever case the id is written."""
    ids = [str(uuid4()) for _ in range(300)]
    connection.cursor().executemany(
        """insert into raw_ams360.customers (agency, entity_id, customer_id, payload, content_hash, first_seen_at,
            last_seen_at) values ('acme', %s, %s, '{}', '', now(), now())""",
        [(key, key) for key in ids],
    )
    for place in range(1000):
        one = ids[place % 300]
        told(connection, "customer", CustomerId=one.upper() if place % 7 == 0 else one)
    batch = claim(connection, AGENCY)
    assert batch is not None
    assert (batch.notifications, sorted(batch.customers), batch.reference) == (1000, sorted(ids), False)
    assert claim(connection, AGENCY) is None
    assert states(connection) == {"pending": 1000}
    assert close(connection, AGENCY, batch.batch_id, "done") == 1000
    assert states(connection) == {"done": 1000}
    assert open_batches(connection, [AGENCY]) == []


def test_records_lead_to_the_customer_they_hang_on(connection: psycopg.Connection[Any], sandbox: Sandbox) -> None:
    """A policy, contact or dependent that the notification gives no CustomerId for; and the one it was moved from."""
    extract(connection, AGENCY, sandbox.connection(), SyncScope())
    expected = set()
    for table, object_type, member in (
        ("policies", "policy", "PolicyId"),
        ("customer_contacts", "customer_contact", "CustomerContactId"),
        ("customer_dependents", "customer_dependent", "DependentId"),
    ):
        row = connection.execute(f"select entity_id, customer_id from raw_ams360.{table} order by 1 limit 1").fetchone()
        assert row is not None
        told(connection, object_type, **{member: row[0]})
        expected.add(row[1])
    number = connection.execute("select payload ->> 'CustomerNumber', entity_id from raw_ams360.customers").fetchone()
    assert number is not None
    told(connection, "customer", CustomerNumber=number[0])
    told(connection, "policy", PolicyId=str(uuid4()), CustomerId=number[1])
    told(connection, "employee", EmployeeCode="ab1")
    batch = claim(connection, AGENCY)
    assert batch is not None
    assert set(batch.customers) == expected | {number[1]}
    assert batch.reference


def test_what_raw_does_not_know_is_looked_up(connection: psycopg.Connection[Any], sandbox: Sandbox) -> None:
    """A new policy and a new customer that the notification names by number alone; what AMS360 does not know either is gone."""
    policy = sandbox.ask("state/policies")[0]
    customer = sandbox.ask(f"state/customers/{sandbox.ask('customers')[-1][0]}")
    told(connection, "policy", "insert", PolicyId=policy["PolicyId"])
    told(connection, "policy", "delete", PolicyId=str(uuid4()))
    told(connection, "customer", "insert", CustomerNumber=str(customer["CustomerNumber"]))
    batch = claim(connection, AGENCY)
    assert batch is not None
    assert batch.customers == ()
    extract(
        connection, AGENCY, sandbox.connection(),
        SyncScope(batch.customers, batch.batch_id, trigger="notification"),
    )  # fmt: skip
    read = {row[0] for row in connection.execute("select entity_id from raw_ams360.customers")}
    assert read == {policy["CustomerId"], customer["CustomerId"]}
    assert "CustomerGetListByNamePrefix" not in sandbox.ask("stats")["calls"]


def test_a_policy_that_cannot_be_read_holds_up_no_other(connection: psycopg.Connection[Any], sandbox: Sandbox) -> None:
    """Its look-up is a fault each time: it is quarantined without a customer until a read of the customer brings it."""
    policy = sandbox.ask("state/policies")[0]
    customer = sandbox.ask(f"state/customers/{sandbox.ask('customers')[-1][0]}")
    told(connection, "policy", "insert", PolicyId=policy["PolicyId"])
    told(connection, "customer", "insert", CustomerNumber=str(customer["CustomerNumber"]))
    batch = claim(connection, AGENCY)
    assert batch is not None
    sandbox.faults(fault={"rate": 1, "operations": ["PolicyGet"]})
    scope = SyncScope(batch.customers, batch.batch_id, trigger="notification")
    extract(connection, AGENCY, sandbox.connection(), scope)
    sandbox.faults(off=True)
    read = {row[0] for row in connection.execute("select entity_id from ops.customer_reads r (agency, entity_id)")}
    assert read == {customer["CustomerId"]}
    listed = "select entity, reason from ops.quarantine where entity_id = %s"
    assert connection.execute(listed, (policy["PolicyId"],)).fetchall() == [("policies", "unreadable")]
    extract(connection, AGENCY, sandbox.connection(), SyncScope((policy["CustomerId"],)))
    assert connection.execute(listed, (policy["PolicyId"],)).fetchall() == []


def test_one_that_always_fails_holds_up_no_other(connection: psycopg.Connection[Any]) -> None:
    """A failed run's notifications come back in ever smaller runs; the poison ends parked, with everything else done."""
    good = [str(uuid4()) for _ in range(120)]
    poison = str(uuid4())
    for entry in (*good[:60], poison, *good[60:]):
        told(connection, "customer", CustomerId=entry)
    sizes = []
    for round_ in range(200):
        if round_ == 1:
            late = told(connection, "customer", CustomerId=str(uuid4()))
        batch = claim(connection, AGENCY)
        if batch is None:
            if states(connection).get("pending", 0) == 0:
                break
            due_now(connection)
            continue
        sizes.append(len(batch.customers))
        close(connection, AGENCY, batch.batch_id, "failed" if poison in batch.customers else "done")
        if round_ == 1:
            done = connection.execute(
                "select state from ops.notifications where notification_id = %s", (late,)
            ).fetchone()
            assert done == ("done",), "what is new does not wait with what failed"
    assert states(connection) == {"done": 121, "parked": 1}
    parked = connection.execute("select attempts, reason from ops.notifications where state = 'parked'").fetchone()
    assert parked == (MAX_ATTEMPTS, f"its sync failed {MAX_ATTEMPTS} times; the runs say why")
    assert max(sizes[1:]) <= CUSTOMERS_AT_ONCE[1]
    assert len(sizes) < 40


@pytest.mark.parametrize(("outcome", "attempts"), [("failed", 1), ("never started", 0)])
def test_nothing_is_done_before_its_run_has_published(
    connection: psycopg.Connection[Any], outcome: Any, attempts: int
) -> None:
    """A failed run costs a try and a wait; a run that never was costs nothing."""
    told(connection, "customer", CustomerId=str(uuid4()))
    batch = claim(connection, AGENCY)
    assert batch is not None
    assert [batch.batch_id for batch in open_batches(connection, [AGENCY])] == [batch.batch_id]
    assert close(connection, AGENCY, batch.batch_id, outcome) == 0
    row = connection.execute("select state, attempts, sync_id, not_before > now() from ops.notifications").fetchone()
    assert row == ("pending", attempts, None, True if attempts else None)
    # The run that was given up publishes after all: its notifications are no longer its own.
    assert close(connection, AGENCY, batch.batch_id, "done") == 0


def test_two_sensors_take_nothing_twice(connection: psycopg.Connection[Any], database: str) -> None:
    """What one has in hand, the other leaves alone."""
    told(connection, "customer", CustomerId=str(uuid4()))
    with connect(database) as other, connection.transaction():
        assert claim(connection, AGENCY) is not None
        assert claim(other, AGENCY) is None
