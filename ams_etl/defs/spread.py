"""How agencies are spread over a window, so that they do not all start at once."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

RUNS_A_TICK = 25
"""What one tick asks for at most: Dagster takes some 40 ms for each requested run, and so a tick stays below a second."""


def start_minute(agency: str, window_minutes: int) -> int:
    """The minute of the window in which this agency starts: always the same one, evenly spread by its id."""
    digest = hashlib.blake2b(agency.encode(), digest_size=8).digest()
    return int.from_bytes(digest) % max(1, window_minutes - 10)


def turns(agencies: Sequence[T], turn: int) -> list[T]:
    """Return the agencies, or rows about them, of this tick: at most `RUNS_A_TICK`, each tick beginning at another one."""
    if len(agencies) <= RUNS_A_TICK:
        return list(agencies)
    start = turn * RUNS_A_TICK % len(agencies)
    return [*agencies[start:], *agencies[:start]][:RUNS_A_TICK]
