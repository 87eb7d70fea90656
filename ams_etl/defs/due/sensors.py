"""What makes up for work whose window passed: the daemon was down, or the run failed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

import dagster as dg
import psycopg

from ams_etl.defs.due.windows import Due, Window, due
from ams_etl.defs.jobs import benefitpoint_job, sync_job
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.defs.schedules import BENEFITPOINT_FROM, BENEFITPOINT_MINUTES, SWEEP_MINUTES, TRIGGER_TAG, request
from ams_etl.defs.under_way import agencies_under_way, asked_agencies
from ams_etl.errors import AmsEtlError
from ams_etl.settings import Agencies

Kind = Literal["weekly_resync", "daily_sweep", "benefitpoint"]
_MISSED = "missed:"
"""What the run keys begin with."""
_AT_ONCE = 10
"""Requests of one tick: a daemon that comes back must not start hundreds of runs together."""
_LAST_DONE = """
select agency, 'weekly_resync', max(started_at) from ops.sync_runs
    where mode = 'full' and extracted_at is not null group by agency
union all select agency, 'daily_sweep', max(started_at) from ops.sync_runs
    where mode in ('full', 'sweep') and extracted_at is not null group by agency
union all select agency, 'benefitpoint', max(synced_at) from ops.benefitpoint_cursors group by agency"""


@dg.sensor(
    jobs=[sync_job, benefitpoint_job],
    minimum_interval_seconds=120,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Makes up for resyncs, sweeps and BenefitPoint syncs whose window passed without one, a few at a time; the "
    "table ops.due_work says what is due when.",
)
def make_up_for_missed_work(
    context: dg.SensorEvaluationContext, warehouse: Warehouse, agencies: AgenciesFile
) -> dg.SensorResult | dg.SkipReason:
    """Compare when work was due with when it was done last. An agency that was never synced waits for its first sync."""
    now = datetime.now(UTC)
    try:
        read = agencies.read()
        with warehouse.connection() as connection:
            missed = list(missed_work(connection, read, now))
    except AmsEtlError as error:
        return dg.SkipReason(str(error))
    requests = [_request(kind, agency, found) for agency, kind, found in _to_ask(context.instance, missed)[:_AT_ONCE]]
    return dg.SensorResult(run_requests=requests) if requests else dg.SkipReason("nothing was missed")


def _to_ask(instance: dg.DagsterInstance, missed: list[tuple[str, Kind, Due]]) -> list[tuple[str, Kind, Due]]:
    """Leave out what was asked for already, or is under way: the first ones, if they failed, must not hold up the others."""
    known = set(instance.get_dynamic_partitions("agency"))
    asked = asked_agencies(instance, _MISSED)
    kinds: set[Kind] = {kind for _, kind, _ in missed if kind != "benefitpoint"}
    busy = {
        (agency, kind)
        for kind in kinds
        for agency in agencies_under_way(
            instance, "ams_etl/agency", [agency for agency, other, _ in missed if other == kind], {TRIGGER_TAG: kind}
        )
    }
    return [
        (agency, kind, found)
        for agency, kind, found in missed
        if agency in known and (agency, kind) not in busy and _key(kind, agency, found) not in asked
    ]


def missed_work(connection: psycopg.Connection[Any], read: Agencies, now: datetime) -> Iterator[tuple[str, Kind, Due]]:
    """Store when each agency's work is due, and yield what its window passed without, the longest overdue first."""
    done: dict[tuple[str, str], datetime] = {
        (agency, kind): at for agency, kind, at in connection.execute(_LAST_DONE).fetchall()
    }
    found = [
        (agency, kind, due(window, agency, now, read.schedule.zone), done.get((agency, kind)))
        for agency, kind, window in _regular_work(read)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            """insert into ops.due_work as w (agency, kind, last_done_at, due_at, next_due_at) values (%s, %s, %s, %s, %s)
            on conflict (agency, kind) do update set last_done_at = excluded.last_done_at, due_at = excluded.due_at,
                next_due_at = excluded.next_due_at
            where (w.last_done_at, w.due_at) is distinct from (excluded.last_done_at, excluded.due_at)""",
            [(agency, kind, last, moment.at, moment.next_at) for agency, kind, moment, last in found],
        )
    for agency, kind, moment, last in sorted(found, key=lambda row: row[2].at):
        if last is not None and moment.was_missed(now, last):
            yield agency, kind, moment


def _regular_work(read: Agencies) -> Iterator[tuple[str, Kind, Window]]:
    schedule = read.schedule
    for agency in read.all:
        if agency.system == "ams360":
            yield agency.id, "weekly_resync", Window(schedule.from_hour, schedule.window_hours * 60, schedule.weekday)
            yield agency.id, "daily_sweep", Window(schedule.sweep_from_hour, SWEEP_MINUTES)
        if agency.benefitpoint is not None:
            yield agency.id, "benefitpoint", Window(BENEFITPOINT_FROM, BENEFITPOINT_MINUTES)


def _request(kind: Kind, agency: str, missed: Due) -> dg.RunRequest:
    """Ask once for each missed moment, with the reason in the run's tags."""
    key = _MISSED + _key(kind, agency, missed)
    reason = {"ams_etl/reason": f"was due at {missed.at:%Y-%m-%d %H:%M} UTC and not done in its window"}
    if kind == "benefitpoint":
        return dg.RunRequest(
            run_key=key, job_name=benefitpoint_job.name, partition_key=agency, tags={"ams_etl/agency": agency, **reason}
        )
    scope = {"trigger": kind, **({"sweep": True} if kind == "daily_sweep" else {})}
    asked = request(key, agency, scope)
    return dg.RunRequest(
        run_key=key,
        job_name=sync_job.name,
        partition_key=agency,
        run_config=asked.run_config,
        tags={**asked.tags, **reason},
    )


def _key(kind: Kind, agency: str, missed: Due) -> str:
    return f"{kind}:{agency}:{missed.at:%Y-%m-%dT%H:%M}"
