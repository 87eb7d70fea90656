"""What starts a run for the customers that notifications name."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from ams_etl.defs.jobs import notified_job
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.defs.spread import turns
from ams_etl.errors import AmsEtlError

if TYPE_CHECKING:
    from ams_etl.sync.notifications.batches import NotificationBatch

NEVER_STARTED = timedelta(seconds=90)
"""A batch without a run is given back after that: the tick that claimed it ended before the run was stored."""
WAIT_SECONDS = 4.0
"""A tick without work looks again for that long, since the next one comes only after the daemon's own pause."""
FOLLOWED_SECONDS = 15.0
"""So long a tick waits while a follower lives, looking whether it still does and leaves something to a run."""
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
    """Close the batches whose run has ended, then claim what waits for every agency that has none under way.

    While a follower lives it claims by itself, and this sensor serves only the agencies that it leaves to runs.
    """
    from ams_etl.store.signs_of_life.followers import handed_over, living
    from ams_etl.sync.notifications.batches import claim, waiting_agencies

    try:
        known = set(context.instance.get_dynamic_partitions("agency"))
        listed = [
            agency.id for agency in agencies.read().all
            if agency.system == "ams360" and agency.notifications and agency.id in known
        ]  # fmt: skip
        began = time.monotonic()
        requests: list[dg.RunRequest] = []
        with warehouse.connection() as connection:
            busy = _close_ended(context.instance, connection, listed)
            free = [agency for agency in listed if agency not in busy]
            while free:
                followed = bool(living(connection))
                mine = [agency for agency in free if not followed or agency in handed_over(connection)]
                waiting = turns(waiting_agencies(connection, mine), int(time.time())) if mine else []
                batches = ((agency, claim(connection, agency)) for agency in waiting)
                requests = [_request(agency, batch) for agency, batch in batches if batch]
                if requests or time.monotonic() - began > (FOLLOWED_SECONDS if followed else WAIT_SECONDS):
                    break
                time.sleep(2.0 if followed else 0.25)
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


def _close_ended(instance: dg.DagsterInstance, connection: Any, agencies: Sequence[str]) -> set[str]:
    """Close the batches whose run has ended, and return the agencies with one that has not."""
    from ams_etl.store.signs_of_life.followers import take_back
    from ams_etl.sync.notifications.batches import close, open_batches

    busy = set()
    opened = open_batches(connection, agencies)
    runs = _runs_by_batch(instance, [str(batch.batch_id) for batch in opened])
    for batch in opened:
        # The newest run comes first; a batch is tried by one run at a time.
        tried = runs.get(str(batch.batch_id), [])
        if tried and all(run.is_finished for run in tried):
            succeeded = tried[0].status is dg.DagsterRunStatus.SUCCESS
            close(connection, batch.agency, batch.batch_id, "done" if succeeded else "failed")
            if succeeded:
                take_back(connection, batch.agency)
        elif not tried and datetime.now(UTC) - batch.claimed_at > NEVER_STARTED:
            close(connection, batch.agency, batch.batch_id, "never started")
        else:
            busy.add(batch.agency)
    return busy


def _runs_by_batch(instance: dg.DagsterInstance, batches: list[str]) -> dict[str, list[dg.DagsterRun]]:
    found: dict[str, list[dg.DagsterRun]] = {}
    # An empty list would ask for every run that ever served a batch.
    for run in instance.get_runs(dg.RunsFilter(tags={_TAG: batches})) if batches else []:
        found.setdefault(run.tags[_TAG], []).append(run)
    return found
