"""Links, accounts and policies in Postgres, by example; `test_account_orders` tells whole agencies in any order."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from ams_etl.errors import ConfigError, PermanentError
from ams_etl.settings import BrakeSettings
from ams_etl.store.database import connect
from ams_etl.store.merge import RawTable, Record, merge_records
from ams_etl.sync.accounts.publish_accounts import publish_accounts
from ams_etl.sync.accounts.publish_policies import publish_policies
from ams_etl.sync.links.stored_links import decide, list_links
from ams_etl_tests.postgres import fresh_database
from ams_etl_tests.sync.stored_accounts import (
    AGENCY,
    NOW,
    TABLES,
    account,
    clear,
    customer,
    publish,
    rebuilt,
    state,
    store,
)


@pytest.fixture(scope="module")
def warehouse(postgres_server: str, migrated_template: str) -> Iterator[psycopg.Connection[Any]]:
    """One database for this file; each test clears what it needs."""
    with fresh_database(postgres_server, migrated_template) as url, connect(url) as connection:
        yield connection


def policy(key: str, customer_id: str, number: str = "A1") -> tuple[str, Record]:
    return "policy", Record(key, customer_id, {"PolicyId": key, "CustomerId": customer_id, "PolicyNumber": number})


def plan(key: int, account_id: int, ams_policy_id: str | None = None) -> tuple[str, Record]:
    payload = {"productID": key, "accountID": account_id, "name": "PPO", "productStatus": "Current"}
    return "plan", Record(
        str(key), str(account_id), {**payload, "policyIntegrationInfo": {"amsPolicyID": ams_policy_id}}
    )


@pytest.mark.parametrize("first", ["ams360", "benefitpoint"])
def test_an_account_that_is_linked_later_keeps_the_id_of_who_told_of_it_first(
    warehouse: psycopg.Connection[Any], first: str
) -> None:
    """Two become one: the older id stays, and the other one is remembered."""
    clear(warehouse)
    later = NOW + timedelta(hours=1)
    store(warehouse, customer("c1", 1, "Nova"), at=NOW if first == "ams360" else later)
    store(warehouse, account(1, name="Nova"), plan(1, 1), at=later if first == "ams360" else NOW)
    publish(warehouse)
    ids = warehouse.execute("select account_id from mart.accounts order by ams360_synced desc").fetchall()
    kept, other = ids if first == "ams360" else ids[::-1]
    store(warehouse, account(1, name="Nova", ams_id="C1"))
    publish(warehouse)
    rows = warehouse.execute(
        "select account_id, former_id, ams360_customer_id, benefitpoint_account_id from mart.accounts"
    ).fetchall()
    assert rows == [(kept[0], other[0], "c1", 1)]
    assert warehouse.execute("select account_id from mart.policies").fetchall() == [kept]


@pytest.mark.parametrize(
    ("kind", "system", "table"),
    [
        ("account", "BenefitPoint", "accounts"), ("customer", "AMS360", "accounts"),
        ("plan", "BenefitPoint", "policies"), ("policy", "AMS360", "policies"),
    ],
)  # fmt: skip
def test_the_brake_stops_when_a_system_seems_to_have_lost_much(
    warehouse: psycopg.Connection[Any], kind: str, system: str, table: str
) -> None:
    """Nothing changes, nothing is forgotten; what comes back is published as ever, and a user's decision lets it through."""
    clear(warehouse)
    limits = BrakeSettings(max_deleted_share=0.5, ignore_below=2)

    def publish_with_brake() -> None:
        publish_accounts(warehouse, AGENCY, limits=limits)
        publish_policies(warehouse, AGENCY, limits=limits)

    records = [
        entry
        for number in range(1, 7)
        for entry in (
            customer(f"c{number}", number, f"Firm {number}"), account(number, ams_id=f"c{number}"),
            policy(f"p{number}", f"c{number}"), plan(number, number),
        )
    ]  # fmt: skip
    store(warehouse, *records)
    publish_with_brake()
    before = state(warehouse)
    gone = [record for record in records if record[0] == kind][:4]
    mark = f"update {TABLES[kind].qualified} set deleted_at = %s where agency = %s and entity_id = any(%s)"
    keys = [record.entity_id for _, record in gone]
    warehouse.execute(mark, (NOW, AGENCY, keys))
    stopped = f"brake stopped the publish of {table}: {system} no longer has 4 of 6 .*--apply accounts"
    for _ in range(2):
        with pytest.raises(PermanentError, match=stopped):
            publish_with_brake()
    assert state(warehouse) == before
    store(warehouse, *gone, at=NOW + timedelta(days=1))
    publish_with_brake()
    assert state(warehouse) == before
    warehouse.execute(mark, (NOW, AGENCY, keys[:3]))
    publish_with_brake()
    assert state(warehouse) != before
    store(warehouse, *gone, at=NOW + timedelta(days=2))
    publish_with_brake()
    warehouse.execute(mark, (NOW, AGENCY, keys))
    publish(warehouse)
    after = state(warehouse)
    assert after != before
    assert after == rebuilt(warehouse)


