"""What keeps the code location in step with agencies.yaml."""

import hashlib
import json
from collections.abc import Mapping

import dagster as dg

from ams_etl.defs.agencies.applicable import about_nothing, inapplicable_tables
from ams_etl.defs.agencies.assets import AGENCIES_KEY, about_agencies
from ams_etl.defs.partitions import agency_partitions
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.defs.under_way import is_under_way
from ams_etl.errors import AmsEtlError, ConfigError
from ams_etl.settings import Agency
from ams_etl.store.agency_db import column

AGENCIES_A_TICK = 25
"""Each needs some twenty events of 20 ms, and a tick has 60 s."""


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Adds a partition for every agency of agencies.yaml, and removes those of agencies that left it once nothing runs for "
        "them; their data and history stay, and so does their line in ops/agencies."
    ),
)
def follow_agencies_file(
    context: dg.SensorEvaluationContext, agencies: AgenciesFile
) -> dg.SensorResult | dg.SkipReason:
    """Compare the file with the partitions there are."""
    try:
        read = agencies.read()
    except ConfigError as error:
        return dg.SkipReason(str(error))
    listed = {agency.id for agency in read.all}
    known = set(context.instance.get_dynamic_partitions("agency"))
    new = sorted(listed - known)
    # A run whose partition key is gone would lose its work.
    left = sorted(
        agency
        for agency in known - listed - read.unusable.keys()
        if not is_under_way(context.instance, {"dagster/partition": agency})
    )
    requests: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
    if new:
        requests.append(agency_partitions.build_add_request(new))
    if left:
        requests.append(agency_partitions.build_delete_request(left))
    if not requests:
        return dg.SkipReason("every agency of the file has its partition, and no other has one")
    return dg.SensorResult(dynamic_partitions_requests=requests)


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Keeps ops/agencies, and marks for each agency the assets of systems that it does not have, so that a partition bar "
        "is full when everything is read."
    ),
)
def describe_agencies(
    context: dg.SensorEvaluationContext, agencies: AgenciesFile, warehouse: Warehouse
) -> dg.SensorResult | dg.SkipReason:
    """Report, without a run, what follows from agencies.yaml alone; the cursor holds what was reported."""
    try:
        read = agencies.read()
        listed = read.all
        with warehouse.connection() as connection:
            rows = column(connection, "select agency from stage.engine order by agency")
    except AmsEtlError as error:
        return dg.SkipReason(str(error))
    known = set(context.instance.get_dynamic_partitions("agency"))
    reported: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
    due = _due([agency for agency in listed if agency.id in known], reported)
    for agency in due[:AGENCIES_A_TICK]:
        for table, reason in inapplicable_tables(agency).items():
            context.instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    dg.AssetKey(table.split(".")), partition=agency.id, metadata=about_nothing(reason)
                )
            )
        reported[agency.id] = _systems(agency)
    state = {agency.id: reported[agency.id] for agency in listed if agency.id in reported}
    listing = json.dumps(
        [[agency.id, agency.name, _systems(agency)] for agency in listed] + [rows, sorted(read.unusable)]
    )
    digest = _digest(listing)
    if reported.get("") != digest:
        context.instance.report_runless_asset_event(
            dg.AssetMaterialization(AGENCIES_KEY, metadata=about_agencies(listed, rows, read.unusable))
        )
    return dg.SensorResult(
        cursor=json.dumps({**state, "": digest}),
        skip_reason=dg.SkipReason(f"{len(due[:AGENCIES_A_TICK])} agencies marked, {len(due[AGENCIES_A_TICK:])} to go"),
    )


def _due(listed: list[Agency], reported: Mapping[str, str]) -> list[Agency]:
    return [agency for agency in listed if reported.get(agency.id) != _systems(agency)]


def _systems(agency: Agency) -> str:
    return f"{agency.system}+benefitpoint" if agency.benefitpoint else agency.system


def _digest(text: str) -> str:
    """Return a digest that is the same in every process."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
