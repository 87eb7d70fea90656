"""Customers a second from stored records to the mart: where the time goes, and what Postgres spends beside us.

    python -m benchmarks.derive_publish [--customers 20000]

The records of a sandbox's agency are put into raw directly. Then everything is derived, planned and published for the first time,
all of it once more after a change of settings, and once after one customer in fifty was edited. The baseline is the least that
any way must do with Postgres: copying documents of the same number and size into a table with the same key.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psutil
import psycopg

from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import BrakeSettings
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.database import connect
from ams_etl.store.dirty_customers import mark_customers
from ams_etl.store.loading.copy import copy_rows
from ams_etl.store.merge import Record, merge_records
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl.sync.contacts.derive import derive_dirty, mark_due
from ams_etl.sync.contacts.plan import make_plan
from ams_etl.sync.contacts.publish import publish
from ams_etl.sync.raw.ams360_tables import CUSTOMER_CONTACTS, CUSTOMER_DEPENDENTS, CUSTOMERS, ID_MEMBERS, POLICIES
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from benchmarks.own_server import own_server

AGENCY = "measured"
TABLES = (CUSTOMERS, CUSTOMER_CONTACTS, CUSTOMER_DEPENDENTS, POLICIES)


class Stages:
    """Wall time and processor time of named stages, ours and our Postgres connection's apart."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._server = psutil.Process(connection.info.backend_pid)
        self.rows: list[tuple[str, float, float, float]] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        wall, own, server = time.monotonic(), time.process_time(), self._cpu()
        yield
        self.rows.append((name, time.monotonic() - wall, time.process_time() - own, self._cpu() - server))

    def _cpu(self) -> float:
        times = self._server.cpu_times()
        return float(times.user + times.system)

    def print(self, title: str, customers: int) -> None:
        """Print the stages as rows of a table, and forget them."""
        whole = [sum(part) for part in zip(*(row[1:] for row in self.rows), strict=True)]
        for name, wall, own, server in (*self.rows, ("all", whole[0], whole[1], whole[2])):
            print(f"| {title} | {name} | {wall:.1f} | {own:.1f} | {server:.1f} | {customers / wall:,.0f} |", flush=True)
        self.rows = []


def fill(connection: psycopg.Connection[Any], sandbox: Sandbox) -> int:
    """Put a sandbox's records into raw as a full read would; return the number of customers."""
    for table in TABLES:
        key = ID_MEMBERS[table.name]
        rows = sandbox.ask(f"state/{table.name}")
        with connection.transaction():
            merge_records(
                connection,
                table,
                AGENCY,
                (Record(row[key], row["CustomerId"], row) for row in rows),
                seen_at=datetime.now(UTC),
            )
            if table is CUSTOMERS:
                customers = [row["CustomerId"] for row in rows]
                mark_customers(AgencyDb(connection, AGENCY), set(customers))
    connection.execute("vacuum analyze")
    return len(customers)


def work(connection: psycopg.Connection[Any], stages: Stages, settings: RuleSettings) -> None:
    """Derive, plan and publish what is due."""
    today = datetime.now(UTC).date()
    with stages.stage("mark due"):
        mark_due(connection, AGENCY, settings, today)
    with stages.stage("derive"):
        derive_dirty(connection, AGENCY, settings, today)
    with stages.stage("plan"):
        plan = make_plan(connection, AGENCY, settings, BrakeSettings(), today)
    with stages.stage("publish"):
        publish(connection, AGENCY, plan_id=plan.plan_id)


def least(connection: psycopg.Connection[Any]) -> float:
    """Seconds to copy the published documents into an empty table with the same key."""
    rows = connection.execute(
        "select contact_id, convert_to(document::text, 'UTF8') from stage.contacts where agency = %s", (AGENCY,)
    ).fetchall()
    connection.execute("create table public.least (contact_id uuid primary key, document jsonb)")
    began = time.monotonic()
    with connection.transaction():
        copy_rows(connection, ("public", "least"), {"contact_id": "uuid", "document": "jsonb"}, rows)
    return time.monotonic() - began


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--profile", action="store_true", help="Print where our own processor time goes, too.")
    given = parser.parse_args()
    with (
        own_server() as (_, url),
        running_sandbox(size=given.customers) as sandbox,
        connect(url) as connection,
    ):
        upgrade(connection, sql_folder())
        count = fill(connection, sandbox)
        stages = Stages(connection)
        print("| what | stage | seconds | our processor | Postgres' | customers/s |\n|---|---|---|---|---|---|")
        _profiled(given.profile, lambda: work(connection, stages, RuleSettings()))
        stages.print("first", count)
        work(connection, stages, RuleSettings(tags=("carrier",)))
        stages.print("other settings", count)
        edited = connection.execute(
            """update raw_ams360.customers set payload = payload || '{"City": "Elsewhere"}'
            where agency = %s and hashtext(entity_id) %% 50 = 0 returning entity_id""",
            (AGENCY,),
        ).fetchall()
        with connection.transaction():
            mark_customers(AgencyDb(connection, AGENCY), {row[0] for row in edited})
        work(connection, stages, RuleSettings(tags=("carrier",)))
        stages.print("one in fifty", len(edited))
        print(f"the least: {least(connection):.1f} s to copy the documents; load {os.getloadavg()[0]:.1f}")


def _profiled(wanted: bool, what: Callable[[], None]) -> None:
    if not wanted:
        what()
        return
    import cProfile
    import pstats

    with cProfile.Profile() as profile:
        what()
    pstats.Stats(profile).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main()
