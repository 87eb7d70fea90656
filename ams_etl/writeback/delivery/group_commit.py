"""The outbox behind one connection and one thread, for many writers at once.

What is asked for while a commit is under way goes together into the next one, so that the price of durability is paid
by a group and not by a row.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

import psycopg

from ams_etl.writeback.outbox.outbox import Claimed, Outbox, Settlement

T = TypeVar("T")
_Asked = tuple[Callable[[Outbox], Any], "asyncio.Future[Any]"]


class GroupCommit:
    """An outbox for coroutines; an async context manager inside one event loop.

    Args:
        outbox: nobody else may use it meanwhile.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._begins: list[tuple[UUID, asyncio.Future[bool]]] = []
        self._settlements: list[tuple[Settlement, asyncio.Future[None]]] = []
        self._asked: list[_Asked] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="group-commit")

    async def __aenter__(self) -> Self:
        """Begin to work."""
        self._work = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what was asked for."""
        self._closing = True
        self._wake.set()
        await self._work
        self._thread.shutdown()

    async def begin(self, writeback_id: UUID) -> bool:
        """Make durable that a write is about to be sent; False: it is no longer ours."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._begins.append((writeback_id, answer))
        self._wake.set()
        return await answer

    async def settle(self, settlement: Settlement) -> None:
        """Make an outcome durable."""
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._settlements.append((settlement, answer))
        self._wake.set()
        await answer

    async def claim(self, limit: int) -> list[Claimed]:
        """Writes that may be carried out now."""
        found: list[Claimed] = await self._do(lambda outbox: outbox.claim(limit))
        return found

    async def do(self, work: Callable[[Outbox], T]) -> T:
        """Anything else that the outbox does."""
        done: T = await self._do(work)
        return done

    async def ask(self, question: Callable[[psycopg.Connection[Any]], T]) -> T:
        """Something else that our own Postgres knows."""
        answer: T = await self._do(lambda outbox: question(outbox.connection))
        return answer

    async def _do(self, work: Callable[[Outbox], Any]) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked.append((work, answer))
        self._wake.set()
        return await answer

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            begins, self._begins = self._begins, []
            settlements, self._settlements = self._settlements, []
            asked, self._asked = self._asked, []
            if settlements:
                await self._group(loop, settlements, self._outbox.settle)
            if begins:
                await self._begin(loop, begins)
            for work, answer in asked:
                await self._answer(loop, work, answer)
            if self._closing and not (self._begins or self._settlements or self._asked):
                return

    async def _begin(self, loop: asyncio.AbstractEventLoop, begins: list[tuple[UUID, "asyncio.Future[bool]"]]) -> None:
        ids = [writeback_id for writeback_id, _ in begins]
        try:
            ours = await loop.run_in_executor(self._thread, self._outbox.begin, ids)
        except Exception as error:  # noqa: BLE001 - whoever waits must be told, whatever it is
            _tell([answer for _, answer in begins], error)
            return
        for writeback_id, answer in begins:
            if not answer.done():
                answer.set_result(writeback_id in ours)

    async def _group(
        self,
        loop: asyncio.AbstractEventLoop,
        group: list[tuple[Settlement, "asyncio.Future[None]"]],
        work: Callable[[Sequence[Settlement]], None],
    ) -> None:
        try:
            await loop.run_in_executor(self._thread, work, [one for one, _ in group])
        except Exception as error:  # noqa: BLE001 - whoever waits must be told, whatever it is
            _tell([answer for _, answer in group], error)
            return
        for _, answer in group:
            if not answer.done():
                answer.set_result(None)

    async def _answer(
        self, loop: asyncio.AbstractEventLoop, work: Callable[[Outbox], Any], answer: "asyncio.Future[Any]"
    ) -> None:
        try:
            given = await loop.run_in_executor(self._thread, work, self._outbox)
        except Exception as error:  # noqa: BLE001 - whoever waits must be told, whatever it is
            _tell([answer], error)
            return
        if not answer.done():
            answer.set_result(given)


def _tell(answers: Sequence["asyncio.Future[Any]"], error: Exception) -> None:
    for answer in answers:
        if not answer.done():
            answer.set_exception(error)
