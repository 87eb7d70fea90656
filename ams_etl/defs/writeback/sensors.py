"""What starts a delivery: something is due."""

import time

import dagster as dg

from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.defs.spread import turns
from ams_etl.defs.under_way import agencies_under_way
from ams_etl.defs.writeback.jobs import writeback_job
from ams_etl.errors import AmsEtlError

AGAIN_SECONDS = 600
"""What is due and stays the same (AMS360 could not be reached at all) is tried again that often."""


@dg.sensor(
    job=writeback_job,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a delivery for every agency in whose outbox something is due, one at a time for each.",
)
def deliver_writebacks(
    context: dg.SensorEvaluationContext, warehouse: Warehouse, agencies: AgenciesFile
) -> dg.SensorResult | dg.SkipReason:
    """Ask for what is due once, and again when it changes: that is the run key. While a follower lives it delivers."""
    from ams_etl.store.signs_of_life.followers import living
    from ams_etl.writeback.people.health import due_by_agency

    try:
        listed = [agency for agency in agencies.read().all if agency.system == "ams360"]
        with warehouse.connection() as connection:
            if living(connection):
                return dg.SkipReason("the follower delivers")
            due = dict(due_by_agency(connection, [agency.id for agency in listed]))
            beside = due_by_agency(
                connection, [agency.id for agency in listed if agency.benefitpoint is not None], "benefitpoint"
            )
    except AmsEtlError as error:
        return dg.SkipReason(str(error))
    for agency_id, what in beside.items():
        due[agency_id] = f"{due.get(agency_id, 0)}+{what}"
    waiting = sorted(set(due).intersection(context.instance.get_dynamic_partitions("agency")))
    busy = agencies_under_way(context.instance, "ams_etl/writeback", waiting)
    now = int(time.time())
    requests = [
        dg.RunRequest(
            run_key=f"writeback:{agency_id}:{due[agency_id]}:{now // AGAIN_SECONDS}",
            partition_key=agency_id,
            tags={"ams_etl/writeback": agency_id},
        )
        for agency_id in turns([agency for agency in waiting if agency not in busy], now // 30)
    ]
    return dg.SensorResult(run_requests=requests) if requests else dg.SkipReason("nothing is due")
