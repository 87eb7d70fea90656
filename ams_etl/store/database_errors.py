"""What Postgres refused, as one of our errors: what happened and what to do, without the row that it happened to.

Postgres adds the failing row to many errors (DETAIL, CONTEXT), and quotes the value that it could not read: personal
data, which must reach neither a terminal nor Dagster's event log.
"""

import psycopg
from psycopg import errors

from ams_etl.errors import AmsEtlError, ConfigError, PermanentError, TransientError
from ams_etl.scrubbing import scrubbed

_DATA_EXCEPTION = "22"


def understood(error: psycopg.Error) -> AmsEtlError:
    """Return the error to raise instead, `from None`: a ConfigError, TransientError or PermanentError."""
    said = _without_values(error)
    match error:
        case errors.DiskFull():
            return ConfigError(f"Postgres: the disk is full ({said}); free space, then run the same command again")
        case errors.InsufficientPrivilege():
            return ConfigError(
                f"Postgres: the role of AMS_ETL_DATABASE_URL may not do this ({said}); as the database's owner: "
                "grant create, connect, temporary on database NAME to ROLE"
            )
        case errors.ReadOnlySqlTransaction():
            return ConfigError(
                f"Postgres: the server takes no writes ({said}); point AMS_ETL_DATABASE_URL at the primary"
            )
        case errors.ConfigurationLimitExceeded() | errors.TooManyConnections() | errors.OutOfMemory():
            return TransientError(f"Postgres: {said}; try again later, or raise the server's limit")
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return TransientError(f"Postgres: the connection was lost ({said}); try again")
        case _:
            return PermanentError(f"Postgres: {said} [{error.sqlstate or type(error).__name__}]")


def _without_values(error: psycopg.Error) -> str:
    """The first line of what the server said; of an unreadable value only what it should have been."""
    primary = error.diag.message_primary
    if primary is None:
        return type(error).__name__
    if (error.sqlstate or "").startswith(_DATA_EXCEPTION):
        primary = primary.partition(":")[0].partition('"')[0].strip()
    return scrubbed(primary)
