"""The check on benefit plans: none without a code. Those on links and accounts are suites in `expectations/`."""

import dagster as dg

from ams_etl.defs.benefitpoint.waiting_plans import reasons
from ams_etl.defs.metadata import next_step
from ams_etl.defs.partitions import agency_of, agency_partitions
from ams_etl.defs.resources import Warehouse


@dg.asset_check(
    asset=dg.AssetKey(["mart", "policies"]),
    name="no_plan_waits_for_a_code",
    description="B5: every plan added in BenefitPoint on a linked account has AMS360's codes and a first day.",
    partitions_def=agency_partitions,
)
def no_plan_waits_for_a_code(context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> dg.AssetCheckResult:
    """A warning that says what to add to the settings."""
    from ams_etl.writeback.benefit_plans.waiting import missing_codes

    agency = agency_of(context)
    with warehouse.connection() as connection:
        missing = missing_codes(connection, agency)
    return dg.AssetCheckResult(
        passed=not missing,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "plans_wait_for": reasons(missing),
            **next_step(
                f"ams-etl links {agency} plans prints the lines that the settings lack; the next sync adds the plans",
                passed=False,
            ),
        }
        if missing
        else {},
    )
