"""How our errors become Dagster's: what another try cannot change must not be tried again."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import dagster as dg
import psycopg

from ams_etl.errors import AmsEtlError, TransientError
from ams_etl.store.database_errors import understood
from ams_etl.store.lease import LeaseHeld

T = TypeVar("T")
_log = logging.getLogger(__name__)
WAITS_SECONDS = (30.0, 60.0)
"""Before the second and the third try."""


@contextmanager
def permanent() -> Iterator[None]:
    """Turn every error but `TransientError` into a failure that the step's retry policy leaves alone.

    Postgres's own errors lose the row that they quote: Dagster keeps a failure's text, and that of its cause, for good.
    """
    try:
        yield
    except LeaseHeld as error:
        # It has waited already, and its message names the holder.
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except TransientError:
        raise
    except AmsEtlError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except psycopg.Error as error:
        found = understood(error)
        if isinstance(found, TransientError):
            raise found from None
        raise dg.Failure(description=str(found), allow_retries=False) from None


def with_tries(work: Callable[[], T]) -> T:
    """Return what `work` returns, tried again after a `TransientError`.

    Dagster's own `RetryPolicy` would also try again what was interrupted, so a step that is terminated would start once more.
    """
    for wait in WAITS_SECONDS:
        try:
            return work()
        except LeaseHeld:
            raise
        except TransientError as error:
            seconds = random.uniform(wait / 2, wait * 3 / 2)  # noqa: S311
            _log.warning("%s; trying again in %.0f s", error, seconds)
            time.sleep(seconds)
    return work()
