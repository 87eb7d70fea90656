"""Thousands of edits of BenefitPoint: not one may reach AMS360 or its values, but each plan that is added, once.

    python -m ams_etl_tests.long.benefitpoint_edits [--edits 2000] [--customers 200] [--seed 1]

Ends with an AssertionError that says what got where it must not.
"""

import argparse
import tempfile
import time
from pathlib import Path

from ams_etl.store.database import connect
from ams_etl.store.embedded import running_server, stop
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl_tests.sync.benefitpoint_history import history_in


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--edits", type=int, default=2000)
    asked.add_argument("--customers", type=int, default=200)
    asked.add_argument("--checks", type=int, default=20)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        try:
            server = running_server(Path(folder))
            urls = (_database(server, "real"), _database(server, "twin"))
            with history_in(urls, size=given.customers, seed=given.seed) as history:
                found = history.play(given.edits, given.checks)
        finally:
            stop(Path(folder))
    print(
        f"{found.edits.total():,} edits of BenefitPoint and {found.ams360_edits:,} of AMS360, {found.syncs.total():,} runs, "
        f"{found.checks} comparisons in {time.monotonic() - began:.0f} s; {found.linked} accounts linked at the end, "
        f"{found.contacts} contacts as without BenefitPoint, {found.shared_contacts} that share an email with its accounts"
    )
    for name, counts in (("edits", found.edits), ("runs", found.syncs)):
        print(f"{name}: {', '.join(f'{kind} {count:,}' for kind, count in counts.most_common())}")
    print(
        f"writing calls that AMS360 got: {', '.join(f'{kind} {count}' for kind, count in found.writing_calls.items())}"
    )
    print(f"plans added: {found.added}; in AMS360: {found.made}, each once")


def _database(server: str, name: str) -> str:
    with connect(server) as connection:
        connection.execute(f"create database {name}")
    url = server.rsplit("/", 1)[0] + f"/{name}"
    with connect(url) as connection:
        upgrade(connection, sql_folder())
    return url


if __name__ == "__main__":
    main()
