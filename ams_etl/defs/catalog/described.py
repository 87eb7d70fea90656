"""Every asset with its columns, the place of its code, its owners, and of the mart how old it may be."""

import warnings
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import dagster as dg
from dagster import BetaWarning

from ams_etl.defs.catalog.columns import column_schema
from ams_etl.defs.ownership import OWNERS
from ams_etl.errors import AmsEtlError
from ams_etl.settings import load_agencies

_POLICY = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=8), warn_window=timedelta(days=2))
"""Some agency is synced every day, and each once a week. Dagster asks for the asset as a whole; the check
`every_agency_was_synced` asks for each agency."""
_NOT_IN_EVERY_SYNC = ("mart.accounts", "mart.policies")
"""Only agencies with AMS360 have them."""


def described(definitions: dg.Definitions) -> dg.Definitions:
    """Return the definitions, each asset with `dagster/column_schema` and `dagster/code_references`."""
    owners = _owners()
    assets = [_with_description(asset, partial(_described, owners=owners)) for asset in definitions.assets or ()]
    with warnings.catch_warnings():
        # Code references are beta in Dagster 1.13.
        warnings.simplefilter("ignore", BetaWarning)
        located = dg.with_source_code_references(assets)
    return dg.Definitions(
        assets=located,
        asset_checks=definitions.asset_checks,
        jobs=definitions.jobs,
        schedules=definitions.schedules,
        sensors=definitions.sensors,
        resources=definitions.resources,
    )


def table_of(spec: dg.AssetSpec) -> str | None:
    """Return the name of an asset's table."""
    table = spec.metadata.get("dagster/table_name")
    return None if table is None else str(getattr(table, "value", table))


def _owners() -> list[str]:
    """Return the owners that agencies.yaml names; while it cannot be read, those of ams_etl itself."""
    try:
        return list(load_agencies().owners)
    except AmsEtlError:
        return OWNERS


def _with_description(asset: Any, described_spec: Callable[[dg.AssetSpec], dg.AssetSpec]) -> Any:
    """Return an asset with its specs described; one that only sensors report is a spec itself."""
    if isinstance(asset, dg.AssetSpec):
        return described_spec(asset)
    return asset.map_asset_specs(described_spec) if isinstance(asset, dg.AssetsDefinition) else asset


def _described(spec: dg.AssetSpec, owners: list[str]) -> dg.AssetSpec:
    table = table_of(spec)
    schema = column_schema(table) if table else None
    spec = spec.replace_attributes(owners=owners)
    if table is not None and table.startswith("mart.") and table not in _NOT_IN_EVERY_SYNC:
        spec = spec.replace_attributes(freshness_policy=_POLICY)
    return spec if schema is None else spec.merge_attributes(metadata={"dagster/column_schema": schema})
