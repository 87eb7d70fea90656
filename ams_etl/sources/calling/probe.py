"""Whether what a sync asks is allowed: one cheap question of each kind, and the clocks compared."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ams_etl.errors import AmsEtlError, LoginRefused, TransientError

_CLOCK_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether one operation works for this login."""

    operation: str
    ok: bool
    message: str
    was_away: bool = False
    """Whether the system could not be reached, so that the answer is not known."""
    blames_login: bool = True
    """Whether a failure is the login's: its secret or its rights."""


async def probed(operation: str, question: Awaitable[Any]) -> Probe:
    """Return the outcome of one question.

    Raises:
        LoginRefused: no other question would be answered either; every other error is the outcome.
    """
    try:
        await question
    except LoginRefused:
        raise
    except AmsEtlError as error:
        return failed(operation, error)
    return Probe(operation, True, "allowed")


def failed(operation: str, error: AmsEtlError) -> Probe:
    """Return the outcome of a question that an error answered."""
    was_away = isinstance(error, TransientError)
    return Probe(operation, False, str(error), was_away=was_away, blames_login=not was_away)


def compare_clocks(told: str | None) -> Probe:
    """Our clock beside the Date of an answer; changes are asked for by the clock."""
    if told is None:
        return Probe("clock", True, "the server does not tell its time")
    off = (datetime.now(UTC) - parsedate_to_datetime(told)).total_seconds()
    return Probe("clock", abs(off) < _CLOCK_SECONDS, f"our clock is {off:+.0f} s from the server's", blames_login=False)
