"""How fresh the mart is, for all agencies in one run: seconds from a notification to the mart, and what none announced."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING

import dagster as dg

from ams_etl.defs.metadata import SHOWN_AGENCIES, failing_agencies, table_of
from ams_etl.defs.ownership import OWNERS
from ams_etl.defs.pictures import over_time
from ams_etl.defs.resources import AgenciesFile, Warehouse

if TYPE_CHECKING:
    from ams_etl.sync.notifications.all_agencies import AgencyFreshness

FRESHNESS_KEY = dg.AssetKey(["ops", "freshness"])


@dg.asset(
    key=FRESHNESS_KEY,
    group_name="freshness",
    kinds={"postgres"},
    owners=OWNERS,
    deps=[dg.AssetKey(["mart", "contacts"])],
    metadata={"dagster/table_name": "ops.freshness"},
)
def freshness(warehouse: Warehouse, agencies: AgenciesFile) -> dg.MaterializeResult[None]:
    """The last four weeks of every agency with notifications: staleness, and changes that none of them announced."""
    from ams_etl.sync.notifications.all_agencies import freshness_by_agency, missed_by_day, notifications_by_day

    listed = notified_agencies(agencies)
    with warehouse.connection() as connection:
        found = freshness_by_agency(connection, listed)
        days = notifications_by_day(connection, listed)
        missed = missed_by_day(connection, listed)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(found),
            "notifications": sum(agency.notifications for agency in found),
            "missed": sum(agency.missed for agency in found),
            "staleness_p95_seconds": round(max((agency.p95_seconds for agency in found), default=0.0), 1),
            "by_agency": table_of(
                ("agency", "notifications", "p95, seconds", "missed", "missed rate", "parked", "last notification"),
                [
                    (
                        agency.agency, agency.notifications, round(agency.p95_seconds, 1), agency.missed,
                        f"{agency.missed_rate:.2%}", agency.parked, agency.silence.since or "never",
                    )
                    for agency in found[:SHOWN_AGENCIES]
                ],
            ),
            **over_time(
                "staleness", "From a notification to the mart, all agencies (p95)", [day for day, _, _ in days],
                {"seconds": [seconds for _, seconds, _ in days]}, "seconds",
            ),
            **over_time(
                "notifications_a_day", "Notifications, all agencies", [day for day, _, _ in days],
                {"notifications": [count for _, _, count in days]}, "a day",
            ),
            **over_time(
                "missed_a_day", "Changes that no notification announced, all agencies", [day for day, _, _ in missed],
                {"percent": [100 * share for _, share, _ in missed]}, "percent of the changes",
            ),
        }
    )  # fmt: skip


@dg.multi_asset_check(
    name="freshness_checks",
    specs=[
        dg.AssetCheckSpec(
            "agency_is_not_silent",
            asset=FRESHNESS_KEY,
            description="No agency is without a notification for longer than 1.5 times its longest silence of four weeks.",
        ),
        dg.AssetCheckSpec(
            "nothing_is_parked",
            asset=FRESHNESS_KEY,
            description="Every notification was understood, and its sync did not fail time and again.",
        ),
        dg.AssetCheckSpec(
            "few_changes_are_missed",
            asset=FRESHNESS_KEY,
            description="Of the last week's changes, no more came without a notification than `checks.max_missed_share`.",
        ),
        dg.AssetCheckSpec(
            "every_agency_was_synced",
            asset=FRESHNESS_KEY,
            description="Each agency's last full sync or sweep is no older than its `checks.max_days_without_sync`.",
        ),
    ],
)
def freshness_checks(warehouse: Warehouse, agencies: AgenciesFile) -> Iterator[dg.AssetCheckResult]:
    """Check every agency's notifications, and name the agencies that fail."""
    from ams_etl.sync.notifications.all_agencies import freshness_by_agency, last_syncs

    read = agencies.read()
    listed = read.all
    limits = {agency.id: agency.checks.max_missed_share for agency in listed}
    with warehouse.connection() as connection:
        found = freshness_by_agency(connection, notified_agencies(agencies))
        synced = last_syncs(connection, [*(agency.id for agency in listed), *read.unusable])
    now = datetime.now(UTC)
    late = [
        (
            agency.id,
            f"{synced[agency.id]:%Y-%m-%d %H:%M %Z}" if agency.id in synced else "never",
            agency.checks.max_days_without_sync,
        )
        for agency in listed
        if agency.id not in synced or now - synced[agency.id] > timedelta(days=agency.checks.max_days_without_sync)
    ]
    # Nothing is started for these until somebody mends them.
    mistaken = [
        (agency, f"{synced[agency]:%Y-%m-%d %H:%M %Z}" if agency in synced else "never", "its entry has mistakes")
        for agency in read.unusable
    ]
    yield dg.AssetCheckResult(
        asset_key=FRESHNESS_KEY,
        check_name="every_agency_was_synced",
        passed=not late and not mistaken,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=failing_agencies(
            ("agency", "last synced", "days allowed"),
            [*mistaken, *sorted(late, key=itemgetter(1))],
            "ams-etl doctor AGENCY says what is wrong; ams-etl sync AGENCY, or its job in the UI, syncs it now",
        ),
    )
    yield _result(
        "agency_is_not_silent",
        [agency for agency in found if agency.silence.is_too_long],
        ("silent for", lambda agency: agency.silence.lasting),
        ("allowed", lambda agency: agency.silence.allowed),
        what_to_do="check Notification Service Setup in AMS360: is the delivery status still On?",
    )
    yield _result(
        "nothing_is_parked",
        [agency for agency in found if agency.parked],
        ("parked", lambda agency: agency.parked),
        what_to_do="ams-etl notifications list AGENCY --state parked",
    )
    yield _result(
        "few_changes_are_missed",
        [agency for agency in found if agency.missed_rate > limits[agency.agency]],
        ("missed", lambda agency: agency.missed),
        ("missed rate", lambda agency: f"{agency.missed_rate:.2%}"),
        ("limit", lambda agency: f"{limits[agency.agency]:.2%}"),
        what_to_do="ams-etl notifications setup AGENCY lists what AMS360 should announce",
    )


def notified_agencies(agencies: AgenciesFile) -> list[str]:
    """Return the ids of the agencies whose AMS360 sends notifications."""
    return [agency.id for agency in agencies.read().all if agency.notifications]


def _result(
    name: str,
    failing: "list[AgencyFreshness]",
    *columns: "tuple[str, Callable[[AgencyFreshness], object]]",
    what_to_do: str,
) -> dg.AssetCheckResult:
    header = ("agency", *(title for title, _ in columns))
    rows = [(agency.agency, *(value(agency) for _, value in columns)) for agency in failing]
    return dg.AssetCheckResult(
        asset_key=FRESHNESS_KEY,
        check_name=name,
        passed=not failing,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=failing_agencies(header, rows, what_to_do),
    )
