"""What the past costs: the change feed of a year in which 2 % of an agency's contacts change each week.

    python -m benchmarks.history_cost [--contacts 100000] [--weeks 52]

Each week is derived, planned and published as a sync does it. There is no other copy of the past than the feed.
"""

import argparse
import time
from datetime import datetime
from typing import Any

import psycopg

from ams_etl.rules.settings import RuleSettings
from ams_etl.store.database import connect
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl.sync.contacts.history import contact_as_of
from ams_etl_tests.sync.source_history import AGENCY, refresh
from benchmarks.incremental import TODAY, store
from benchmarks.own_server import own_server

SHARE = 0.02


def _size(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute("select pg_total_relation_size(%s::regclass)", (table,)).fetchone()
    return int(row[0]) if row else 0


def _timed(connection: psycopg.Connection[Any], query: str, *values: Any) -> float:
    began = time.monotonic()
    connection.execute(query, values).fetchall()
    return time.monotonic() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--weeks", type=int, default=52)
    given = parser.parse_args()
    settings = RuleSettings(tags=("city",))
    with own_server() as (_, url), connect(url) as connection:
        upgrade(connection, sql_folder())
        for start in range(1, given.contacts + 1, 5000):
            store(connection, range(start, min(start + 5000, given.contacts + 1)), "Bath")
        refresh(connection, settings, TODAY)
        _year(connection, given.contacts, given.weeks, settings)


def _year(connection: psycopg.Connection[Any], size: int, weeks: int, settings: RuleSettings) -> None:
    (contacts,) = connection.execute("select count(*) from mart.contacts").fetchone() or (0,)
    first = _size(connection, "mart.changes")
    print(f"{contacts:,} contacts, {weeks} weeks of {SHARE:.0%}", flush=True)
    print(f"feed of the first load: {first / 1e6:,.0f} MB, {first / contacts:,.0f} bytes per contact", flush=True)
    moments: list[datetime] = []
    a_week = int(size * SHARE)
    began = time.monotonic()
    for week in range(weeks):
        start = week * a_week % size + 1
        store(connection, range(start, start + a_week), f"City {week}")
        refresh(connection, settings, TODAY)
        moments.extend(row[0] for row in connection.execute("select clock_timestamp()"))
    seconds = (time.monotonic() - began) / weeks
    (changes,) = connection.execute("select count(*) from mart.changes where op <> 'insert'").fetchone() or (0,)
    grown = _size(connection, "mart.changes") - first
    connection.execute("vacuum analyze mart.changes")
    print(f"a week's sync, stored and published: {seconds:.1f} s")
    print(f"feed of the year: {changes:,} changes, {grown / 1e6:,.0f} MB, {grown / max(changes, 1):,.0f} bytes per change, "
          f"{grown / contacts:,.0f} bytes per contact and year")  # fmt: skip
    print(f"beside it: mart {sum(_size(connection, f'mart.{table}') for table in _MART) / 1e6:,.0f} MB, "
          f"source records {_size(connection, 'raw_ams360.customers') / 1e6:,.0f} MB and policies "
          f"{_size(connection, 'raw_ams360.policies') / 1e6:,.0f} MB")  # fmt: skip
    row = connection.execute("select contact_id from mart.contacts order by contact_id limit 1").fetchone()
    for name, moment in (
        ("in the first week", moments[0]),
        ("half a year ago", moments[weeks // 2]),
        ("now", moments[-1]),
    ):
        whole = _timed(connection, "select count(*) from mart.contacts_as_of(%s, %s)", AGENCY, moment)
        began = time.monotonic()
        contact_as_of(connection, AGENCY, row[0], moment) if row else None
        print(f"as of {name}: all contacts {whole:.2f} s, one contact {(time.monotonic() - began) * 1000:.1f} ms")


_MART = ("contacts", "contact_emails", "contact_phones", "contact_sources", "contact_tags", "key_facts", "connections")

if __name__ == "__main__":
    main()
