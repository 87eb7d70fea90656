"""What starts a run for the customers that notifications name."""

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import dagster as dg

from ams_etl.defs.jobs import notified_job
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.errors import AmsEtlError

if TYPE_CHECKING:
    from ams_etl.sync.notifications.batches import NotificationBatch

NEVER_STARTED = timedelta(seconds=90)
"""A batch without a run is given back after that: the tick that claimed it ended before the run was stored."""
WAIT_SECONDS = 4.0
"""A tick without work looks again for that long, since the next one comes only after the daemon's own pause."""
_TAG = "ams_etl/notifications"


@dg.sensor(
    job=notified_job,
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Takes the notifications that wait, one run for each agency at a time, and brings back those of failed runs.",
)
def follow_notifications(
    context: dg.SensorEvaluationContext, warehouse: Warehouse, agencies: AgenciesFile
) -> dg.SensorResult | dg.SkipReason:
    """Settle the batches whose run has ended, then claim what waits for every agency that has none under way."""
    from ams_etl.sync.notifications.batches import claim

    try:
        read = agencies.read()
        listed = [agency.id for agency in read.all if agency.system == "ams360" and agency.notifications]
        known = set(context.instance.get_dynamic_partitions("agency"))
        until = time.monotonic() + WAIT_SECONDS
        requests: list[dg.RunRequest] = []
        with warehouse.connection() as connection:
            free = [one for one in listed if one in known and not _under_way(context.instance, connection, one)]
            while free and not requests:
                for agency in free:
                    batch = claim(connection, agency)
                    if batch:
                        requests.append(_request(agency, batch))
                if requests or time.monotonic() > until:
                    break
                time.sleep(0.25)
    except AmsEtlError as error:
        return dg.SkipReason(str(error))
    return dg.SensorResult(run_requests=requests) if requests else dg.SkipReason("no notification waits")


def _request(agency: str, batch: "NotificationBatch") -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"notifications:{batch.batch_id}",
        partition_key=agency,
        # What failed comes back by itself, and fewer at a time.
        tags={"ams_etl/agency": agency, _TAG: str(batch.batch_id), "dagster/max_retries": "0"},
        run_config={
            "resources": {
                "sync_scope": {
                    "config": {
                        "customers": list(batch.customers),
                        "batch": str(batch.batch_id),
                        "reference": batch.reference,
                        "trigger": "notification",
                    }
                }
            }
        },
    )


def _under_way(instance: dg.DagsterInstance, connection: Any, agency: str) -> bool:
    """Close the agency's batches whose run has ended; whether one has not."""
    from ams_etl.sync.notifications.batches import close, open_batches

    waiting = False
    for batch in open_batches(connection, agency):
        ended = _ended(instance, batch.batch_id)
        if ended is not None:
            close(connection, agency, batch.batch_id, "done" if ended is dg.DagsterRunStatus.SUCCESS else "failed")
        elif not instance.get_runs(dg.RunsFilter(tags={_TAG: str(batch.batch_id)}), limit=1) and (
            datetime.now(UTC) - batch.claimed_at > NEVER_STARTED
        ):
            close(connection, agency, batch.batch_id, "never started")
        else:
            waiting = True
    return waiting


def _ended(instance: dg.DagsterInstance, batch_id: UUID) -> dg.DagsterRunStatus | None:
    """How the batch's last run ended; None while one is under way, or where there is none."""
    runs = instance.get_runs(dg.RunsFilter(tags={_TAG: str(batch_id)}))
    if not runs or not all(run.is_finished for run in runs):
        return None
    return runs[0].status
