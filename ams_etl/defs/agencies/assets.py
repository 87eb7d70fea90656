"""The agencies as an asset: a line each, and those that left agencies.yaml as inactive."""

import warnings
from collections.abc import Collection, Sequence

import dagster as dg
from dagster import BetaWarning

from ams_etl.defs.metadata import table_of
from ams_etl.defs.ownership import OWNERS
from ams_etl.settings import Agency
from ams_etl.settings.systems import SYSTEM_NAMES

AGENCIES_KEY = dg.AssetKey(["ops", "agencies"])


def about_agencies(
    listed: Sequence[Agency], with_data: Collection[str], unusable: Collection[str] = ()
) -> dict[str, dg.MetadataValue]:
    """Return the metadata of the asset: counts, and a table with a line per agency.

    Args:
        listed: the agencies of the file, which are active.
        with_data: agencies that have data in Postgres; those that are not listed are inactive.
        unusable: agencies whose entry has mistakes.
    """
    active = {agency.id for agency in listed}
    inactive = sorted(set(with_data) - active - set(unusable))
    lines = [
        (agency.id, agency.name, SYSTEM_NAMES[agency.system], "yes" if agency.benefitpoint else "no", "active")
        for agency in listed
    ]
    lines += [
        (agency, "", "", "", f"left out: its entry has mistakes, which `ams-etl doctor {agency}` lists")
        for agency in sorted(unusable)
    ]
    lines += [(agency, "", "", "", "inactive: not in agencies.yaml, its data is kept") for agency in inactive]
    return {
        "dagster/row_count": dg.MetadataValue.int(len(lines)),
        "active": dg.MetadataValue.int(len(listed)),
        "inactive": dg.MetadataValue.int(len(inactive)),
        "agencies": table_of(("agency", "name", "system", "BenefitPoint", "state"), lines),
    }


@dg.definitions
def agencies_asset() -> dg.Definitions:
    """Define the asset; a sensor reports it, without a run, when the file changes."""
    return dg.Definitions(
        assets=[
            dg.AssetSpec(
                AGENCIES_KEY,
                description="The agencies of agencies.yaml with their system, and those that left it as inactive.",
                group_name="operations",
                kinds={"yaml"},
                owners=OWNERS,
                metadata={"dagster/code_references": _place()},
            )
        ]
    )


def _place() -> dg.CodeReferencesMetadataValue:
    """Return where the asset's rows are made; Dagster finds that by itself only for assets with a step."""
    line = about_agencies.__code__.co_firstlineno
    with warnings.catch_warnings():
        # Code references are beta in Dagster 1.13.
        warnings.simplefilter("ignore", BetaWarning)
        return dg.CodeReferencesMetadataValue(
            code_references=[dg.LocalFileCodeReference(file_path=__file__, line_number=line)]
        )
