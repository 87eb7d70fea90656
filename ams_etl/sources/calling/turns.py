"""Turns to call: a semaphore whose size changes while it is used."""

import asyncio
from collections import deque
from contextlib import suppress

from ams_etl.errors import AmsEtlError


class Turns:
    """Lets at most `allowed` callers in, first come, first served; used inside one event loop.

    Args:
        allowed: how many at first.
    """

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._refusal: AmsEtlError | None = None
        self._peak = 0

    @property
    def demand(self) -> int:
        """How many callers are in or waiting."""
        return self.in_flight + len(self._waiting)

    def peak_demand(self) -> int:
        """Return the highest demand since this was asked last."""
        peak, self._peak = max(self._peak, self.demand), self.demand
        return peak

    async def take(self) -> None:
        """Wait for a turn.

        Raises:
            AmsEtlError: there are none, for the reason given to `refuse`.
        """
        if self._refusal is not None:
            raise self._refusal
        if self.in_flight < self.allowed and not self._waiting:
            self.in_flight += 1
            self._peak = max(self._peak, self.in_flight)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._peak = max(self._peak, self.demand)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                # Whoever gave a turn back in between has dropped it already.
                with suppress(ValueError):
                    self._waiting.remove(turn)
            elif turn.exception() is None:
                # Its turn came in the same moment as the cancellation.
                self.give_back()
            raise

    def give_back(self) -> None:
        """End a turn."""
        self.in_flight -= 1
        self._let_in()

    def allow(self, allowed: int) -> None:
        """Change the size; who is in stays in."""
        self.allowed, self._refusal = allowed, None
        self._let_in()

    def refuse(self, reason: AmsEtlError) -> None:
        """Let nobody in, and tell those that wait why."""
        self.allowed, self._refusal = 0, reason
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(reason)

    def _let_in(self) -> None:
        while self._waiting and self.in_flight < self.allowed:
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)
