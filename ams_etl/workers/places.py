"""Where what all hosts share is found."""

import os

from ams_etl.errors import ConfigError
from ams_etl.store.database import checked_url


def shared_database_url() -> str:
    """Return the Postgres that all hosts share; an embedded one would be each host's own, and empty.

    Raises:
        ConfigError: `AMS_ETL_DATABASE_URL` is not set, or is no Postgres URL.
    """
    given = os.environ.get("AMS_ETL_DATABASE_URL")
    if not given:
        raise ConfigError(
            "AMS_ETL_DATABASE_URL is not set: runs on several machines need the Postgres that all of them share"
        )
    return checked_url(given)
