"""The daily clean-up as a job, and when it runs."""

import dagster as dg

from ams_etl.defs.resources import AgenciesFile
from ams_etl.defs.retention.assets import SIZE_KEY

_HOUR = 3
"""After the sweeps of the evening and the re-evaluation at midnight."""

retention_job = dg.define_asset_job(
    "retention",
    selection=dg.AssetSelection.keys(["ops", "retention"], SIZE_KEY),
    description="Delete what is older than the `retention` block allows, then measure the database.",
    executor_def=dg.in_process_executor,
)


@dg.schedule(
    job=retention_job,
    cron_schedule="40 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Once a day, at 3:40 in the schedule's time zone: delete what is old, and measure the database.",
)
def daily_retention(context: dg.ScheduleEvaluationContext, agencies: AgenciesFile) -> dg.RunRequest | dg.SkipReason:
    """Ask for one run a day for all agencies."""
    now = context.scheduled_execution_time.astimezone(agencies.read().schedule.zone)
    if now.hour != _HOUR:
        return dg.SkipReason("not 3:40 yet")
    return dg.RunRequest(run_key=f"retention:{now.date()}")
