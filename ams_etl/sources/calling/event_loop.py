"""The event loop that all calls of a run share."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and return its result, on uvloop where it is installed.

    The loop has a thread of its own and the caller waits: an interrupt (Ctrl-C, SIGTERM, a run's termination) is raised in
    the caller and cancels the coroutine, which closes its connections, before the caller goes on. Raised inside the loop it
    would be one callback's error, and the loop would go on without noticing it.
    """
    ended: Future[T] = Future()
    cancelling: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []
    interrupted = threading.Event()

    async def watched() -> T:
        task = asyncio.ensure_future(work)
        # The task is listed before the event is read, and the caller sets the event before it reads the list: whichever
        # comes first, one of the two cancels.
        cancelling.append((asyncio.get_running_loop(), task))
        if interrupted.is_set():
            task.cancel()
        return await task

    def in_thread() -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                result = runner.run(watched())
        except BaseException as error:  # noqa: BLE001 - handed to the caller, whatever it is
            ended.set_exception(error)
        else:
            ended.set_result(result)

    thread = threading.Thread(target=in_thread, name="event loop", daemon=True)
    try:
        # The interrupt may come while `start` still waits for the thread, which may already be working.
        thread.start()
        return ended.result()
    except BaseException:
        interrupted.set()
        for loop, task in cancelling:
            # A loop that has closed meanwhile has nothing left to cancel.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)
        raise
    finally:
        # A thread that was interrupted before its first step cannot be joined, and its work is cancelled before its own.
        with suppress(RuntimeError):
            thread.join()


def loop_factory() -> Any:
    """Return uvloop's, or None where it is not installed."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop
