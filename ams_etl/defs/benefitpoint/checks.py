"""Checks on links, accounts and plans: nothing doubled, nothing lost, AMS360's values, no plan without a code."""

from typing import Any

import dagster as dg

from ams_etl.defs.benefitpoint.waiting_plans import reasons
from ams_etl.defs.expectations import Expected, validate
from ams_etl.defs.partitions import agency_partitions
from ams_etl.defs.resources import Warehouse
from ams_etl.store.agency_db import with_values
from ams_etl.sync.accounts.quality import ACCOUNTED, SHARED_IDS, VALUES


def _of(name: str, description: str) -> dict[str, Any]:
    return {
        "asset": dg.AssetKey(["mart", "accounts"]),
        "name": name,
        "description": description,
        "partitions_def": agency_partitions,
    }


@dg.asset_check(**_of("no_two_accounts_share_an_id", "B1, B3: no two accounts have one AMS360 or BenefitPoint id."))
def no_two_accounts_share_an_id(context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> dg.AssetCheckResult:
    """No duplicates, whichever system tells first."""
    query = with_values(SHARED_IDS, agency=context.partition_key)
    return validate(warehouse.url(), query, [Expected("ExpectColumnValuesToBeBetween", column="accounts", max_value=1)])


@dg.asset_check(
    **_of(
        "every_record_is_one_account", "B1, B2: each live customer and BenefitPoint account is in exactly one account."
    )
)
def every_record_is_one_account(context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> dg.AssetCheckResult:
    """The check that nothing was lost."""
    query = with_values(ACCOUNTED, agency=context.partition_key)
    return validate(
        warehouse.url(), query, [Expected("ExpectColumnValuesToBeBetween", column="accounts", min_value=1, max_value=1)]
    )


@dg.asset_check(
    **_of("linked_accounts_have_ams360s_values", "B4: no value comes from BenefitPoint if AMS360 has the customer.")
)
def linked_accounts_have_ams360s_values(
    context: dg.AssetCheckExecutionContext, warehouse: Warehouse
) -> dg.AssetCheckResult:
    """What is edited in BenefitPoint stays there."""
    query = with_values(VALUES, agency=context.partition_key)
    return validate(
        warehouse.url(), query, [Expected("ExpectColumnValuesToBeInSet", column="is_ams360s", value_set=[True])]
    )


@dg.asset_check(
    asset=dg.AssetKey(["mart", "policies"]),
    name="no_plan_waits_for_a_code",
    description="B5: every plan added in BenefitPoint on a linked account has AMS360's codes and a first day.",
    partitions_def=agency_partitions,
)
def no_plan_waits_for_a_code(context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> dg.AssetCheckResult:
    """A warning that says what to add to the settings."""
    from ams_etl.writeback.benefit_plans.waiting import missing_codes

    agency = context.partition_key
    with warehouse.connection() as connection:
        missing = missing_codes(connection, agency)
    return dg.AssetCheckResult(
        passed=not missing,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"plans_wait_for": reasons(missing), "lines_for_the_settings": f"ams-etl links {agency} plans"}
        if missing
        else {},
    )
