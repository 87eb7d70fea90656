"""When things run by themselves."""

from datetime import timedelta

import dagster as dg

from ams_etl.defs.jobs import benefitpoint_job, derive_job, sync_job
from ams_etl.defs.resources import AgenciesFile
from ams_etl.sync.spread import start_minute

_BENEFITPOINT_FROM = 4
"""The hour in which the daily window opens."""
_BENEFITPOINT_MINUTES = 240


@dg.schedule(
    job=sync_job,
    cron_schedule="*/10 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "A full resync of every agency once a week, inside the window of agencies.yaml, the agencies spread over it."
    ),
)
def weekly_full_resync(
    context: dg.ScheduleEvaluationContext, agencies: AgenciesFile
) -> list[dg.RunRequest] | dg.SkipReason:
    """Ask for the agencies whose minute of the week has come; a run key an ISO week and agency asks only once."""
    read = agencies.read()
    now = context.scheduled_execution_time.astimezone(read.schedule.zone)
    opened = (now - timedelta(days=(now.weekday() - read.schedule.weekday) % 7)).replace(
        hour=read.schedule.from_hour, minute=0, second=0, microsecond=0
    )
    minutes = (now - opened).total_seconds() / 60
    if not 0 <= minutes < read.schedule.window_hours * 60:
        return dg.SkipReason("outside the weekly window")
    due = [agency.id for agency in read.all if start_minute(agency.id, read.schedule.window_hours * 60) <= minutes]
    year, week, _ = opened.isocalendar()
    return [
        dg.RunRequest(run_key=f"full:{year}-{week:02}:{agency}", partition_key=agency, tags={"ams_etl/agency": agency})
        for agency in due
    ]


@dg.schedule(
    job=benefitpoint_job,
    cron_schedule="*/10 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Once a day, within four hours of four in the morning: what changed in BenefitPoint (B7).",
)
def daily_benefitpoint_sync(
    context: dg.ScheduleEvaluationContext, agencies: AgenciesFile
) -> list[dg.RunRequest] | dg.SkipReason:
    """Ask for the agencies that have a BenefitPoint and whose minute of the day has come; a day and agency once."""
    read = agencies.read()
    now = context.scheduled_execution_time.astimezone(read.schedule.zone)
    minutes = (now.hour - _BENEFITPOINT_FROM) * 60 + now.minute
    if not 0 <= minutes < _BENEFITPOINT_MINUTES:
        return dg.SkipReason("outside the daily window")
    return [
        dg.RunRequest(
            run_key=f"benefitpoint:{now.date()}:{agency.id}",
            partition_key=agency.id,
            tags={"ams_etl/agency": agency.id},
        )
        for agency in read.all
        if agency.benefitpoint is not None and start_minute(agency.id, _BENEFITPOINT_MINUTES) <= minutes
    ]


@dg.schedule(
    job=derive_job,
    cron_schedule="15 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Once a day, just after midnight in the schedule's time zone: what the new date changes by itself.",
)
def daily_reevaluation(
    context: dg.ScheduleEvaluationContext, agencies: AgenciesFile
) -> list[dg.RunRequest] | dg.SkipReason:
    """Policies that start or end today, birthdays that arrive, prospects that grow too old: no source change tells."""
    read = agencies.read()
    now = context.scheduled_execution_time.astimezone(read.schedule.zone)
    if now.hour != 0:
        return dg.SkipReason("not midnight yet")
    return [
        dg.RunRequest(
            run_key=f"day:{now.date()}:{agency.id}", partition_key=agency.id, tags={"ams_etl/agency": agency.id}
        )
        for agency in read.all
    ]
