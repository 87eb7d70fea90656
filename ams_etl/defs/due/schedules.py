"""The schedules that open the windows of regular work: real crons, so that the timeline shows when the work begins.

Dagster reads a cron when it loads the code location: after a change of the `schedule` block, reload it. Meanwhile the work is
started by the block as it is now, since the sensor `start_due_work` reads it at every tick.
"""

import dagster as dg

from ams_etl.defs.due.regular_work import WORK, RegularWork, agency_work
from ams_etl.defs.due.windows import Interval, Window
from ams_etl.defs.jobs import reevaluation_job
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.defs.retention.jobs import retention_job
from ams_etl.errors import ConfigError
from ams_etl.settings import load_agencies
from ams_etl.settings.schedule import ScheduleSettings


def cron_of(window: Window | Interval) -> str:
    """Return the cron of the moment at which a window opens."""
    if isinstance(window, Interval):
        return f"*/{window.minutes} * * * *"
    # Cron counts the days of the week from Sunday, the settings from Monday.
    weekday = "*" if window.weekday is None else (window.weekday + 1) % 7
    return f"0 {window.from_hour} * * {weekday}"


def opening_schedule(work: RegularWork, settings: ScheduleSettings) -> dg.ScheduleDefinition:
    """Return the schedule that opens this work's window; what starts its runs is `start_due_work`."""
    cron = cron_of(work.window(settings))

    @dg.schedule(
        name=work.schedule,
        job_name=work.job,
        cron_schedule=cron,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=work.description,
    )
    def opens(context: dg.ScheduleEvaluationContext, warehouse: Warehouse, agencies: AgenciesFile) -> dg.SkipReason:
        read = agencies.read()
        with warehouse.connection() as connection:
            found = agency_work(connection, read, context.scheduled_execution_time)
        count = sum(row.work is work for row in found)
        said = f"the window is open for {count} agencies; the sensor start_due_work starts each at its own minute"
        moved = (cron, settings.timezone) != (cron_of(work.window(read.schedule)), read.schedule.timezone)
        return dg.SkipReason(said + ("; the `schedule` block has changed: reload this code location" if moved else ""))

    return opens


def daily(name: str, job: str, at: str, settings: ScheduleSettings, description: str) -> dg.ScheduleDefinition:
    """Return the schedule of a job that runs once a day for the whole installation.

    Args:
        name: of the schedule; with the day it is the key by which a day has one run.
        job: the name of what runs.
        at: minute and hour, as a cron has them.
        settings: for the time zone.
        description: what the UI says of it.
    """

    @dg.schedule(
        name=name,
        job_name=job,
        cron_schedule=f"{at} * * *",
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=description,
    )
    def new_day(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=f"{name}:{context.scheduled_execution_time:%Y-%m-%d}")

    return new_day


@dg.definitions
def schedules() -> dg.Definitions:
    """Every schedule whose hour the `schedule` block decides, by the file as it is when the code location loads."""
    try:
        settings = load_agencies().schedule
    except ConfigError:
        # Whatever is wrong with the file, every run and `ams-etl doctor` say so; the UI must load all the same.
        settings = ScheduleSettings()
    return dg.Definitions(
        schedules=[
            *(opening_schedule(work, settings) for work in WORK),
            # Policies that start or end, birthdays, prospects that grow too old. Where a follower lives it has done so
            # already, and the run finds nothing due for its agencies.
            daily(
                "daily_reevaluation", reevaluation_job.name, "15 0", settings,
                "Once a day, just after midnight in the schedule's time zone: what the new date changes by itself.",
            ),
            # After the sweeps of the evening and the re-evaluation at midnight.
            daily(
                "daily_retention", retention_job.name, "40 3", settings,
                "Once a day, at 3:40 in the schedule's time zone: delete what is old, and measure the database.",
            ),
        ]
    )  # fmt: skip
