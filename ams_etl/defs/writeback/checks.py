"""Checks on the outbox, for people: nothing waits too long, nothing is undecided, little fails."""

from collections.abc import Iterator

import dagster as dg

from ams_etl.defs.metadata import next_step, sample_of
from ams_etl.defs.partitions import agency_of, agency_partitions
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.defs.writeback.assets import HEALTH_KEY


@dg.multi_asset_check(
    name="writeback_checks",
    specs=[
        dg.AssetCheckSpec(
            "no_write_waits_too_long",
            asset=HEALTH_KEY,
            description="No open write is older than `writeback.max_wait_minutes`.",
            partitions_def=agency_partitions,
        ),
        dg.AssetCheckSpec(
            "no_write_is_uncertain",
            asset=HEALTH_KEY,
            description="W9: no write waits for a person to look into AMS360 or BenefitPoint.",
            partitions_def=agency_partitions,
        ),
        dg.AssetCheckSpec(
            "few_writes_fail",
            asset=HEALTH_KEY,
            description="Of the last 24 hours' writes, no more failed than `writeback.max_failed_share`.",
            partitions_def=agency_partitions,
        ),
    ],
)
def writeback_checks(
    context: dg.AssetCheckExecutionContext, warehouse: Warehouse, agencies: AgenciesFile
) -> Iterator[dg.AssetCheckResult]:
    """Judge one agency's outbox by its own limits."""
    from ams_etl.writeback.people.health import health
    from ams_etl.writeback.people.stuck_writes import list_writebacks

    agency = agency_of(context)
    limits = agencies.agency(agency).writeback
    with warehouse.connection() as connection:
        found = health(connection, agency)
        uncertain, failed = (
            [str(write.writeback_id) for write in list_writebacks(connection, agency, [status], limit=20)]
            for status in ("uncertain", "failed")
        )
    yield from [
        _result(
            "no_write_waits_too_long",
            found.oldest_open_minutes <= limits.max_wait_minutes,
            f"ams-etl writeback list {agency} shows what is stuck, ams-etl doctor {agency} whether system and follower answer; "
            f"ams-etl writeback {agency} delivers now",
            oldest_open_minutes=found.oldest_open_minutes,
        ),
        _result(
            "no_write_is_uncertain",
            found.uncertain == 0,
            f"look into AMS360 or BenefitPoint, then: ams-etl writeback resolve {agency} ID --delivered | --again",
            uncertain=found.uncertain,
            sample_ids=sample_of(uncertain, f"ams-etl writeback list {agency}"),
        ),
        _result(
            "few_writes_fail",
            found.failed_share <= limits.max_failed_share,
            f"ams-etl writeback list {agency}; once the cause is gone: ams-etl writeback replay {agency}",
            failed_share=round(found.failed_share, 4),
            sample_ids=sample_of(failed, f"ams-etl writeback list {agency}"),
        ),
    ]


def _result(
    name: str, passed: bool, what_to_do: str, **metadata: str | int | float | dg.MetadataValue
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=passed,
        check_name=name,
        asset_key=HEALTH_KEY,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={**metadata, **next_step(what_to_do, passed=passed)},
    )
