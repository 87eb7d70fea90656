"""When each agency's regular work was done last and is due next, as an asset that people read."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from ams_etl.defs.due.regular_work import AgencyWork, agency_work, resyncs_past_their_window
from ams_etl.defs.metadata import failing_agencies, table_of
from ams_etl.defs.ownership import OWNERS
from ams_etl.defs.resources import AgenciesFile, Warehouse

DUE_KEY = dg.AssetKey(["ops", "due_work"])
_SHOWN = 50
"""Rows in a table of the UI."""


@dg.asset(
    key=DUE_KEY,
    group_name="agencies",
    kinds={"postgres"},
    owners=OWNERS,
    metadata={"dagster/table_name": "ops.due_work"},
    check_specs=[
        dg.AssetCheckSpec(
            "weekly_resyncs_end_in_their_window",
            asset=DUE_KEY,
            description="Every agency's last weekly resync ended before the window of `schedule.window_hours` closed.",
        )
    ],
)
def due_work(warehouse: Warehouse, agencies: AgenciesFile) -> Iterator[dg.MaterializeResult[None]]:
    """Resyncs, sweeps, changes and BenefitPoint syncs of every agency: last done, due, and due next."""
    now, read = datetime.now(UTC), agencies.read()
    with warehouse.connection() as connection:
        found = agency_work(connection, read, now)
        late = resyncs_past_their_window(connection, found, now)
    yield dg.MaterializeResult(
        metadata=shown(found, now, read.schedule.zone),
        check_results=[
            dg.AssetCheckResult(
                check_name="weekly_resyncs_end_in_their_window",
                passed=not late,
                severity=dg.AssetCheckSeverity.WARN,
                metadata=failing_agencies(
                    ("agency", "window closed", "ended"),
                    [
                        (agency, _wall(closed, read.schedule.zone), _wall(ended, read.schedule.zone))
                        for agency, closed, ended in late
                    ],
                    "make `schedule.window_hours` longer, or let more runs work at once (docs/sizing.md)",
                ),
            )
        ],
    )


def shown(found: Sequence[AgencyWork], now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """Return the metadata of a materialization: what is overdue, and what is due next, the soonest first."""
    overdue = [row for row in found if row.is_overdue(now)]
    coming = sorted(found, key=lambda row: row.due.next_at)
    return {
        "dagster/row_count": len(found),
        "overdue": len(overdue),
        "overdue_work": table_of(
            ("agency", "work", "was due", "last done"),
            [
                (row.agency, row.work.kind, _wall(row.due.at, zone), _wall(row.last_done_at, zone))
                for row in overdue[:_SHOWN]
            ],
        ),
        "next_due": table_of(
            ("due next", "agency", "work", "last done"),
            [
                (_wall(row.due.next_at, zone), row.agency, row.work.kind, _wall(row.last_done_at, zone))
                for row in coming[:_SHOWN]
            ],
        ),
        "time_zone": str(zone),
    }


def _wall(moment: datetime | None, zone: ZoneInfo) -> str:
    return "never" if moment is None else f"{moment.astimezone(zone):%a %d %b %H:%M}"
