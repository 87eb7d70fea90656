"""When a read is tried again, and after how long."""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import TypeVar

from ams_etl.errors import AmsEtlError, TransientError

T = TypeVar("T")


class BusyError(TransientError):
    """The server cannot answer now.

    Attributes:
        after: the seconds it asked us to wait, or None.
        maybe_carried_out: False where the status says that the request was turned away.
    """

    def __init__(self, message: str, after: float | None = None, *, maybe_carried_out: bool = True) -> None:
        super().__init__(message)
        self.after, self.maybe_carried_out = after, maybe_carried_out


class PassingFault(TransientError):
    """The server answered that a request failed; it is tried again a few times before the answer is believed.

    Attributes:
        final: what is raised when every try failed.
    """

    def __init__(self, final: AmsEtlError) -> None:
        super().__init__(str(final))
        self.final = final


class NoAnswerError(TransientError):
    """Every try that a call may have has failed: whoever called it must not try at once again."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with full jitter, bounded in tries and in length; `fault_tries` is for a `PassingFault`."""

    tries: int = 6
    fault_tries: int = 3
    first_seconds: float = 0.25
    longest_seconds: float = 20.0

    def delay(self, failed: int, asked: float | None) -> float:
        """Seconds to wait after so many failed tries; what the server asked for counts, up to the longest delay."""
        ceiling = min(self.longest_seconds, self.first_seconds * 2 ** (failed - 1))
        jittered = random.uniform(ceiling / 10, ceiling)  # noqa: S311
        return jittered if asked is None else min(asked, self.longest_seconds) + jittered / 10


async def retried(call: Callable[[], Awaitable[T]], policy: RetryPolicy, name: str, note: Callable[[], None]) -> T:
    """Return what `call` returns, tried again while it raises `TransientError`.

    Args:
        call: one try; only for what may be done twice.
        policy: how often, and after how long.
        name: for the message.
        note: called before each new try.

    Raises:
        AmsEtlError: a `PassingFault`'s `final`.
        NoAnswerError: with the last try's message and how many tries there were. One that `call` itself raises, such as
            a login's inside of it, passes as it is.
    """
    failed = 0
    while True:
        try:
            return await call()
        except PassingFault as fault:
            failed += 1
            if failed >= policy.fault_tries:
                raise fault.final from None
            note()
            await asyncio.sleep(policy.delay(failed, None))
        except NoAnswerError:
            raise
        except TransientError as error:
            failed += 1
            if failed >= policy.tries:
                raise NoAnswerError(f"{name}: {error} ({failed} tries); try again later") from None
            note()
            await asyncio.sleep(policy.delay(failed, getattr(error, "after", None)))


def seconds_to_wait(retry_after: str | None) -> float | None:
    """A Retry-After header's meaning: seconds, or a date."""
    if not retry_after:
        return None
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", retry_after):
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time())
    except ValueError:
        return None
