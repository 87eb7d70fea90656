"""Which assets have nothing to do with an agency, because its records come from another system.

All assets share one partition set, since Dagster refuses a job over assets of different sets. So that a partition bar is full
when everything is read, and a backfill of all agencies ends green, an asset that has nothing to do with an agency is
materialized for it at once, and says why.
"""

from collections.abc import Iterable, Iterator

import dagster as dg

from ams_etl.defs.catalog.columns import COLUMNS
from ams_etl.settings import Agency
from ams_etl.settings.systems import SYSTEM_NAMES

_AMS360_ALONE = ("mart.accounts", "mart.policies", "ops.account_links", "ops.writebacks", "ops.writeback_health")
REASON = "not_this_agencys_system"
"""The metadata entry that says why."""


def inapplicable(agency: Agency, table: str) -> str | None:
    """Return why an agency never has rows in a table, as a sentence; None where it may have."""
    schema = table.partition(".")[0]
    if schema == "raw_benefitpoint":
        return None if agency.benefitpoint else f"{agency.id} has no BenefitPoint"
    needed = "ams360" if table in _AMS360_ALONE else schema.removeprefix("raw_") if schema.startswith("raw_") else None
    if needed in {None, agency.system}:
        return None
    return f"the records of {agency.id} come from {SYSTEM_NAMES[agency.system]}"


def inapplicable_tables(agency: Agency) -> dict[str, str]:
    """Return the tables of assets that have nothing to do with an agency, each with the reason."""
    return {table: reason for table in COLUMNS if (reason := inapplicable(agency, table)) is not None}


def nothing_to_read(
    context: dg.AssetExecutionContext, tables: Iterable[str], reason: str
) -> Iterator[dg.MaterializeResult[None]]:
    """Yield a materialization for each table that says why there is nothing to read."""
    context.log.info("nothing to read: %s", reason)
    for table in tables:
        yield dg.MaterializeResult(asset_key=dg.AssetKey(table.split(".")), metadata=about_nothing(reason))


def about_nothing(reason: str) -> dict[str, dg.MetadataValue]:
    """Return the metadata of a materialization that has nothing to do with its agency."""
    return {"dagster/row_count": dg.MetadataValue.int(0), REASON: dg.MetadataValue.text(reason)}
