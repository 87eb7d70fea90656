"""What Dagster reads and writes of its own tables, by our storage's kept connection and by Dagster's own storage.

    python -m benchmarks.dagster_connections [--events 500]

Dagster's own storage is the baseline: it connects again each time. What is asked is what a step asks most: write an event, look
for a partition.
"""

import argparse
import time

from dagster._core.events.log import EventLogEntry
from dagster_postgres import DagsterPostgresStorage

from ams_etl.dagster_storage import PostgresStorage
from ams_etl.store.database import connect, dagster_url
from benchmarks.own_server import own_server


def _seconds(storage: DagsterPostgresStorage, events: int) -> float:
    events_of = storage.event_log_storage
    entry = EventLogEntry(None, 20, "", "a run", time.time(), None, None, None)  # type: ignore[no-untyped-call]
    began = time.perf_counter()
    for _ in range(events):
        events_of.store_event(entry)
        events_of.has_dynamic_partition("agency", "demo")
    return time.perf_counter() - began


def _sessions(url: str) -> int:
    with connect(url) as connection:
        connection.execute("select pg_stat_force_next_flush()")
        row = connection.execute("select sessions from pg_stat_database where datname = current_database()").fetchone()
    return int(row[0]) if row else 0


def main() -> None:
    """Print milliseconds and connections of both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=500)
    events = parser.parse_args().events
    with own_server() as (_, url):
        address = dagster_url(url)
        measured = {}
        for name, storage in (
            ("Dagster's own", DagsterPostgresStorage(address)),
            ("ours", PostgresStorage(postgres_url=address)),
        ):
            _seconds(storage, 10)
            before = _sessions(url)
            measured[name] = _seconds(storage, events)
            print(
                f"{name:<14} {measured[name] / events * 1000:6.2f} ms an event and a look-up, "
                f"{_sessions(url) - before - 1:,} connections for {events:,}"
            )
        baseline, ours = measured.values()
        print(f"ours takes 1/{baseline / ours:.1f} of the time")


if __name__ == "__main__":
    main()
