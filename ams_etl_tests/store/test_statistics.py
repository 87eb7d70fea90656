"""Postgres plans for tables as they have become: every long load tells it, at its sweep, while it reads and derives."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import BrakeSettings
from ams_etl.store.loading import statistics
from ams_etl.sync.contacts import publish
from ams_etl.sync.contacts.derive import derive_dirty, mark_due
from ams_etl.sync.contacts.plan import make_plan
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.extract.benefitpoint import extract_benefitpoint
from ams_etl.sync.extract.reference import extract_reference
from ams_etl.sync.scope import SyncScope
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox

FEW, TODAY = 20, date(2026, 6, 1)
LOADED = (
    "raw_ams360.customer_list", "ops.sync_customers", "raw_ams360.customers", "raw_ams360.customer_contacts",
    "raw_ams360.policies", "stage.candidates", "stage.customers", "mart.contacts", "mart.changes", "raw_benefitpoint.accounts",
)  # fmt: skip


@pytest.fixture(scope="module")
def office() -> Iterator[Sandbox]:
    with running_sandbox(size=60, more=("--benefitpoint",)) as running:
        yield running


def analyzed(connection: psycopg.Connection[Any]) -> set[str]:
    connection.execute("select pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
    return {
        row[0]
        for row in connection.execute(
            "select schemaname || '.' || relname from pg_stat_user_tables where last_analyze is not null"
        )
    }


@pytest.mark.parametrize(("limit", "expected"), [(FEW, set(LOADED)), (10**6, set())])
def test_each_table_that_a_long_load_fills_is_analyzed(
    limit: int,
    expected: set[str],
    connection: psycopg.Connection[Any],
    office: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A sweep of 200,000 customers compared each with every other one for hours, before autovacuum had read any sample."""
    monkeypatch.setattr(statistics, "LARGE", limit)
    extract_reference(connection, "demo", office.connection())
    extract(connection, "demo", office.connection(), SyncScope())
    extract_benefitpoint(connection, "demo", office.benefitpoint.connection())
    mark_due(connection, "demo", RuleSettings(), TODAY)
    derive_dirty(connection, "demo", RuleSettings(), TODAY)
    make_plan(connection, "demo", RuleSettings(), BrakeSettings(), TODAY)
    publish.publish(connection, "demo")
    assert analyzed(connection) & set(LOADED) == expected


def test_a_load_is_sampled_less_and_less_often(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times for a million rows in steps of a thousand."""
    times = []
    monkeypatch.setattr(statistics, "analyze", lambda *_: times.append(1))
    growth = statistics.Growth(connection, ["ops.leases"])
    for rows in range(0, 1_000_000, 1000):
        growth.reached(rows)
    assert len(times) == 4
