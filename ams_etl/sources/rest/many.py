"""Many calls side by side, with a bounded number of them waiting."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
_END = object()


async def each(items: Iterable[T], read: Callable[[T], Awaitable[R]], at_once: int) -> AsyncIterator[R]:
    """Yield what `read` returns for every item, as it arrives; all stop when one fails.

    Args:
        items: drawn only as there is a place for them.
        read: one call.
        at_once: how many are under way at most.
    """
    waiting = iter(items)
    running: set[asyncio.Future[R]] = set()
    try:
        while True:
            while len(running) < at_once:
                item = next(waiting, _END)
                if item is _END:
                    break
                running.add(asyncio.ensure_future(read(item)))  # type: ignore[arg-type]
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
