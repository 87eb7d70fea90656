"""How many calls at a time, and how many a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class Pace:
    """Lets at most `max_concurrency` calls be in flight, and begins at most `calls_per_second`.

    Args:
        max_concurrency: calls in flight.
        calls_per_second: calls begun, evenly spread; None for no limit.
    """

    def __init__(self, max_concurrency: int, calls_per_second: float | None = None) -> None:
        self._slots = asyncio.Semaphore(max_concurrency)
        self._interval = 1 / calls_per_second if calls_per_second else 0.0
        self._next_start = 0.0

    async def in_turn(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something when there is a turn for it; what it does one after the other needs no other turn."""
        await self._slots.acquire()
        try:
            return await work()
        finally:
            self._slots.release()

    async def start(self) -> None:
        """Wait until the next call may begin."""
        if not self._interval:
            return
        now = time.monotonic()
        start = max(now, self._next_start)
        self._next_start = start + self._interval
        if start > now:
            await asyncio.sleep(start - now)
