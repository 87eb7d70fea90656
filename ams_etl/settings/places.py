"""Where state and the agencies file live: the two environment variables that say so."""

import os
from pathlib import Path


def home() -> Path:
    """`AMS_ETL_HOME`: where the embedded Postgres, Dagster's home, caches and logs live (default `~/.ams-etl`)."""
    return Path(os.environ.get("AMS_ETL_HOME") or Path.home() / ".ams-etl").expanduser().resolve()


def agencies_path() -> Path:
    """`AMS_ETL_CONFIG`: the agencies file (default `$AMS_ETL_HOME/agencies.yaml`)."""
    given = os.environ.get("AMS_ETL_CONFIG")
    return Path(given).expanduser().resolve() if given else home() / "agencies.yaml"
