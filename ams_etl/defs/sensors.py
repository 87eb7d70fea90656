"""What keeps the code location in step with agencies.yaml."""

import dagster as dg

from ams_etl.defs.partitions import agency_partitions
from ams_etl.defs.resources import AgenciesFile
from ams_etl.errors import ConfigError


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Adds a partition for every agency of agencies.yaml. None is ever removed: its history stays.",
)
def add_new_agencies(context: dg.SensorEvaluationContext, agencies: AgenciesFile) -> dg.SensorResult | dg.SkipReason:
    """Compare the file with the partitions there are."""
    try:
        listed = {agency.id for agency in agencies.read().all}
    except ConfigError as error:
        return dg.SkipReason(str(error))
    known = set(context.instance.get_dynamic_partitions("agency"))
    new = sorted(listed - known)
    if not new:
        return dg.SkipReason("every agency has its partition")
    return dg.SensorResult(dynamic_partitions_requests=[agency_partitions.build_add_request(new)])