def test_a_persons_word_links_and_parts(warehouse: psycopg.Connection[Any]) -> None:
    clear(warehouse)
    store(warehouse, customer("c1", 1, "Nova"), customer("c2", 2, "Acme"), account(1, name="Nova"))
    publish(warehouse)
    assert [(link.state, link.customer_name, link.account_name) for link in list_links(warehouse, AGENCY)] == [
        ("suggested", "Nova", "Nova")
    ]
    decide(warehouse, AGENCY, "c1", 1, "confirmed", decided_by="ann")
    publish(warehouse)
    assert warehouse.execute("select count(*) from mart.accounts").fetchone() == (2,)
    assert [(link.state, link.evidence, link.decided_by) for link in list_links(warehouse, AGENCY)] == [
        ("confirmed", "person", "ann")
    ]
    with pytest.raises(ConfigError, match="refuse that link first"):
        decide(warehouse, AGENCY, "c2", 1, "confirmed", decided_by="ann")
    with pytest.raises(ConfigError, match="no customer c9"):
        decide(warehouse, AGENCY, "c9", 1, "confirmed", decided_by="ann")
    # By SQL, too: a trigger has it evaluated.
    warehouse.execute("update ops.account_links set decided = 'refused'")
    publish(warehouse)
    assert warehouse.execute("select count(*) from mart.accounts").fetchone() == (3,)
    assert [link.state for link in list_links(warehouse, AGENCY)] == ["refused"]


def test_a_policy_made_of_a_plan_is_the_plans_policy(warehouse: psycopg.Connection[Any]) -> None:
    """B5: once in the mart, under the id that the plan had."""
    clear(warehouse)
    store(warehouse, customer("c1", 1, "Nova"), account(1, ams_id="c1"), plan(7, 1))
    publish(warehouse)
    [made] = warehouse.execute("select policy_id from mart.policies").fetchall()
    store(warehouse, policy("P9", "c1", "N-1"))
    publish(warehouse)
    assert warehouse.execute("select count(*) from mart.policies").fetchone() == (2,)
    warehouse.execute(
        "insert into ops.plan_links (agency, benefitpoint_plan_id, ams360_policy_id) values ('demo', 7, 'p9')"
    )
    publish(warehouse)
    rows = warehouse.execute(
        "select policy_id, origin, policy_number, ams360_policy_id, benefitpoint_plan_id from mart.policies"
    ).fetchall()
    assert rows == [(made[0], "benefitpoint", "N-1", "P9", 7)]


def test_names_of_offices_carriers_and_companies_reach_the_rows_that_have_them(
    warehouse: psycopg.Connection[Any],
) -> None:
    clear(warehouse)
    store(warehouse, customer("c1", 1, "Nova"), account(1, ams_id="c1"))
    store(
        warehouse, ("policy", Record("p1", "c1", {"PolicyId": "p1", "CustomerId": "c1", "WritingCompanyCode": "TRV"}))
    )
    publish(warehouse)
    for table, record in (
        (RawTable("raw_benefitpoint", "offices"), Record("3", None, {"officeID": 3, "officeName": "Austin"})),
        (RawTable("raw_ams360", "companies"), Record("TRV", None, {"CompanyCode": "TRV", "Name": "Travelers"})),
    ):
        with warehouse.transaction():
            merge_records(warehouse, table, AGENCY, [record], seen_at=NOW)
    publish(warehouse)
    assert warehouse.execute("select office from mart.accounts").fetchall() == [("Austin",)]
    assert warehouse.execute("select carrier from mart.policies").fetchall() == [("Travelers",)]
    assert warehouse.execute("select count(*) from stage.account_touches").fetchone() == (0,)
