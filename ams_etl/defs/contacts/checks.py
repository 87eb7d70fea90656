"""The checks that guard the publish: blocking, and plain SQL, since every run waits for them, of two customers too.

What watches the published tables comes after it (mart_checks.py).
"""

import dagster as dg

from ams_etl.defs.contacts.assets import PLAN_KEY
from ams_etl.defs.expectations.validation import SAMPLE
from ams_etl.defs.metadata import next_step, sample_with_why
from ams_etl.defs.partitions import agency_of, agency_partitions
from ams_etl.defs.resources import AgenciesFile, Warehouse


@dg.asset_check(
    asset=PLAN_KEY,
    name="every_planned_contact_meets_the_requirements",
    description="Q1, Q2, N10: every contact about to be published has a name or email, a source, and no mark as greeting.",
    blocking=True,
    partitions_def=agency_partitions,
)
def every_planned_contact_meets_the_requirements(
    context: dg.AssetCheckExecutionContext, warehouse: Warehouse, agencies: AgenciesFile
) -> dg.AssetCheckResult:
    """Check what would be published before it is."""
    from ams_etl.sync.contacts.quality import check_planned_contacts

    agency = agency_of(context)
    with warehouse.connection() as connection:
        found = check_planned_contacts(connection, agency, sample=SAMPLE)
    return dg.AssetCheckResult(
        passed=not found.unfit,
        metadata={
            "rows": found.planned,
            "violations": found.unfit,
            "without_name_or_email": found.without_name_or_email,
            "without_source": found.without_source,
            "greeted_by_a_mark": found.greeted_by_a_mark,
            "sample_ids": sample_with_why(found.sample_ids, agencies.read().pages.address, agency),
            **next_step(
                f"nothing is published: ams-etl plan {agency} --full shows the plan; mend these records in the source, or the name "
                "that was given to them (ams-etl names list), and sync again",
                passed=not found.unfit,
            ),
        },
    )


@dg.asset_check(
    asset=PLAN_KEY,
    name="the_brake_lets_it_through",
    description="The plan deletes and re-owns no more contacts than the agency's brake allows.",
    blocking=True,
    partitions_def=agency_partitions,
)
def the_brake_lets_it_through(context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> dg.AssetCheckResult:
    """Say what the brake saw and how a person lets the plan through."""
    from ams_etl.sync.contacts.plan_report import latest_plan

    agency = agency_of(context)
    with warehouse.connection() as connection:
        plan = latest_plan(connection, agency)
    if plan is None or plan.stopped_by is None:
        return dg.AssetCheckResult(passed=True)
    return dg.AssetCheckResult(
        passed=False,
        severity=dg.AssetCheckSeverity.ERROR,
        description=plan.stopped_by,
        metadata={
            "plan_id": str(plan.plan_id),
            **next_step(
                f"ams-etl plan {agency} shows it; if it is meant, ams-etl sync {agency} --apply {plan.plan_id} publishes exactly "
                "that (so do the page Plan and the job publish_plan)",
                passed=False,
            ),
        },
    )
