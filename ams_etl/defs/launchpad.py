"""Show people the keys of `sync_scope` that are theirs, and refuse a wrong configuration before the run exists.

Dagster checks the types while a person types; this checks what a type cannot say. Whether a customer is known is asked first
thing in the run, since only Postgres knows.
"""

from collections.abc import Mapping
from typing import Any, cast

import dagster as dg

from ams_etl.defs.resources import SyncScopeConfig
from ams_etl.errors import ConfigError
from ams_etl.sync.identity import is_uuid
from ams_etl.sync.interpret.customers_meant import check_form

SHOWN = ("customers", "fresh", "sweep", "reference", "apply_plan")
"""Keys of `sync_scope` that people set; sensors, schedules and older run configurations set the others."""


def checked_sync_scope() -> dg.ResourceDefinition:
    """Return the resource `sync_scope`, whose configuration is checked when a run is launched.

    The Launchpad shows the keys that people set. Those that only code sets are taken as well, so that a run may be executed again
    with its own configuration; any other key is refused with the configuration of the resource itself, which knows all of them.
    """
    resource = SyncScopeConfig.configure_at_launch().get_resource_definition()
    keys: Mapping[str, dg.Field] = cast("Any", resource.config_schema.as_field().config_type).fields
    people_set: Any = dg.Permissive({name: keys[name] for name in SHOWN})  # type: ignore[no-untyped-call]
    schema = dg.Field(people_set, description=resource.description)
    return dg.configured(resource, config_schema=schema)(_checked)


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
