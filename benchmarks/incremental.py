"""Ten changed customers in a large agency, beside a rebuild of all of it.

    python -m benchmarks.incremental [--customers 100000]

Rows read and written are Postgres' own counts; the records are written to raw directly, as a sync would.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import psycopg

from ams_etl.rules.settings import RuleSettings
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.database import connect
from ams_etl.store.dirty_customers import mark_customers
from ams_etl.store.merge import Record, merge_records
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl.sync.raw.ams360_tables import CUSTOMERS, POLICIES
from ams_etl_tests.sync.source_history import AGENCY, customer, customer_id, policy, refresh
from benchmarks.own_server import own_server

TODAY = date(2026, 6, 1)


def _customers(numbers: range, city: str) -> Iterator[Record]:
    for number in numbers:
        # Every tenth shares its email with the one before: a merge for the engine to follow.
        email = f"person{number - (number % 10 == 1)}@example.com"
        record = customer(number, FirstName="Ann", LastName=f"Lee{number}", Email=email, City=city)
        yield Record(customer_id(number), customer_id(number), record)


def store(connection: psycopg.Connection[Any], numbers: range, city: str) -> None:
    """Write these customers and a policy of each to raw, and mark them as changed."""
    with connection.transaction():
        for table, records in (
            (CUSTOMERS, _customers(numbers, city)),
            (POLICIES, (Record(row["PolicyId"], row["CustomerId"], row) for n in numbers if (row := policy(n, n)))),
        ):
            merged = merge_records(connection, table, AGENCY, records, seen_at=datetime.now(UTC))
            mark_customers(AgencyDb(connection, AGENCY), merged.customers)


def _measured(connection: psycopg.Connection[Any], work: Callable[[], object]) -> tuple[float, int, int]:
    def counted() -> tuple[int, int]:
        connection.execute("select pg_stat_force_next_flush()")
        row = connection.execute(
            """select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), sum(n_tup_ins + n_tup_upd + n_tup_del)
            from pg_stat_user_tables where schemaname in ('raw_ams360', 'stage', 'mart', 'ops')"""
        ).fetchone()
        return (int(row[0]), int(row[1])) if row else (0, 0)

    read, written = counted()
    began = time.monotonic()
    work()
    seconds = time.monotonic() - began
    after = counted()
    return seconds, after[0] - read, after[1] - written


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=100_000)
    size = parser.parse_args().customers
    settings = RuleSettings(tags=("city",))
    with own_server() as (_, url), connect(url) as connection:
        upgrade(connection, sql_folder())
        for start in range(1, size + 1, 5000):
            store(connection, range(start, min(start + 5000, size + 1)), "Bath")
        full = _measured(connection, lambda: refresh(connection, settings, TODAY))
        connection.execute("vacuum analyze")
        store(connection, range(101, 111), "York")
        few = _measured(connection, lambda: refresh(connection, settings, TODAY))
    print(f"| {'run':<28} | {'seconds':>9} | {'rows read':>11} | {'rows written':>12} |")
    for name, (seconds, read, written) in ((f"all {size:,} customers", full), ("10 changed customers", few)):
        print(f"| {name:<28} | {seconds:>9.2f} | {read:>11,} | {written:>12,} |")
    print(f"10 changed take 1/{full[0] / few[0]:.0f} of the time of all")


if __name__ == "__main__":
    main()
