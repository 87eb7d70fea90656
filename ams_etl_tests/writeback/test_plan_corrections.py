"""A plan that waits for AMS360 follows what becomes of it in BenefitPoint; what may have been sent is left alone (B5)."""

from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from ams_etl.rules.accounts.plan_codes import PlanMappings
from ams_etl.store.merge import Record
from ams_etl.writeback.benefit_plans.to_policies import enqueue_plans
from ams_etl_tests.sync.stored_accounts import AGENCY, NOW, account, customer, publish, store

TODAY = date(2026, 11, 21)


def plan(number: str) -> tuple[str, Record]:
    payload = {
        "productID": 7, "accountID": 1, "name": "PPO", "productStatus": "Current", "policyNumber": number,
        "effectiveAsOf": "2026-11-01T00:00:00.000Z", "renewalOn": "2099-11-01T00:00:00.000Z",
    }  # fmt: skip
    return "plan", Record("7", "1", payload)


def told(connection: psycopg.Connection[Any], *records: tuple[str, Record]) -> list[Any]:
    """Sync these and publish; gives the outbox."""
    store(connection, *records, at=NOW + timedelta(days=1))
    publish(connection)
    enqueue_plans(connection, AGENCY, TODAY, PlanMappings())
    return outbox(connection)


def outbox(connection: psycopg.Connection[Any]) -> list[Any]:
    return connection.execute(
        "select customer_id, lane, request #>> '{Policy,PolicyNumber}', status from ops.writebacks order by position"
    ).fetchall()


@pytest.fixture
def waiting(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """A plan of an account that is customer c1, on its way to AMS360."""
    store(connection, customer("c1", 1, "Nova"), customer("c2", 2, "Acme"), account(1, ams_id="c1"))
    publish(connection)
    assert told(connection, plan("N-1")) == [("c1", "c1", "N-1", "pending")]
    return connection


def test_a_corrected_plan_waits_as_it_is_now(waiting: psycopg.Connection[Any]) -> None:
    assert told(waiting, plan("N-2")) == [("c1", "c1", "N-2", "pending")]
    first = waiting.execute("select position, created_at from ops.writebacks").fetchall()
    assert told(waiting, account(1, ams_id="c1", name="Renamed")) == [("c1", "c1", "N-2", "pending")]
    assert waiting.execute("select position, created_at from ops.writebacks").fetchall() == first


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_a_plan_waits_for_the_customer_that_its_account_is_now(waiting: psycopg.Connection[Any], status: str) -> None:
    """Though another one was meant first, and AMS360 refused that."""
    waiting.execute("update ops.writebacks set status = %s", (status,))
    assert told(waiting, account(1, ams_id="c2")) == [("c2", "c2", "N-1", "pending")]


def test_a_plan_of_an_account_that_is_no_customers_waits_no_more(waiting: psycopg.Connection[Any]) -> None:
    assert told(waiting, account(1)) == []
    assert told(waiting, account(1, ams_id="c1")) == [("c1", "c1", "N-1", "pending")]


@pytest.mark.parametrize(("status", "check_first"), [("claimed", False), ("delivering", False), ("uncertain", False),
                                                     ("pending", True), ("failed", True), ("delivered", False)])  # fmt: skip
def test_what_may_have_been_sent_is_left_alone(
    waiting: psycopg.Connection[Any], status: str, check_first: bool
) -> None:
    waiting.execute("update ops.writebacks set status = %s, check_first = %s", (status, check_first))
    assert told(waiting, account(1, ams_id="c2")) == [("c1", "c1", "N-1", status)]
    assert told(waiting, account(1)) == [("c1", "c1", "N-1", status)]


def test_the_next_of_a_lane_comes_up(waiting: psycopg.Connection[Any]) -> None:
    waiting.execute(
        """insert into ops.writebacks (agency, kind, operation, lane, customer_id, request)
        values (%s, 'note', 'note', 'c1', 'c1', '{}')""",
        (AGENCY,),
    )
    assert told(waiting, account(1)) == [("c1", "c1", None, "pending")]
