"""What ends runs whose process is gone: a killed one looks started for ever, wherever it was started."""

import dagster as dg

from ams_etl.defs.resources import Warehouse
from ams_etl.errors import AmsEtlError


@dg.sensor(
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reports runs as failed whose process gave no sign of life for 45 seconds; they are started again once.",
)
def end_dead_runs(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SkipReason:
    """Compare the heartbeats with what Dagster takes for running.

    A failure that is reported without a failed step is a crash to Dagster's run retries: it starts the run again once.
    """
    from ams_etl.store.signs_of_life.run_heartbeats import forget_runs, silent_runs

    try:
        with warehouse.connection() as connection:
            silent = silent_runs(connection)
            dead = end(context.instance, silent)
            forget_runs(connection, silent)
    except AmsEtlError as error:
        return dg.SkipReason(str(error))
    return dg.SkipReason(f"dead: {', '.join(dead)}" if dead else "every run lives")


def end(instance: dg.DagsterInstance, silent: list[str]) -> list[str]:
    """Record the end of those of the silent runs that Dagster takes for running, and return them."""
    if not silent:
        return []
    dead = [run for run in instance.get_runs(dg.RunsFilter(run_ids=silent)) if not run.is_finished]
    for run in dead:
        if run.status is dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, "Its process was gone before it could stop by itself.")
        else:
            instance.report_run_failed(run, "Its process is gone: it gave no sign of life any more.")
    return [run.run_id for run in dead]
