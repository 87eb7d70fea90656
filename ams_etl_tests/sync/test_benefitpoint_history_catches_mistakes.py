"""The history of BenefitPoint earns its keep: each of these mistakes, which a single sync may well hide, is found."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from ams_etl.rules.accounts.accounts import account_of
from ams_etl.sync.accounts import publish_accounts as accounts
from ams_etl.writeback.benefit_plans import to_policies as plans
from ams_etl.writeback.delivery.ams360_target import Ams360Target
from ams_etl.writeback.outbox.enqueue import NewWrite, enqueue
from ams_etl.writeback.outbox.lanes import lock
from ams_etl_tests.postgres import fresh_database
from ams_etl_tests.sync.benefitpoint_history import history_in


def email_overwrites(monkeypatch: pytest.MonkeyPatch) -> None:
    """B4: the e-mail address of a linked account is BenefitPoint's where that has one."""

    def overwriting(customer: Any, account: Any, offices: Any) -> Any:
        found = account_of(customer, account, offices)
        return replace(found, email=account.email) if account and account.email else found

    monkeypatch.setattr(accounts, "account_of", overwriting)


def edited_plans_added(monkeypatch: pytest.MonkeyPatch) -> None:
    """B5: a plan that was there from the beginning counts as added once it is edited."""
    right = plans.enqueue_plans

    def enqueuing(connection: psycopg.Connection[Any], agency: str, today: date, codes: Any) -> int:
        connection.execute(
            "update raw_benefitpoint.plans set first_seen_at = last_seen_at where payload ->> 'policyNumber' ilike 'bpmark%'"
        )
        return right(connection, agency, today, codes)

    monkeypatch.setattr(plans, "enqueue_plans", enqueuing)


def added_plans_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """B5: nobody asks whether a plan was added before, nor whether its policy is there."""
    right = plans.enqueue_plans

    def enqueuing(connection: psycopg.Connection[Any], agency: str, today: date, codes: Any) -> int:
        connection.execute("create temp table links as select * from ops.plan_links")
        connection.execute("delete from ops.plan_links")
        new = right(connection, agency, today, codes)
        connection.execute("insert into ops.plan_links select * from links")
        connection.execute("drop table links")
        return new

    async def nowhere(self: Ams360Target, customer_id: str, policy: dict[str, Any]) -> list[Any]:
        del self, customer_id, policy
        return []

    def another(namespace: UUID, name: str) -> UUID:
        del namespace, name
        return uuid4()

    monkeypatch.setattr(plans, "enqueue_plans", enqueuing)
    monkeypatch.setattr(plans, "uuid5", another)
    monkeypatch.setattr(Ams360Target, "_same_policies", nowhere)


def edits_written_to_ams360(monkeypatch: pytest.MonkeyPatch) -> None:
    """B4: an account that was moved in BenefitPoint has its customer moved in AMS360."""
    right = plans.enqueue_plans

    def enqueuing(connection: psycopg.Connection[Any], agency: str, today: date, codes: Any) -> int:
        rows = connection.execute(
            """select a.ams360_customer_id, b.payload #>> '{mainAddress,city}' from mart.accounts a
            join raw_benefitpoint.accounts b on (b.agency, b.entity_id::int) = (a.agency, a.benefitpoint_account_id)
            where a.ams360_synced and b.payload #>> '{mainAddress,city}' like 'Bpmark%'"""
        ).fetchall()
        with connection.transaction():
            lock(connection, agency)
            writes = [
                NewWrite(uuid4(), "x", "update_customer", key, {"Customer": {"City": city}}, key) for key, city in rows
            ]
            enqueue(connection, agency, "ams360", writes)
        return right(connection, agency, today, codes)

    monkeypatch.setattr(plans, "enqueue_plans", enqueuing)


@pytest.mark.long
@pytest.mark.parametrize(
    ("broken", "complaint", "seed"),
    [
        (email_overwrites, r"not AMS360's in mart.accounts: \['email'\]", 2),
        (edited_plans_added, "a plan that was not added", 2),
        (added_plans_made_again, "twice in AMS360", 1), (edits_written_to_ams360, "asked to write: .*CustomerUpdate", 2),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)  # fmt: skip
def test_a_mistake_is_found(
    postgres_server: str,
    migrated_template: str,
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[[pytest.MonkeyPatch], None],
    complaint: str,
    seed: int,
) -> None:
    """In a small book, by a history that comes to the mistake soon."""
    broken(monkeypatch)
    with (
        fresh_database(postgres_server, migrated_template) as real,
        fresh_database(postgres_server, migrated_template) as twin,
        history_in((real, twin), size=12, seed=seed) as history,
        pytest.raises(AssertionError, match=complaint),
    ):
        history.play(240, 8)
