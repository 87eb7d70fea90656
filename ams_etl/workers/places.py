"""What every host has to find: the Postgres that all share, and the agencies' secrets."""

import os

from ams_etl.errors import ConfigError
from ams_etl.settings import Agencies
from ams_etl.settings.file import shown_variable
from ams_etl.store.database import checked_url

_SYSTEMS = {"given_ams360", "given_hawksoft", "given_qq_catalyst", "given_mycase", "benefitpoint"}


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


def unset_secrets(agencies: Agencies) -> list[str]:
    """Return a sentence for each agency whose runs would fail on this host, since a secret of its system is not set here."""
    sentences = []
    for agency in agencies.all:
        blocks = agency.model_dump(include=_SYSTEMS, exclude_none=True).values()
        names = [str(value) for block in blocks for name, value in block.items() if name.endswith("_env")]
        unset = sorted({shown_variable(name) for name in names if not os.environ.get(name)})
        if unset:
            sentences.append(f"runs of {agency.id} would fail on this host: set {' and '.join(unset)}")
    return sentences
