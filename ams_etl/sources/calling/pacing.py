"""How many calls at a time, and how many a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ams_etl.sources.calling.across_processes import CallSlots
from ams_etl.sources.calling.slot_keeper import SlotKeeper
from ams_etl.sources.calling.turns import Turns

T = TypeVar("T")


class Pace:
    """Lets at most `max_concurrency` calls be in flight, and begins at most `calls_per_second`.

    Args:
        max_concurrency: calls in flight.
        calls_per_second: calls begun, evenly spread; None for no limit.
        slots: this client's share of both, where other processes call for the same agency; None: it calls alone.
    """

    def __init__(
        self, max_concurrency: int, calls_per_second: float | None = None, slots: CallSlots | None = None
    ) -> None:
        self._most = max_concurrency
        self._turns = Turns(max_concurrency if slots is None else 0)
        self._keeper = None if slots is None else SlotKeeper(slots, self._turns, max_concurrency)
        self._interval = 1 / calls_per_second if calls_per_second else 0.0
        self._next_start = 0.0

    async def in_turn(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something when there is a turn for it; what it does one after the other needs no other turn.

        Raises:
            AmsEtlError: the database, where the processes share their turns, is away.
        """
        if self._keeper is not None:
            self._keeper.wake()
        await self._turns.take()
        try:
            return await work()
        finally:
            self._turns.give_back()

    async def start(self) -> None:
        """Wait until the next call may begin."""
        if not self._interval:
            return
        now = time.monotonic()
        start = max(now, self._next_start)
        # Half of the turns begin half of the calls.
        self._next_start = start + self._interval * self._most / max(1, self._turns.allowed)
        if start > now:
            await asyncio.sleep(start - now)

    async def close(self) -> None:
        """Leave the turns to other processes."""
        if self._keeper is not None:
            await self._keeper.close()
