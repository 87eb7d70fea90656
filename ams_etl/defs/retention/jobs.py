"""The daily clean-up as a job."""

import dagster as dg

from ams_etl.defs.retention.assets import SIZE_KEY

retention_job = dg.define_asset_job(
    "retention",
    selection=dg.AssetSelection.keys(["ops", "retention"], SIZE_KEY),
    description="Delete what is older than the `retention` block allows, then measure the database.",
    executor_def=dg.in_process_executor,
)
