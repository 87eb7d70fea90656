"""What reports the follower's work to the catalog: few events, since each costs a kilobyte and nothing deletes them soon."""

import dagster as dg

from ams_etl.defs.resources import Warehouse
from ams_etl.errors import AmsEtlError

EVERY_MINUTES = 30
KEPT_DAYS = 7
_ASSETS = {
    "notifications": (dg.AssetKey(["raw_ams360", "customers"]), dg.AssetKey(["mart", "contacts"])),
    "refresh": (dg.AssetKey(["raw_ams360", "customers"]), dg.AssetKey(["mart", "contacts"])),
    "new_day": (dg.AssetKey(["mart", "contacts"]),),
    "writeback": (dg.AssetKey(["ops", "writebacks"]),),
}
_UNREPORTED = """
with due as (
    select distinct agency, kind from ops.follower_batches where not reported
        and (urgent or at < clock_timestamp() - make_interval(mins => %s))),
reported as (
    update ops.follower_batches b set reported = true from due
    where not b.reported and (b.agency, b.kind) = (due.agency, due.kind) returning b.*)
select agency, kind, count(*), sum(customers), sum(changes), max(lag_seconds),
    percentile_cont(0.5) within group (order by lag_seconds), count(error), (array_agg(error order by at desc) filter
        (where error is not null))[1]
from reported group by agency, kind"""


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Records on the assets what the follower published and delivered: at most once in 30 minutes per agency, at "
    "once where somebody waits for it or it failed.",
)
def report_followed(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult | dg.SkipReason:
    """Sum up the follower's batches since the last report, without a run."""
    del context
    try:
        with warehouse.connection() as connection:
            rows = connection.execute(_UNREPORTED, (EVERY_MINUTES,)).fetchall()
            connection.execute(
                "delete from ops.follower_batches where at < clock_timestamp() - make_interval(days => %s)",
                (KEPT_DAYS,),
            )
            connection.execute(
                "delete from ops.refresh_requests where requested_at < clock_timestamp() - make_interval(days => %s)",
                (KEPT_DAYS,),
            )
    except AmsEtlError as error:
        return dg.SkipReason(str(error))
    events: list[dg.AssetMaterialization | dg.AssetObservation] = []
    for agency, kind, batches, customers, changes, slowest, median, failures, last_failure in rows:
        about = {
            "by": f"the follower ({kind})", "batches": batches, "customers": int(customers), "changes": int(changes),
            "lag_p50_seconds": round(median, 2), "lag_max_seconds": round(slowest, 2), "failures": failures,
            **({"last_failure": last_failure} if last_failure else {}),
        }  # fmt: skip
        # What only failed is no new data.
        kind_of_event = dg.AssetObservation if failures == batches else dg.AssetMaterialization
        events += [kind_of_event(asset_key=key, partition=agency, metadata=about) for key in _ASSETS[kind]]
    return dg.SensorResult(asset_events=events) if events else dg.SkipReason("nothing to report")
