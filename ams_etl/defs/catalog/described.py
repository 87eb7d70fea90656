"""Every asset with its columns and the place of its code."""

import warnings
from typing import Any

import dagster as dg
from dagster import BetaWarning

from ams_etl.defs.catalog.columns import column_schema


def described(definitions: dg.Definitions) -> dg.Definitions:
    """Return the definitions, each asset with `dagster/column_schema` and `dagster/code_references`."""
    assets: list[Any] = [
        asset.map_asset_specs(_with_columns) if isinstance(asset, dg.AssetsDefinition) else asset
        for asset in definitions.assets or ()
    ]
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


def _with_columns(spec: dg.AssetSpec) -> dg.AssetSpec:
    table = table_of(spec)
    schema = column_schema(table) if table else None
    return spec if schema is None else spec.merge_attributes(metadata={"dagster/column_schema": schema})
