"""What forgetting one person takes in a large agency: finding, searching, erasing, and the search before the commit.

    python -m benchmarks.forget_cost [--contacts 100000]

The change feed has the first load and one edit of every tenth contact; there is an event for every hundredth.
"""

import argparse
import os
import time
from typing import Any

import psycopg

from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import BrakeSettings
from ams_etl.store.database import connect
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl.store.privacy.tombstones import KEY_VARIABLE
from ams_etl.sync.accounts.publish_accounts import publish_accounts
from ams_etl.sync.accounts.publish_policies import publish_policies
from ams_etl.sync.forgetting.erase import erase
from ams_etl.sync.forgetting.person import find_person
from ams_etl.sync.forgetting.traces import traces_in_database
from ams_etl_tests.sync.source_history import AGENCY, refresh
from benchmarks.incremental import TODAY, store
from benchmarks.own_server import own_server


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--contacts", type=int, default=100_000)
    size = parser.parse_args().contacts
    os.environ[KEY_VARIABLE] = "the key of a benchmark"
    settings = RuleSettings(tags=("city",))
    with own_server() as (_, url), connect(url) as connection:
        upgrade(connection, sql_folder())
        for start in range(1, size + 1, 5000):
            store(connection, range(start, min(start + 5000, size + 1)), "Bath")
        refresh(connection, settings, TODAY)
        store(connection, range(1, size // 10), "York")
        refresh(connection, settings, TODAY)
        publish_accounts(connection, AGENCY)
        publish_policies(connection, AGENCY)
        connection.execute(
            """insert into ops.events (agency, event_id, kind, payload, state)
            select %s, gen_random_uuid(), 'note', jsonb_build_object('contact', jsonb_build_object('email',
                'person' || number || '@example.com'), 'text', 'Prefers mornings'), 'done' from generate_series(1, %s, 100) number""",
            (AGENCY, size),
        )
        connection.execute("vacuum analyze")
        print(f"{size:,} customers with a policy each", flush=True)
        for asked in ("505", f"person{size // 2 + 5}@example.com"):
            _forget(connection, settings, asked)


def _forget(connection: psycopg.Connection[Any], settings: RuleSettings, asked: str) -> None:
    began = time.monotonic()
    person = find_person(connection, AGENCY, settings, asked)
    found = time.monotonic()
    traces = traces_in_database(connection, AGENCY, person.values)
    searched = time.monotonic()
    erase(connection, AGENCY, settings, BrakeSettings(), TODAY, person)
    erased = time.monotonic()
    print(
        f"by {'an email' if '@' in asked else 'a number'}: found in {found - began:.1f} s, {len(traces)} places searched out in "
        f"{searched - found:.1f} s, erased in {erased - searched:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
