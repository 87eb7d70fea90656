"""Group commit: what arrives while a commit is under way goes together into the next one.

So one item waits for nobody, and a thousand cost a few commits. Each is answered after the commit that holds it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ams_etl.errors import TransientError

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Waiting(Generic[Item, Answer]):
    item: Item
    answered: "asyncio.Future[Answer]"


class GroupCommit(Generic[Item, Answer]):
    """Collects items for coroutines of one event loop, and commits a group of them at a time.

    Args:
        commit: makes a group durable, and returns each item's answer in their order, an exception where one of them failed.
            What it raises is the answer of all.
        most: items in a group.
    """

    def __init__(
        self, commit: Callable[[list[Item]], Awaitable[Sequence[Answer | Exception]]], most: int = 500
    ) -> None:
        self._commit, self._most = commit, most
        self._waiting: list[_Waiting[Item, Answer]] = []
        self._wake = asyncio.Event()
        self._closing = False

    async def submit(self, item: Item) -> Answer:
        """Return the item's answer once its group is committed.

        Raises:
            TransientError: no more is taken, because `close` was called.
            Exception: what the commit answered with.
        """
        if self._closing:
            raise TransientError("the process is stopping")
        waiting = _Waiting(item, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._wake.set()
        answer: Answer = await waiting.answered
        return answer

    async def run(self) -> None:
        """Commit until `close`; what waits then is committed first."""
        while self._waiting or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                # Whoever has given up waiting was not answered, and need not be committed.
                group = [waiting for waiting in group if not waiting.answered.done()]
                if group:
                    await self._answer(group)

    def close(self) -> None:
        """Take no more, and let `run` end."""
        self._closing = True
        self._wake.set()

    async def _answer(self, group: list[_Waiting[Item, Answer]]) -> None:
        answers: Sequence[Answer | Exception]
        try:
            answers = await self._commit([waiting.item for waiting in group])
        except Exception as error:  # noqa: BLE001 - whoever waits must be answered, whatever it is
            answers = [error] * len(group)
        for waiting, answer in zip(group, answers, strict=True):
            if waiting.answered.done():
                continue
            if isinstance(answer, Exception):
                waiting.answered.set_exception(answer)
            else:
                waiting.answered.set_result(answer)
