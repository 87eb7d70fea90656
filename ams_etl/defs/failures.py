"""How our errors become Dagster's: what another try cannot change must not be tried again."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import psycopg

from ams_etl.errors import AmsEtlError, TransientError
from ams_etl.store.database_errors import understood


@contextmanager
def permanent() -> Iterator[None]:
    """Turn every error but `TransientError` into a failure that the step's retry policy leaves alone.

    Postgres's own errors lose the row that they quote: Dagster keeps a failure's text, and that of its cause, for good.
    """
    try:
        yield
    except TransientError:
        raise
    except AmsEtlError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except psycopg.Error as error:
        found = understood(error)
        if isinstance(found, TransientError):
            raise found from None
        raise dg.Failure(description=str(found), allow_retries=False) from None
