"""How many calls at a time, and how many a second."""

import asyncio
import time


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
        self.in_flight = 0
        self.peak_in_flight = 0

    async def begin(self) -> None:
        """Wait for a turn; `end` gives it back."""
        await self._slots.acquire()
        try:
            if self._interval:
                await self._wait_for_start()
        except BaseException:
            self._slots.release()
            raise
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)

    def end(self) -> None:
        """Give the turn to the next."""
        self.in_flight -= 1
        self._slots.release()

    async def _wait_for_start(self) -> None:
        now = time.monotonic()
        start = max(now, self._next_start)
        self._next_start = start + self._interval
        if start > now:
            await asyncio.sleep(start - now)
