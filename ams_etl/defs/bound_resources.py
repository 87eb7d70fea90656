"""The one `@dg.definitions` function that binds the resources: Dagster takes nothing else from its module."""

import dagster as dg

from ams_etl.defs.launchpad import checked_sync_scope
from ams_etl.defs.resources import AgenciesFile, Warehouse


@dg.definitions
def resources() -> dg.Definitions:
    """Bind every resource under the name that assets ask for it by."""
    return dg.Definitions(
        resources={
            "warehouse": Warehouse(),
            "agencies": AgenciesFile(),
            "sync_scope": checked_sync_scope(),
        }
    )
