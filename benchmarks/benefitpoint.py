"""A daily sync of BenefitPoint with one account in a hundred changed, beside a full one, and what follows in the mart.

    python -m benchmarks.benefitpoint [--customers 113000]

Some 0.18 of the AMS360 agency's customers have a BenefitPoint account: 113,000 customers make 20,000 accounts.
"""

import argparse
import time
from datetime import date

from ams_etl.rules.settings import RuleSettings
from ams_etl.store.database import connect
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl.sync.accounts.publish_accounts import publish_accounts
from ams_etl.sync.contacts.plan import PlanCounts
from ams_etl.sync.extract.benefitpoint import BenefitPointReport, extract_benefitpoint
from ams_etl_tests.sandbox_process import running_sandbox
from ams_etl_tests.sync.source_history import AGENCY, refresh
from benchmarks.own_server import own_server


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=113_000)
    with (
        own_server() as (_, url),
        running_sandbox(size=parser.parse_args().customers, more=("--benefitpoint",)) as running,
    ):
        sandbox = running.benefitpoint
        with connect(url) as connection:
            upgrade(connection, sql_folder())

            def sync(*, full: bool = False) -> tuple[BenefitPointReport, float, PlanCounts, float]:
                began = time.monotonic()
                report = extract_benefitpoint(connection, AGENCY, sandbox.connection(), full=full)
                read = time.monotonic()
                plan = refresh(connection, RuleSettings(benefitpoint_contacts=True), date.today())  # noqa: DTZ011
                publish_accounts(connection, AGENCY)
                return report, read - began, plan, time.monotonic() - read

            full, unchanged = sync(full=True), sync()
            accounts = [row["accountID"] for row in sandbox.rows("accounts")]
            edited = accounts[::100]
            for account in edited:
                sandbox.edit("accounts", "update", account, mainAddress={"city": "Seen"})
            changed = sync()
    print(f"{len(accounts):,} accounts")
    print("accounts read and calls of BenefitPoint; candidates read and contacts written, links and accounts besides")
    print("| sync | accounts read | calls | seconds | candidates | contacts written | seconds |")
    for name, (report, seconds, plan, published) in (
        ("full", full),
        ("nothing changed", unchanged),
        (f"{len(edited)} changed", changed),
    ):
        written = plan.insert + plan.update + plan.delete
        print(
            f"| {name} | {report.accounts_read:,} | {report.calls:,} | {seconds:.2f} | {plan.candidates_read:,} "
            f"| {written:,} | {published:.2f} |"
        )


if __name__ == "__main__":
    main()
