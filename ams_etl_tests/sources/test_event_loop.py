"""An interrupt ends the calls at once, wherever it is raised."""

import asyncio
import os
import signal
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from ams_etl.sources.calling.event_loop import run


class InterruptedLikeDagster(BaseException):
    """What Dagster raises from its signal handler: neither an Exception nor a KeyboardInterrupt."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, InterruptedLikeDagster])
def test_an_interrupt_ends_all_calls(error: type[BaseException]) -> None:
    """Each is cancelled and has closed what it held before the caller sees the interrupt."""
    in_flight: set[int] = set()

    async def call(number: int) -> None:
        in_flight.add(number)
        try:
            while True:
                await asyncio.sleep(0.001)
        finally:
            await asyncio.sleep(0.01)
            in_flight.discard(number)

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(call(number))
            while len(in_flight) < 20:
                await asyncio.sleep(0.001)
            os.kill(os.getpid(), signal.SIGUSR1)

    def interrupt(*_: object) -> None:
        assert len(in_flight) == 20
        raise error

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(error):
            run(work())
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not in_flight
    assert not [thread for thread in threading.enumerate() if thread.name == "event loop"]


def test_results_and_errors_pass() -> None:
    """The loop's thread is not to be seen."""

    async def returning() -> int:
        return 42

    async def failing() -> None:
        raise ValueError("as it was")

    async def cancelled() -> None:
        raise asyncio.CancelledError

    assert run(returning()) == 42
    failures: list[tuple[Coroutine[Any, Any, None], type[BaseException]]] = [
        (failing(), ValueError), (cancelled(), asyncio.CancelledError),
    ]  # fmt: skip
    for work, error in failures:
        with pytest.raises(error):
            run(work)
