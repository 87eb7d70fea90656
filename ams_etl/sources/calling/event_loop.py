"""The event loop that all calls of a run share."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
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
    started = threading.Event()

    async def watched() -> T:
        task = asyncio.ensure_future(work)
        cancelling.append((asyncio.get_running_loop(), task))
        started.set()
        return await task

    def in_thread() -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                result = runner.run(watched())
        except BaseException as error:  # noqa: BLE001 - handed to the caller, whatever it is
            ended.set_exception(error)
        else:
            ended.set_result(result)
        finally:
            started.set()

    thread = threading.Thread(target=in_thread, name="event loop", daemon=True)
    thread.start()
    try:
        return ended.result()
    except BaseException:
        if not ended.done():
            started.wait()
            for loop, task in cancelling:
                loop.call_soon_threadsafe(task.cancel)
        raise
    finally:
        thread.join()


def loop_factory() -> Any:
    """Return uvloop's, or None where it is not installed."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop
