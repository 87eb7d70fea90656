"""The writeback job: one process, since a step's start costs more than most deliveries."""

import dagster as dg

writeback_job = dg.define_asset_job(
    "writeback",
    selection=dg.AssetSelection.assets(["ops", "writebacks"], ["ops", "writeback_health"]),
    description="Deliver what waits in the outbox of one agency: notes, activities, suspenses, customers, policy shells.",
    executor_def=dg.in_process_executor,
)
