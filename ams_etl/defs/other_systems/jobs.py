"""What reads, plans and publishes an agency that has one of these systems."""

from typing import Any

import dagster as dg

from ams_etl.defs.jobs import CONTACTS, STAGED
from ams_etl.defs.other_systems.records import RECORDS
from ams_etl.rules.settings import SourceSystem
from ams_etl.settings.systems import SYSTEM_NAMES


def _jobs_of(system: SourceSystem) -> tuple[Any, Any]:
    # Dagster does not export the type of a job of assets.
    extracted = dg.AssetSelection.key_prefixes(f"raw_{system}")
    title = SYSTEM_NAMES[system]
    return (
        dg.define_asset_job(
            f"{system}_sync",
            selection=extracted | STAGED | CONTACTS,
            description=f"Read {title} (all, what changed, or some customers), derive what changed, publish the difference.",
            executor_def=dg.in_process_executor,
        ),
        dg.define_asset_job(
            f"{system}_sync_plan",
            selection=extracted | STAGED,
            description=f"Read {title} and show what would change in the mart, without changing it.",
            executor_def=dg.in_process_executor,
        ),
    )


JOBS = {system: _jobs_of(system) for system in RECORDS}


@dg.definitions
def other_systems() -> dg.Definitions:
    """Jobs of the three, alike but for the system."""
    return dg.Definitions(jobs=[job for jobs in JOBS.values() for job in jobs])
