"""What reads, plans and publishes an agency that has one of these systems, and when."""

from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from ams_etl.defs.jobs import CONTACTS, STAGED
from ams_etl.defs.other_systems.records import RECORDS, TITLES
from ams_etl.defs.resources import AgenciesFile
from ams_etl.defs.schedules import EVERY_FIVE_MINUTES, due_this_week, full_resync, request, trigger_tags
from ams_etl.defs.spread import start_minute, turns
from ams_etl.defs.under_way import agencies_under_way, asked_agencies
from ams_etl.rules.settings import SourceSystem

_EVERY_MINUTES = 30


def _jobs_of(system: SourceSystem) -> tuple[Any, Any]:
    # Dagster does not export the type of a job of assets.
    extracted = dg.AssetSelection.key_prefixes(f"raw_{system}")
    title = TITLES[system]
    return (
        dg.define_asset_job(
            f"{system}_sync",
            selection=extracted | STAGED | CONTACTS,
            description=f"Read {title} (all, what changed, or some customers), derive what changed, publish the difference.",
            executor_def=dg.in_process_executor,
        ),
        dg.define_asset_job(
            f"{system}_sync_plan",
            selection=extracted | STAGED,
            description=f"Read {title} and show what would change in the mart, without changing it.",
            executor_def=dg.in_process_executor,
        ),
    )


def _schedules_of(system: SourceSystem, job: Any) -> tuple[dg.ScheduleDefinition, dg.ScheduleDefinition]:
    @dg.schedule(
        name=f"{system}_changes",
        job=job,
        cron_schedule=EVERY_FIVE_MINUTES,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Every half hour what {TITLES[system]} says has changed, the agencies spread over it.",
    )
    def changes(context: dg.ScheduleEvaluationContext, agencies: AgenciesFile) -> list[dg.RunRequest]:
        now = context.scheduled_execution_time
        listed = [agency.id for agency in agencies.read().all if agency.system == system]
        busy = agencies_under_way(context.instance, "ams_etl/agency", listed, trigger_tags("daily_sweep"))
        keys = {agency: _key(agency, now) for agency in listed if agency not in busy}
        halves = {key.removesuffix(agency) for agency, key in keys.items()}
        asked = {f"{half}{agency}" for half in halves for agency in asked_agencies(context.instance, half)}
        waiting = [agency for agency, key in keys.items() if key not in asked]
        return [
            request(keys[agency], agency, {"sweep": True, "trigger": "daily_sweep"})
            for agency in turns(waiting, int(now.timestamp()) // 300)
        ]

    @dg.schedule(
        name=f"{system}_weekly_full_resync",
        job=job,
        cron_schedule=EVERY_FIVE_MINUTES,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Everything of every agency with {TITLES[system]} once a week, inside the window of agencies.yaml.",
    )
    def weekly(context: dg.ScheduleEvaluationContext, agencies: AgenciesFile) -> list[dg.RunRequest] | dg.SkipReason:
        return full_resync(context, due_this_week(context, agencies.read(), system))

    return changes, weekly


def _key(agency: str, now: datetime) -> str:
    """Return the run key of the half hour that has begun for this agency, counted from its own minute."""
    begun = now - timedelta(minutes=start_minute(agency, _EVERY_MINUTES))
    half_hour = begun.replace(minute=begun.minute // _EVERY_MINUTES * _EVERY_MINUTES)
    return f"changes:{half_hour:%Y-%m-%dT%H:%M}:{agency}"


_JOBS = {system: _jobs_of(system) for system in RECORDS}


@dg.definitions
def other_systems() -> dg.Definitions:
    """Jobs and schedules of the three, alike but for the system."""
    return dg.Definitions(
        jobs=[job for jobs in _JOBS.values() for job in jobs],
        schedules=[schedule for system, (job, _) in _JOBS.items() for schedule in _schedules_of(system, job)],
    )
