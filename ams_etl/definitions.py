"""The Dagster code location: everything under `ams_etl/defs/`."""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Load `defs/`, one folder a subject."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
