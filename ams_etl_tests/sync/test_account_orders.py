"""The same accounts, links, edits and deletions in any order, synced in any parts, end in the same `mart.accounts`.

`HISTORIES=500` tells each agency in 500 orders.
"""

import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from ams_etl.rules.accounts.accounts import CustomerAccount, named_by
from ams_etl.rules.accounts.benefitpoint_records import BenefitPointAccount
from ams_etl.rules.accounts.links import link
from ams_etl.store.database import connect
from ams_etl.sync.accounts import publish_accounts as accounts
from ams_etl.sync.accounts import publish_policies as policies
from ams_etl.sync.accounts.publish_accounts import rebuild_accounts
from ams_etl_tests.postgres import fresh_database
from ams_etl_tests.sync.account_stories import Stories, Telling, stories
from ams_etl_tests.sync.stored_accounts import AGENCY, clear, publish, rebuilt, replayed, state

ORDERS = int(os.environ.get("HISTORIES", "4"))


@pytest.fixture(scope="module")
def warehouse(postgres_server: str, migrated_template: str) -> Iterator[psycopg.Connection[Any]]:
    with fresh_database(postgres_server, migrated_template) as url, connect(url) as connection:
        yield connection


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3))])
def test_any_order_and_any_partial_syncs_end_in_the_same_accounts_with_the_same_ids(
    warehouse: psycopg.Connection[Any], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two new customers, or policies, at a time, as a large agency has thousands."""
    for module in (accounts, policies):
        monkeypatch.setattr(module, "_CHUNK", 2)
    _tell(warehouse, stories(random.Random(seed)), seed)


def a_touch_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several customers that changed together, one is not evaluated."""
    right = accounts._drain

    def forgetting(*given: Any) -> tuple[set[str], set[int]]:
        customers, there = right(*given)
        return set(sorted(customers)[:2]), there

    monkeypatch.setattr(accounts, "_drain", forgetting)


def policies_stay_with_their_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that gets another id, comes or goes has its policies evaluated by nobody."""
    monkeypatch.setattr(accounts, "_touch_policies", lambda *_: None)


def id_of_ams360(monkeypatch: pytest.MonkeyPatch) -> None:
    """B3: the account has AMS360's id as soon as AMS360 has the customer, whichever system reported it first."""
    monkeypatch.setattr(
        accounts, "named_by", lambda customer, account, account_first=False: named_by(customer, account)
    )


@pytest.mark.parametrize(
    "broken",
    [a_touch_forgotten, policies_stay_with_their_account, id_of_ams360],
    ids=lambda broken: broken.__name__,
)
def test_a_mistake_is_found(
    warehouse: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[[pytest.MonkeyPatch], None],
) -> None:
    broken(monkeypatch)
    with pytest.raises((AssertionError, psycopg.errors.UniqueViolation)):
        _tell(warehouse, stories(random.Random(1)), 1)


def _tell(warehouse: psycopg.Connection[Any], told: Stories, seed: int) -> None:
    first: list[Any] = []
    end: list[Any] = []
    appeared = 0
    for order in range(ORDERS):
        clear(warehouse)
        Telling(warehouse, told, random.Random(f"{seed} {order}")).tell(lambda: publish(warehouse))
        end = state(warehouse)
        first = first or _without_ids(end)
        assert _without_ids(end) == first, f"seed {seed}, order {order}"
        appeared += _every_id_leads_to_its_account(warehouse, end)
        _the_feed_leads_there(warehouse, end)
        changes = warehouse.execute("select count(*) from mart.changes").fetchone()
        rebuild_accounts(warehouse, AGENCY)
        publish(warehouse)
        assert warehouse.execute("select count(*) from mart.changes").fetchone() == changes
    assert _pairs(told) == {(row["ams360_customer_id"], row["benefitpoint_account_id"]) for row in first[0]}
    assert rebuilt(warehouse) == end
    assert appeared > 0, "no account appeared in BenefitPoint first and was linked later"


def _pairs(told: Stories) -> set[tuple[str | None, int | None]]:
    """Which customer and account are one, by the rules and from the records alone."""
    customers = [
        CustomerAccount.from_payload(payload)
        for (kind, _), payload in told.end.items()
        if kind == "customer" and isinstance(payload, dict)
    ]
    there = [
        BenefitPointAccount.from_payload(payload)
        for (kind, _), payload in told.end.items()
        if kind == "account" and isinstance(payload, dict)
    ]
    said = {
        (key.split()[0], int(key.split()[1])): word == "confirmed"
        for (kind, key), word in told.end.items()
        if kind == "decision"
    }
    linked = {pair.account_id: pair.customer_id for pair in link(customers, there, said) if pair.state == "confirmed"}
    pairs: set[tuple[str | None, int | None]] = {
        (linked.get(account.account_id), account.account_id) for account in there
    }
    return pairs | {
        (customer.customer_id, None) for customer in customers if customer.customer_id not in linked.values()
    }


def _without_ids(end: list[Any]) -> list[Any]:
    """The same with each account known by its records: which of them gives the id is a matter of the order."""
    known = {row["account_id"]: [row["ams360_customer_id"], row["benefitpoint_account_id"]] for row in end[0]}
    accounts_there = [{**row, "account_id": known[row["account_id"]], "former_id": None} for row in end[0]]
    policies = [{**row, "account_id": known[row["account_id"]]} for row in end[1]]
    return [sorted(accounts_there, key=str), sorted(policies, key=str), *end[2:]]


def _every_id_leads_to_its_account(warehouse: psycopg.Connection[Any], end: list[Any]) -> int:
    """B3: an account has the id of its record that appeared first, and every id it ever had leads to it.

    Returns:
        Accounts that BenefitPoint alone knew under the id that they have still.
    """
    seen = dict(
        warehouse.execute(
            """select entity_id, first_seen_at from raw_ams360.customers
            union all select entity_id, first_seen_at from raw_benefitpoint.accounts"""
        ).fetchall()
    )
    by_customer = {row["ams360_customer_id"]: row for row in end[0] if row["ams360_customer_id"]}
    by_account = {row["benefitpoint_account_id"]: row for row in end[0] if row["benefitpoint_account_id"]}
    kept: set[int] = set()
    for entity_id, after in warehouse.execute(
        "select entity_id, after from mart.changes where entity = 'account' and after is not null order by seq"
    ):
        customer, account = after["ams360_customer_id"], after["benefitpoint_account_id"]
        alone = account is None or customer is None
        row = by_customer.get(customer) if customer else by_account.get(account)
        if row is None or not alone:
            continue
        assert entity_id in {row["account_id"], row["former_id"]}
        both = row["ams360_customer_id"], row["benefitpoint_account_id"]
        if None not in both:
            account_first = seen[str(both[1])] < seen[both[0]]
            assert (entity_id == row["account_id"]) == (account_first == (customer is None))
            if account_first and customer is None:
                kept.add(account)
    return len(kept)


def _the_feed_leads_there(warehouse: psycopg.Connection[Any], end: list[Any]) -> None:
    followed = replayed(warehouse)
    assert {row["account_id"] for row in end[0]} == followed["account"].keys()
    assert {row["policy_id"] for row in end[1]} == followed["policy"].keys()
