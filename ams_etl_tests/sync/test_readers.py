"""Several readers of one agency at once: what was read earlier never overwrites what was read later."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from ams_etl.store.merge import Record
from ams_etl.sync.extract.ams360 import _store
from ams_etl.sync.extract.ams360_customer import CustomerRead
from ams_etl.sync.raw.ams360_tables import CUSTOMERS, POLICIES
from ams_etl.sync.runs import SyncRun, SyncRuns
from ams_etl_tests.postgres import fresh_database

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
CUSTOMERS_OF_IT = ("c1", "c2", "c3")
POLICIES_OF_IT = ("p1", "p2")
_agencies = itertools.count()

World = dict[str, tuple[str | None, int]]
"""At one moment: of each customer whether it is there (itself) and its version, of each policy its customer and version."""


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[World], list[tuple[str, int]]]:
    """Worlds, one after the other, and readings (customer, moment) in the order in which they are stored."""
    moments = draw(st.integers(2, 5))
    worlds: list[World] = []
    for moment in range(moments):
        world: World = {}
        for customer in CUSTOMERS_OF_IT:
            world[customer] = (customer if draw(st.integers(0, 5)) else None, draw(st.integers(0, 1)))
        for policy in POLICIES_OF_IT:
            owner = draw(st.sampled_from(["c1", "c1", "c2", "c3", None]))
            world[policy] = (owner if owner and world[owner][0] else None, moment)
        worlds.append(world)
    readings = [(customer, moment) for customer in CUSTOMERS_OF_IT for moment in range(moments)]
    return worlds, draw(st.lists(st.sampled_from(readings), min_size=2, max_size=10, unique=True))


def reading(worlds: Sequence[World], customer: str, moment: int) -> CustomerRead:
    """What AMS360 answered about a customer at that moment."""
    world = worlds[moment]
    there, version = world[customer]
    read = CustomerRead(customer, BEGIN + timedelta(seconds=moment), gone=there is None)
    if there:
        read.rows[CUSTOMERS] = [Record(customer, customer, {"CustomerId": customer, "version": version})]
        read.rows[POLICIES] = [
            Record(policy, customer, {"PolicyId": policy, "version": world[policy][1]})
            for policy in POLICIES_OF_IT
            if world[policy][0] == customer
        ]
    return read


def stored(connection: psycopg.Connection[Any], agency: str, table: str) -> dict[str, tuple[str, int]]:
    """The live records: owner and version."""
    return {
        row[0]: (row[1], row[2])
        for row in connection.execute(
            f"""select entity_id, customer_id, (payload ->> 'version')::int from raw_ams360.{table}
            where agency = %s and deleted_at is null""",
            (agency,),
        )
    }


@settings(max_examples=60)
@given(history=histories())
def check_history(connection: psycopg.Connection[Any], history: tuple[list[World], list[tuple[str, int]]]) -> None:
    worlds, readings = history
    agency = f"agency-{next(_agencies)}"
    sync_runs = SyncRuns(connection, agency)
    run: SyncRun = sync_runs.begin("customers", "notification", None)
    latest: dict[str, int] = {}
    newest_version: dict[str, int] = {}
    for customer, moment in readings:
        _store(connection, sync_runs, run, [reading(worlds, customer, moment)])
        latest[customer] = max(latest.get(customer, -1), moment)
        # A policy that is there is never older than it was: neither from its own customer nor from one that it left.
        for policy, (_, version) in stored(connection, agency, "policies").items():
            assert version >= newest_version.get(policy, -1)
            newest_version[policy] = version
    customers = stored(connection, agency, "customers")
    for customer, moment in latest.items():
        there, version = worlds[moment][customer]
        assert customers.get(customer) == ((customer, version) if there else None)
    # A policy is where the latest reading that showed it saw it, unless that customer was read again without it.
    for policy, (owner, version) in stored(connection, agency, "policies").items():
        assert worlds[version][policy] == (owner, version)
        assert latest[owner] == version


def test_whatever_the_order_of_storing(postgres_server: str, migrated_template: str) -> None:
    """Customers that change, go and come back, policies that move between them."""
    with fresh_database(postgres_server, migrated_template) as url, psycopg.connect(url, autocommit=True) as connection:
        check_history(connection)
