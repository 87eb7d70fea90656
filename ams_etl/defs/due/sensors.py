"""What starts regular work, once it is due and not done: in its window, or later where the window passed without it."""

from collections import defaultdict
from datetime import UTC, datetime

import dagster as dg

from ams_etl.defs.due.assets import DUE_KEY, shown
from ams_etl.defs.due.regular_work import AgencyWork, agency_work
from ams_etl.defs.due.requests import TRIGGER_TAG, asked_key, request
from ams_etl.defs.jobs import benefitpoint_job, sync_job
from ams_etl.defs.other_systems.jobs import JOBS
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.defs.spread import turns
from ams_etl.defs.under_way import agencies_under_way, asked_agencies
from ams_etl.errors import AmsEtlError

EVERY_SECONDS = 60
_OVERDUE_AT_ONCE = 10
"""Overdue work that one tick asks for: a daemon that comes back must not start hundreds of runs together."""


@dg.sensor(
    jobs=[sync_job, benefitpoint_job, *(job for job, _ in JOBS.values())],
    minimum_interval_seconds=EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts resyncs, sweeps, changes and BenefitPoint syncs at each agency's own minute, and makes up for those "
    "whose window passed, a few at a time. A schedule that is turned off starts nothing. The table ops.due_work says what is "
    "due when.",
)
def start_due_work(
    context: dg.SensorEvaluationContext, warehouse: Warehouse, agencies: AgenciesFile
) -> dg.SensorResult | dg.SkipReason:
    """Compare when work was due with when it was done last."""
    now = datetime.now(UTC)
    try:
        read = agencies.read()
        with warehouse.connection() as connection:
            found = agency_work(connection, read, now)
    except AmsEtlError as error:
        return dg.SkipReason(str(error))
    rows = to_ask(context.instance, found, now, context.repository_name)
    hour = f"{now:%Y-%m-%dT%H}"
    if not rows and context.cursor == hour:
        return dg.SkipReason("nothing is due")
    # Once an hour, without a run: what is due next is on its asset.
    events = [dg.AssetMaterialization(DUE_KEY, metadata=shown(found, now, read.schedule.zone))]
    return dg.SensorResult(
        run_requests=[request(row, now) for row in rows],
        asset_events=[] if context.cursor == hour else events,
        cursor=hour,
    )


def to_ask(
    instance: dg.DagsterInstance, found: list[AgencyWork], now: datetime, repository: str | None
) -> list[AgencyWork]:
    """Return the work to ask for in this tick.

    Left out are agencies without a partition yet, work of a schedule that is turned off, what was asked for already, and agencies
    for which such a run still goes on. Where there is more than a tick asks for, each tick begins at another agency.
    """
    stopped, known = stopped_schedules(instance, repository), set(instance.get_dynamic_partitions("agency"))
    waiting = [row for row in found if row.agency in known and row.work.schedule not in stopped and row.is_due(now)]
    asked = {key: asked_agencies(instance, key) for key in {asked_key(row, now) for row in waiting}}
    waiting = [row for row in waiting if row.agency not in asked[asked_key(row, now)]]
    by_trigger: dict[str, list[str]] = defaultdict(list)
    for row in waiting:
        if row.work.trigger is not None:
            by_trigger[row.work.trigger].append(row.agency)
    busy = {
        (agency, trigger)
        for trigger, listed in by_trigger.items()
        for agency in agencies_under_way(instance, "ams_etl/agency", listed, {TRIGGER_TAG: trigger})
    }
    free = [row for row in waiting if (row.agency, row.work.trigger) not in busy]
    overdue = [row for row in free if row.is_overdue(now)][:_OVERDUE_AT_ONCE]
    in_time = [row for row in free if not row.is_overdue(now)]
    return turns([*overdue, *in_time], int(now.timestamp()) // EVERY_SECONDS)


def stopped_schedules(instance: dg.DagsterInstance, repository: str | None) -> set[str]:
    """Return the names of the schedules that a person has turned off."""
    return {
        state.instigator_name
        for state in instance.all_instigator_state()
        if state.instigator_type.value == "SCHEDULE"
        and state.status.value == "STOPPED"
        and repository in {None, state.origin.repository_origin.repository_name}
    }
