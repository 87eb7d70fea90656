"""The Dagster code location: everything under `ams_etl/defs/`."""

from pathlib import Path

import dagster as dg

import ams_etl.defs
from ams_etl.defs.catalog.described import described


@dg.definitions
def defs() -> dg.Definitions:
    """Load `defs/`, one folder a subject.

    The project's root is named here, since an installed wheel has no pyproject.toml for Dagster to find it by.
    """
    return described(dg.load_defs(ams_etl.defs, project_root=Path(__file__).parents[1]))
