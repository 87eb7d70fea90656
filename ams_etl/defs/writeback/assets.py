"""The outbox as an asset: a materialization delivers what is due; and its health."""

import dagster as dg

from ams_etl.defs.agencies.applicable import about_nothing, inapplicable
from ams_etl.defs.failures import permanent
from ams_etl.defs.metadata import table_of
from ams_etl.defs.ownership import OWNERS
from ams_etl.defs.partitions import agency_of, agency_partitions
from ams_etl.defs.pictures import columns
from ams_etl.defs.progress import run_log_progress
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.errors import TransientError

HEALTH_KEY = dg.AssetKey(["ops", "writeback_health"])


# No retry policy: the outbox knows what may be tried again, and the sensor starts a new run for it.
@dg.asset(
    key=["ops", "writebacks"],
    group_name="writeback",
    kinds={"soap", "postgres"},
    owners=OWNERS,
    partitions_def=agency_partitions,
    metadata={"dagster/table_name": "ops.writebacks"},
)
def writebacks(
    context: dg.AssetExecutionContext, warehouse: Warehouse, agencies: AgenciesFile
) -> dg.MaterializeResult[None]:
    """Turn platform events into writes to AMS360 (rules W) and BenefitPoint (B7); deliver each once, a customer's in order."""
    from ams_etl.writeback.drain.ams360 import drain
    from ams_etl.writeback.drain.benefitpoint import drain_benefitpoint

    agency = agency_of(context)
    read = agencies.read()
    if reason := inapplicable(read.get(agency), "ops.writebacks"):
        return dg.MaterializeResult(metadata=about_nothing(reason))
    with (
        permanent(),
        warehouse.connection() as connection,
        warehouse.lease(agency, "writeback", context.run_id) as lease,
    ):
        found, beside = read.get(agency), None
        try:
            report = drain(
                connection,
                found,
                agencies.ams360(agency),
                read.schedule.chosen_zone,
                lease=lease,
                progress=run_log_progress(),
            )
        except Exception:
            # An AMS360 that cannot be reached holds up nothing that goes to BenefitPoint. What is interrupted begins nothing.
            if found.benefitpoint is not None:
                drain_benefitpoint(connection, found, agencies.benefitpoint(agency), lease=lease)
            raise
        if found.benefitpoint is not None:
            beside = drain_benefitpoint(connection, found, agencies.benefitpoint(agency), lease=lease)
        if report.delivery.stopped_by:
            raise TransientError(f"{report.delivery.stopped_by}; what was not sent waits in the outbox")
        if beside is not None and beside.stopped_by:
            raise TransientError(f"BenefitPoint: {beside.stopped_by}; what was not sent waits in the outbox")
    events, counts = report.events, report.delivery.counts
    return dg.MaterializeResult(
        metadata={
            "events_planned": events.planned,
            "events_without_writes": events.done,
            "events_waiting": events.waiting,
            "events_refused": events.refused,
            "writes_planned": events.writes,
            "delivered": counts["delivered"],
            **({f"benefitpoint_{outcome}": count for outcome, count in beside.counts.items()} if beside else {}),
            "failed": counts["failed"],
            "uncertain": counts["uncertain"],
            "retries": counts["put_off"],
            "taken_over": report.delivery.recovered,
            "by_kind": table_of(
                ("kind", "outcome", "writes"),
                [(kind, outcome, count) for (kind, outcome), count in sorted(report.delivery.by_kind.items())],
            ),
            "calls_by_operation": table_of(("operation", "calls"), report.calls.items()),
        }
    )


@dg.asset(
    key=HEALTH_KEY,
    group_name="writeback",
    kinds={"postgres"},
    owners=OWNERS,
    partitions_def=agency_partitions,
    deps=[writebacks],
    metadata={"dagster/table_name": "ops.writeback_health"},
)
def writeback_health(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult[None]:
    """Writes by kind, status and age, and the last 24 hours as a picture."""
    from ams_etl.writeback.people.health import health, open_writes_by_age

    agency = agency_of(context)
    with warehouse.connection() as connection:
        found = health(connection, agency)
        ages = open_writes_by_age(connection, agency)
    states: dict[str, int] = {}
    for count in found.counts:
        states[count.status] = states.get(count.status, 0) + count.writes
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(count.writes for count in found.counts),
            "oldest_open_minutes": found.oldest_open_minutes,
            "uncertain": found.uncertain,
            "failed_share_of_24_hours": round(found.failed_share, 4),
            "writes": table_of(("system", "kind", "status", "writes", "oldest, minutes"), found.counts),
            "events": table_of(("state", "events"), found.events),
            **columns("picture", "Writes by state", list(states), list(states.values()), "writes"),
            **columns("ages", "Open writes by age: up to …", [age for age, _ in ages], [n for _, n in ages], "writes"),
            **columns(
                "last_24_hours",
                "Delivered in each of the last 24 hours (UTC)",
                [f"{hour.hour:%H}" for hour in found.hours],
                [hour.delivered for hour in found.hours],
                "writes",
            ),
        }
    )
