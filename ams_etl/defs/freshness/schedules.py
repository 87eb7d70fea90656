"""When freshness is measured."""

import dagster as dg

from ams_etl.defs.jobs import freshness_job
from ams_etl.defs.resources import AgenciesFile


@dg.schedule(
    job=freshness_job,
    cron_schedule="5 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every hour, for all agencies at once: whether the mart is fresh and notifications come.",
)
def hourly_freshness(context: dg.ScheduleEvaluationContext, agencies: AgenciesFile) -> dg.RunRequest | dg.SkipReason:
    """Ask for one run; a run per agency would take longer than the hour when there are hundreds."""
    if not agencies.read().all:
        return dg.SkipReason("agencies.yaml has no agency")
    return dg.RunRequest(run_key=f"freshness:{context.scheduled_execution_time:%Y-%m-%dT%H}")
