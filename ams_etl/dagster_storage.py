"""Dagster's own tables in the Postgres that `AMS_ETL_DAGSTER_URL` names, as dagster.yaml asks for."""

import os
from typing import Any

from dagster import DagsterInvariantViolationError
from dagster_postgres import DagsterPostgresStorage

VARIABLE = "AMS_ETL_DAGSTER_URL"


class PostgresStorage(DagsterPostgresStorage):
    """Dagster's storage in Postgres, with an error that says what to do where the variable is not set."""

    @classmethod
    def config_type(cls) -> Any:
        """Return the configuration of Dagster's own class.

        Raises:
            DagsterInvariantViolationError: the variable is not set; Dagster's own error names it and nothing else.
        """
        if not os.environ.get(VARIABLE):
            raise DagsterInvariantViolationError(
                f"{VARIABLE} is not set, so Dagster cannot find the Postgres of its runs. In this shell, run first: "
                'eval "$(.venv/bin/ams-etl env)"   (or eval "$(ams-etl env)" where ams_etl is installed)'
            )
        return super().config_type()
