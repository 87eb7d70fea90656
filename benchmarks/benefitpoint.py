"""A daily sync of BenefitPoint with one account in a hundred changed, beside a full one.

    python -m benchmarks.benefitpoint [--customers 113000]

Some 0.18 of the AMS360 agency's customers have a BenefitPoint account: 113,000 customers make 20,000 accounts.
"""

import argparse
import tempfile
import time
from pathlib import Path

from ams_etl.store.database import connect
from ams_etl.store.embedded import running_server, stop
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl.sync.benefitpoint_extract import BenefitPointReport, extract_benefitpoint
from ams_etl_tests.sandbox_process import running_sandbox


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=113_000)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_sandbox(size=parser.parse_args().customers, more=("--benefitpoint",)) as running,
    ):
        sandbox = running.benefitpoint
        Path(folder).chmod(0o711)
        try:
            with connect(running_server(Path(folder))) as connection:
                upgrade(connection, sql_folder())

                def sync(*, full: bool = False) -> tuple[BenefitPointReport, float]:
                    began = time.monotonic()
                    report = extract_benefitpoint(connection, "bench", sandbox.connection(), full=full)
                    return report, time.monotonic() - began

                full, unchanged = sync(full=True), sync()
                accounts = [row["accountID"] for row in sandbox.rows("accounts")]
                edited = accounts[::100]
                for account in edited:
                    sandbox.edit("accounts", "update", account, notes="seen")
                changed = sync()
        finally:
            stop(Path(folder))
    print(f"{len(accounts):,} accounts")
    print(f"| {'sync':<20} | {'mode':<8} | {'accounts read':>13} | {'calls':>8} | {'seconds':>8} |")
    for name, (report, seconds) in (
        ("full", full),
        ("nothing changed", unchanged),
        (f"{len(edited)} changed", changed),
    ):
        print(f"| {name:<20} | {report.mode:<8} | {report.accounts_read:>13,} | {report.calls:>8,} | {seconds:>8.2f} |")


if __name__ == "__main__":
    main()
