"""Accounts and customers into raw, and what is published of them."""

from datetime import UTC, datetime
from typing import Any

import psycopg

from ams_etl.store.merge import RawTable, Record, merge_records
from ams_etl.sync.accounts.publish_accounts import publish_accounts, rebuild_accounts
from ams_etl.sync.accounts.publish_policies import publish_policies
from ams_etl_tests.rules.account_payloads import account_payload

AGENCY = "demo"


NOW = datetime(2026, 11, 21, tzinfo=UTC)


CUSTOMERS, POLICIES = RawTable("raw_ams360", "customers"), RawTable("raw_ams360", "policies")
ACCOUNTS, PLANS = RawTable("raw_benefitpoint", "accounts"), RawTable("raw_benefitpoint", "plans")
TABLES = {"customer": CUSTOMERS, "policy": POLICIES, "account": ACCOUNTS, "plan": PLANS}


def customer(key: str, number: int, name: str) -> tuple[str, Record]:
    return "customer", Record(key, key, {"CustomerId": key, "CustomerNumber": number, "FirmName": name})


def account(key: int, **given: Any) -> tuple[str, Record]:
    return "account", Record(str(key), str(key), account_payload({"id": key, **given}))


def store(connection: psycopg.Connection[Any], *records: tuple[str, Record], at: datetime = NOW) -> None:
    with connection.transaction():
        for kind, record in records:
            merge_records(connection, TABLES[kind], AGENCY, [record], seen_at=at)


def publish(connection: psycopg.Connection[Any]) -> None:
    publish_accounts(connection, AGENCY)
    publish_policies(connection, AGENCY)


def state(connection: psycopg.Connection[Any]) -> list[Any]:
    """Accounts, policies and links with all ids; times apart."""
    queries = (
        "select to_jsonb(a) - 'created_at' - 'updated_at' from mart.accounts a order by account_id",
        "select to_jsonb(p) - 'created_at' - 'updated_at' from mart.policies p order by policy_id",
        """select to_jsonb(l) - 'decided_at' from ops.account_links l
            order by ams360_customer_id, benefitpoint_account_id""",
    )
    return [[row[0] for row in connection.execute(query)] for query in queries]


def clear(connection: psycopg.Connection[Any]) -> None:
    for table in (
        *(table.qualified for table in TABLES.values()), "mart.accounts", "mart.policies", "mart.changes", "ops.account_links",
        "ops.plan_links", "stage.account_customers", "stage.account_touches",
    ):  # fmt: skip
        connection.execute(f"delete from {table}")


def rebuilt(connection: psycopg.Connection[Any]) -> list[Any]:
    """What a rebuild from raw and from people's decisions gives."""
    for table in ("mart.accounts", "mart.policies", "stage.account_customers", "stage.account_touches"):
        connection.execute(f"delete from {table}")
    connection.execute("delete from ops.account_links where decided is null")
    rebuild_accounts(connection, AGENCY)
    publish(connection)
    return state(connection)


def replayed(connection: psycopg.Connection[Any]) -> dict[str, dict[str, Any]]:
    """What a consumer has who followed the feed."""
    rows: dict[str, dict[str, Any]] = {"account": {}, "policy": {}}
    for entity, key, op, after in connection.execute(
        "select entity, entity_id, op, after from mart.changes order by seq"
    ):
        assert (op == "insert") == (key not in rows[entity])
        if op == "delete":
            del rows[entity][key]
        else:
            rows[entity][key] = after
    return rows
