"""How our errors become Dagster's: what another try cannot change must not be tried again."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from ams_etl.errors import AmsEtlError, TransientError


@contextmanager
def permanent() -> Iterator[None]:
    """Turn every error but `TransientError` into a failure that the step's retry policy leaves alone."""
    try:
        yield
    except TransientError:
        raise
    except AmsEtlError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
