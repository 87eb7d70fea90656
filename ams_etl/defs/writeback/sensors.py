"""What starts a delivery: something is due."""

import time

import dagster as dg

from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.defs.under_way import is_under_way
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
    """The run key is what is due: it is asked for once, and again when that changes."""
    from ams_etl.writeback.people.health import what_is_due

    try:
        listed = [agency for agency in agencies.read().all if agency.system == "ams360"]
        with warehouse.connection() as connection:
            due = {agency.id: what_is_due(connection, agency.id) for agency in listed}
            for agency in listed:
                beside = what_is_due(connection, agency.id, "benefitpoint") if agency.benefitpoint else None
                if beside is not None:
                    due[agency.id] = f"{due[agency.id] or 0}+{beside}"
    except AmsEtlError as error:
        return dg.SkipReason(str(error))
    known = set(context.instance.get_dynamic_partitions("agency"))
    requests = [
        dg.RunRequest(
            run_key=f"writeback:{agency_id}:{what}:{int(time.time()) // AGAIN_SECONDS}",
            partition_key=agency_id,
            tags={"ams_etl/writeback": agency_id},
        )
        for agency_id, what in due.items()
        if what is not None
        and agency_id in known
        and not is_under_way(context.instance, {"ams_etl/writeback": agency_id})
    ]
    return dg.SensorResult(run_requests=requests) if requests else dg.SkipReason("nothing is due")
