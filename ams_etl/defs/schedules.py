"""When things run by themselves."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg

from ams_etl.defs.jobs import benefitpoint_job, freshness_job, reevaluation_job, sync_job
from ams_etl.defs.resources import AgenciesFile
from ams_etl.defs.spread import start_minute, turns
from ams_etl.defs.under_way import agencies_under_way, asked_agencies
from ams_etl.rules.settings import SourceSystem
from ams_etl.settings import Agencies, Agency
from ams_etl.sync.scope import DEPRECATED_LANES, Trigger

EVERY_FIVE_MINUTES = "*/5 * * * *"
BENEFITPOINT_FROM = 4
"""The hour in which the daily window opens."""
BENEFITPOINT_MINUTES = 240
SWEEP_MINUTES = 120
TRIGGER_TAG = "ams_etl/trigger"
_LANE_TAG = "ams_etl/lane"
"""Deprecated: runs still carry it, with the older words, for saved filters."""


@dg.schedule(
    job=sync_job,
    cron_schedule=EVERY_FIVE_MINUTES,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "A full resync of every agency once a week, inside the window of agencies.yaml, the agencies spread over it."
    ),
)
def weekly_full_resync(
    context: dg.ScheduleEvaluationContext, agencies: AgenciesFile
) -> list[dg.RunRequest] | dg.SkipReason:
    """Ask for the agencies whose minute of the week has come."""
    return full_resync(context, due_this_week(context, agencies.read(), "ams360"))


@dg.schedule(
    job=sync_job,
    cron_schedule=EVERY_FIVE_MINUTES,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Once a day the customer list of every agency with AMS360, and whoever is new, changed or gone in it: finds most "
        "unannounced changes, for a few calls."
    ),
)
def daily_sweep(context: dg.ScheduleEvaluationContext, agencies: AgenciesFile) -> list[dg.RunRequest] | dg.SkipReason:
    """Ask for the agencies whose minute of the day has come; its run key asks once per agency per day."""
    read = agencies.read()
    due = _due_today(context, read, read.schedule.sweep_from_hour, SWEEP_MINUTES)
    if due is None:
        return dg.SkipReason("outside the daily window")
    key = f"sweep:{due[0]}:"
    listed = [agency.id for agency in due[1] if agency.system == "ams360"]
    return [
        request(f"{key}{agency}", agency, {"sweep": True, "trigger": "daily_sweep"})
        for agency in next_agencies(context, listed, key, trigger_tags("daily_sweep"))
    ]


@dg.schedule(
    job=freshness_job,
    cron_schedule="5 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every hour, for all agencies at once: how fresh the mart is, and whether an agency's notifications stopped.",
)
def hourly_freshness(context: dg.ScheduleEvaluationContext, agencies: AgenciesFile) -> dg.RunRequest | dg.SkipReason:
    """Ask for one run; a run per agency would take longer than the hour when there are hundreds."""
    if not any(agency.notifications for agency in agencies.read().all):
        return dg.SkipReason("no agency has notifications")
    return dg.RunRequest(run_key=f"freshness:{context.scheduled_execution_time:%Y-%m-%dT%H}")


@dg.schedule(
    job=benefitpoint_job,
    cron_schedule=EVERY_FIVE_MINUTES,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Once a day, within four hours of four in the morning: what changed in BenefitPoint (B7).",
)
def daily_benefitpoint_sync(
    context: dg.ScheduleEvaluationContext, agencies: AgenciesFile
) -> list[dg.RunRequest] | dg.SkipReason:
    """Ask for the agencies that have a BenefitPoint and whose minute of the day has come, once per agency per day."""
    due = _due_today(context, agencies.read(), BENEFITPOINT_FROM, BENEFITPOINT_MINUTES)
    if due is None:
        return dg.SkipReason("outside the daily window")
    key = f"benefitpoint:{due[0]}:"
    listed = [agency.id for agency in due[1] if agency.benefitpoint is not None]
    return [
        dg.RunRequest(run_key=f"{key}{agency}", partition_key=agency, tags={"ams_etl/agency": agency})
        for agency in next_agencies(context, listed, key, {})
    ]


@dg.schedule(
    job=reevaluation_job,
    cron_schedule="15 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Once a day, just after midnight in the schedule's time zone: what the new date changes by itself.",
)
def daily_reevaluation(context: dg.ScheduleEvaluationContext, agencies: AgenciesFile) -> dg.RunRequest | dg.SkipReason:
    """Ask for one run for all agencies: policies that start or end today, birthdays, prospects that grow too old.

    Where a follower lives it has done so already, and the run finds nothing due for its agencies.
    """
    now = context.scheduled_execution_time.astimezone(agencies.read().schedule.zone)
    if now.hour != 0:
        return dg.SkipReason("not midnight yet")
    return dg.RunRequest(run_key=f"day:{now.date()}")


def _due_today(
    context: dg.ScheduleEvaluationContext, read: Agencies, from_hour: int, window: int
) -> tuple[date, list[Agency]] | None:
    """Return the day on which a window of so many minutes opened, and the agencies whose minute in it has come.

    None outside of the window; what had no turn in it is made up for later (`defs/due`).
    """
    now = context.scheduled_execution_time.astimezone(read.schedule.zone)
    opened = (now - timedelta(hours=(now.hour - from_hour) % 24)).replace(minute=0, second=0, microsecond=0)
    minutes = (now - opened).total_seconds() / 60
    if minutes >= window:
        return None
    return opened.date(), [agency for agency in read.all if start_minute(agency.id, window) <= minutes]


def due_this_week(
    context: dg.ScheduleEvaluationContext, read: Agencies, system: SourceSystem
) -> tuple[datetime, list[str]] | None:
    """Return when the weekly window opened, and the agencies of a system whose minute in it has come.

    None outside of the window; what had no turn in it is made up for later (`defs/due`).
    """
    now = context.scheduled_execution_time.astimezone(read.schedule.zone)
    opened = (now - timedelta(days=(now.weekday() - read.schedule.weekday) % 7)).replace(
        hour=read.schedule.from_hour, minute=0, second=0, microsecond=0
    )
    minutes, window = (now - opened).total_seconds() / 60, read.schedule.window_hours * 60
    if not 0 <= minutes < window:
        return None
    return opened, [
        agency.id for agency in read.all if agency.system == system and start_minute(agency.id, window) <= minutes
    ]


def full_resync(
    context: dg.ScheduleEvaluationContext, due: tuple[datetime, list[str]] | None
) -> list[dg.RunRequest] | dg.SkipReason:
    """A full sync for each; a run key an ISO week and agency asks only once."""
    if due is None:
        return dg.SkipReason("outside the weekly window")
    year, week, _ = due[0].isocalendar()
    key = f"full:{year}-{week:02}:"
    return [
        request(f"{key}{agency}", agency, {"trigger": "weekly_resync"})
        for agency in next_agencies(context, due[1], key, trigger_tags("weekly_resync"))
    ]


def next_agencies(
    context: dg.ScheduleEvaluationContext, due: Sequence[str], run_key: str, tags: Mapping[str, str]
) -> list[str]:
    """Return the agencies to ask for in this tick, by two queries for all: not asked for yet, without such a run under way.

    Args:
        context: of the tick.
        due: the agencies whose minute has come.
        run_key: the beginning of their run keys; the agency's id follows.
        tags: what the runs have in common that may still be under way, of an earlier window.
    """
    asked = asked_agencies(context.instance, run_key)
    waiting = [agency for agency in due if agency not in asked]
    busy = agencies_under_way(context.instance, "ams_etl/agency", waiting, tags)
    tick = int(context.scheduled_execution_time.timestamp()) // 300
    return turns([agency for agency in waiting if agency not in busy], tick)


def request(run_key: str, agency: str, scope: dict[str, Any]) -> dg.RunRequest:
    """A run of an agency with this `sync_scope`; its tags keep it from waiting in a process beside another one."""
    return dg.RunRequest(
        run_key=run_key,
        partition_key=agency,
        tags={"ams_etl/agency": agency, "ams_etl/full_read": agency, **trigger_tags(scope["trigger"])},
        run_config={"resources": {"sync_scope": {"config": scope}}},
    )


def trigger_tags(trigger: Trigger) -> dict[str, str]:
    """Return the run tags that say what started a run: `ams_etl/trigger`, and the deprecated `ams_etl/lane`."""
    older = {new: old for old, new in DEPRECATED_LANES.items()}
    return {TRIGGER_TAG: trigger, _LANE_TAG: older[trigger]}
