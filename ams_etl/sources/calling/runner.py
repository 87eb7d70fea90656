"""How synchronous code runs its calls: each time in a new event loop, or in one that stays."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from ams_etl.sources.calling.event_loop import loop_factory

T = TypeVar("T")


class Runner(Protocol):
    """Runs a coroutine to its end and returns its result."""

    def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it."""


class LastingLoop:
    """One event loop in a thread of its own, so that connections and tickets outlive a batch; used by many threads."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop = (loop_factory() or asyncio.new_event_loop)()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lasting loop", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end; what interrupts the caller cancels it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def cancel(self) -> None:
        """Cancel what runs now; the loop stays."""
        self._loop.call_soon_threadsafe(self._cancel_all)

    def close(self) -> None:
        """Cancel what still runs, and end the thread."""
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join(timeout=5)

    def _cancel_all(self) -> bool:
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        return bool(tasks)

    def _end(self) -> None:
        self._loop.call_later(0.5 if self._cancel_all() else 0, self._loop.stop)
