"""Refuse a wrong configuration of `sync_scope` when a run is launched, before the run exists.

Dagster checks the types while a person types; this checks what a type cannot say. Whether a customer is known is asked first
thing in the run, since only Postgres knows.
"""

from typing import Any

import dagster as dg

from ams_etl.defs.resources import SyncScopeConfig
from ams_etl.errors import ConfigError
from ams_etl.sync.identity import is_uuid
from ams_etl.sync.interpret.customers_meant import check_form


def checked_sync_scope() -> dg.ResourceDefinition:
    """Return the resource `sync_scope`, whose configuration is checked when a run is launched."""
    resource = SyncScopeConfig.configure_at_launch().get_resource_definition()
    return dg.configured(resource, config_schema=resource.config_schema.as_field())(_checked)


def _checked(config: Any) -> dict[str, Any]:
    for customer in config.get("customers") or ():
        check_form("sync_scope.customers", customer)
    for key in ("apply_plan", "batch"):
        if config.get(key) and not is_uuid(config[key]):
            raise ConfigError(
                f"sync_scope.{key}: {config[key]!r}: expected an id such as 00000000-0000-0000-0000-000000000000"
                + (" (`ams-etl plan AGENCY` prints the plan's)" if key == "apply_plan" else "")
            )
    return dict(config)
