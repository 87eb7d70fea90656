"""How fresh the mart is, as an asset: seconds from a notification to the mart, and what no notification told of."""

import dagster as dg

from ams_etl.defs.metadata import bars, table_of
from ams_etl.defs.ownership import OWNERS
from ams_etl.defs.partitions import agency_partitions
from ams_etl.defs.resources import AgenciesFile, Warehouse

FRESHNESS_KEY = dg.AssetKey(["ops", "freshness"])


@dg.asset(
    key=FRESHNESS_KEY,
    group_name="freshness",
    kinds={"postgres"},
    owners=OWNERS,
    partitions_def=agency_partitions,
    deps=[dg.AssetKey(["mart", "contacts"])],
    metadata={"dagster/table_name": "ops.freshness"},
)
def freshness(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """The last four weeks, by day and by object type: staleness, changes by lane, changes that were never told of."""
    from ams_etl.sync.notifications.freshness import freshness_of, notifications_by_state

    agency = context.partition_key
    with warehouse.connection() as connection:
        found = freshness_of(connection, agency)
        states = notifications_by_state(connection, agency)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(found.days),
            "missed": found.missed,
            "missed_rate": round(found.missed_rate, 4),
            "staleness_p50_seconds": round(found.p50_seconds, 1),
            "staleness_p95_seconds": round(found.p95_seconds, 1),
            "notifications": table_of(("state", "notifications", "reason"), states),
            "by_object_type": table_of(
                ("object type", "brought by notification", "missed", "silent", "missed rate"), found.by_type
            ),
            "staleness_over_time": bars(
                ("day", "p95, seconds", "missed"), [(f"{day:%a %d %b}", p95, missed) for day, p95, missed in found.days]
            ),
        }
    )


@dg.multi_asset_check(
    name="freshness_checks",
    specs=[
        dg.AssetCheckSpec(
            "agency_is_not_silent",
            asset=FRESHNESS_KEY,
            description="No longer without a notification than 1.5 times the longest silence of the last four weeks.",
            partitions_def=agency_partitions,
        ),
        dg.AssetCheckSpec(
            "nothing_is_parked",
            asset=FRESHNESS_KEY,
            description="Every notification was understood, and its sync did not fail time and again.",
            partitions_def=agency_partitions,
        ),
        dg.AssetCheckSpec(
            "few_changes_are_missed",
            asset=FRESHNESS_KEY,
            description="Of the last week's changes, no more came without a notification than `checks.max_missed_share`.",
            partitions_def=agency_partitions,
        ),
    ],
)
def freshness_checks(context: dg.AssetCheckExecutionContext, warehouse: Warehouse, agencies: AgenciesFile):  # type: ignore[no-untyped-def]
    """Judge one agency's notifications."""
    from ams_etl.sync.notifications.freshness import freshness_of, notifications_by_state
    from ams_etl.sync.notifications.missed_changes import silence

    agency = context.partition_key
    limit = agencies.agency(agency).checks.max_missed_share
    with warehouse.connection() as connection:
        quiet = silence(connection, agency)
        parked = sum(count for state, count, _ in notifications_by_state(connection, agency) if state == "parked")
        week = freshness_of(connection, agency, days=7)
    yield dg.AssetCheckResult(
        asset_key=FRESHNESS_KEY,
        check_name="agency_is_not_silent",
        passed=not quiet.is_too_long,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "last_notification": str(quiet.since or "never"),
            "silent_for": str(quiet.lasting or "unknown"),
            "allowed": str(quiet.allowed or "not known before 20 notifications have come"),
            "what_to_do": "look at Notification Service Setup in AMS360: is the delivery status still On?",
        },
    )
    yield dg.AssetCheckResult(
        asset_key=FRESHNESS_KEY,
        check_name="nothing_is_parked",
        passed=not parked,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"parked": parked, "what_to_do": f"ams-etl notifications list {agency} --state parked"},
    )
    yield dg.AssetCheckResult(
        asset_key=FRESHNESS_KEY,
        check_name="few_changes_are_missed",
        passed=week.missed_rate <= limit,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"missed": week.missed, "missed_rate": round(week.missed_rate, 4), "limit": limit},
    )
