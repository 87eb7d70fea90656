"""The re-evaluation at midnight: one run for all agencies, since a run for each would take longer than the night."""

from collections.abc import Iterator

import dagster as dg

from ams_etl.defs.metadata import SHOWN_AGENCIES, failing_agencies, table_of
from ams_etl.defs.ownership import OWNERS
from ams_etl.defs.progress import run_log_progress
from ams_etl.defs.resources import AgenciesFile, Warehouse

REEVALUATION_KEY = dg.AssetKey(["ops", "daily_reevaluation"])


@dg.asset(
    key=REEVALUATION_KEY,
    group_name="contacts",
    kinds={"python", "postgres"},
    owners=OWNERS,
    deps=[dg.AssetKey(["mart", "contacts"])],
    check_specs=[
        dg.AssetCheckSpec(
            "every_agency_was_reevaluated",
            asset=REEVALUATION_KEY,
            description="No agency's contacts are those of an earlier day: none was stopped by its brake or failed.",
        )
    ],
)
def daily_reevaluation(
    context: dg.AssetExecutionContext, warehouse: Warehouse, agencies: AgenciesFile
) -> Iterator[dg.MaterializeResult[None]]:
    """What the new date changes by itself in every agency's contacts (rules L, K, T); reads nothing from any system."""
    from ams_etl.sync.reevaluate import agencies_due, reevaluate

    today = agencies.today()
    progress = run_log_progress()
    with warehouse.connection() as connection:
        due = agencies_due(connection, agencies.read().all, today)
        done = []
        for outcome in reevaluate(
            connection,
            due,
            today,
            lease=lambda agency: warehouse.lease(agency, "publish", context.run_id),
            run_id=context.run_id,
        ):
            done.append(outcome)
            progress("agencies re-evaluated", len(done), len(due))
    failed = [(outcome.agency, outcome.error) for outcome in done if outcome.error is not None]
    published = [(outcome.agency, outcome.published) for outcome in done if outcome.published is not None]
    yield dg.MaterializeResult(
        metadata={
            "today": str(today),
            "agencies": len(published),
            "customers_derived": sum(changes.derived.customers for _, changes in published),
            "contacts_changed": table_of(
                ("agency", "inserted", "updated", "deleted"),
                [
                    (agency, changes.contacts.inserted, changes.contacts.updated, changes.contacts.deleted)
                    for agency, changes in published[:SHOWN_AGENCIES]
                ],
            ),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="every_agency_was_reevaluated",
                passed=not failed and len(done) == len(due),
                severity=dg.AssetCheckSeverity.WARN,
                metadata=failing_agencies(
                    ("agency", "reason"),
                    failed,
                    "ams-etl plan AGENCY; its next sync, or the job rederive, does it as well",
                ),
            )
        ],
    )
