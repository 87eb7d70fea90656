"""Keeps a client's turns within what all processes together may have in flight."""

import asyncio
import time
from contextlib import suppress

from ams_etl.errors import AmsEtlError, TransientError
from ams_etl.sources.calling.across_processes import CallSlots
from ams_etl.sources.calling.turns import Turns

BEAT_SECONDS = 0.5
"""How long another client waits at most until this one knows of it, while calls go on without asking anybody."""
_SOON_SECONDS = 0.1
IDLE_SECONDS = 5.0
"""A client that has not called for that long returns its share, and asks for one before its next call."""


class SlotKeeper:
    """Asks for a share at the first call, renews it, and returns it when nothing is called any more.

    Args:
        slots: the share.
        turns: follow it.
        most: the limit of all clients together.
    """

    def __init__(self, slots: CallSlots, turns: Turns, most: int) -> None:
        self._slots, self._turns, self._most = slots, turns, most
        self._keeping: asyncio.Task[None] | None = None
        self._good_until = 0.0

    def wake(self) -> None:
        """Begin to keep a share, unless that goes on; called before each turn."""
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.get_running_loop().create_task(self._keep())
            self._keeping.add_done_callback(self._ended)

    async def close(self) -> None:
        """Give the share back; nothing is called any more."""
        if self._keeping is None:
            return
        self._keeping.cancel()
        with suppress(asyncio.CancelledError):
            await self._keeping
        await self._release()

    async def _keep(self) -> None:
        busy_at = time.monotonic()
        while True:
            wanted = self._turns.peak_demand()
            await self._renew(wanted)
            if wanted:
                busy_at = time.monotonic()
            elif time.monotonic() - busy_at > IDLE_SECONDS:
                # First nobody is let in, then the share is another one's.
                self._turns.allow(0)
                await self._release()
                if not self._turns.demand:
                    return
                continue
            await asyncio.sleep(self._pause())

    def _ended(self, keeping: asyncio.Task[None]) -> None:
        # An error of our own must not leave callers that wait for ever.
        if not keeping.cancelled() and (error := keeping.exception()) is not None:
            self._turns.refuse(
                TransientError(f"the calls of other processes cannot be counted ({type(error).__name__})")
            )

    def _pause(self) -> float:
        """Others wait for what is still in flight here, or this one for the others: then soon."""
        turns = self._turns
        return _SOON_SECONDS if turns.in_flight > turns.allowed or turns.demand > turns.allowed == 0 else BEAT_SECONDS

    async def _renew(self, wanted: int) -> None:
        asked_at = time.monotonic()
        held = max(self._turns.allowed, self._turns.in_flight)
        try:
            allowed = await asyncio.to_thread(self._slots.share, self._most, held, wanted)
        except AmsEtlError as error:
            # The share lasts for a while, so that a database which starts again stops nobody.
            if asked_at > self._good_until:
                self._turns.refuse(error)
            return
        self._good_until = asked_at + self._slots.expires_seconds
        self._turns.allow(allowed)

    async def _release(self) -> None:
        self._good_until = 0.0
        # Where the database is away the share expires by itself.
        with suppress(AmsEtlError):
            await asyncio.to_thread(self._slots.release)
