"""The outbox behind one connection and one thread, for many coroutines at once: their commits are shared."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

import psycopg

from ams_etl.store.group_commit import GroupCommit
from ams_etl.writeback.outbox.outbox import Claimed, Outbox, Settlement

T = TypeVar("T")
Work = Callable[[Outbox], Any]


class OutboxCommits:
    """An outbox for coroutines; an async context manager inside one event loop.

    Args:
        outbox: nobody else may use it meanwhile.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._begins: GroupCommit[UUID, bool] = GroupCommit(self._begin)
        self._settlements: GroupCommit[Settlement, None] = GroupCommit(self._settle)
        self._work: GroupCommit[Work, Any] = GroupCommit(self._do)

    async def __aenter__(self) -> Self:
        """Begin to work."""
        self._tasks = [asyncio.create_task(commits.run()) for commits in (self._begins, self._settlements, self._work)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what was asked for."""
        for commits in (self._begins, self._settlements, self._work):
            commits.close()
        await asyncio.gather(*self._tasks)
        self._thread.shutdown()

    async def begin(self, writeback_id: UUID) -> bool:
        """Make durable that a write is about to be sent; False: it is no longer ours."""
        return await self._begins.submit(writeback_id)

    async def settle(self, settlement: Settlement) -> None:
        """Make an outcome durable."""
        await self._settlements.submit(settlement)

    async def claim(self, limit: int) -> list[Claimed]:
        """Return writes that may be carried out now."""
        claimed: list[Claimed] = await self._work.submit(lambda outbox: outbox.claim(limit))
        return claimed

    async def do(self, work: Callable[[Outbox], T]) -> T:
        """Do anything else that the outbox does."""
        done: T = await self._work.submit(work)
        return done

    async def ask(self, question: Callable[[psycopg.Connection[Any]], T]) -> T:
        """Return something else that our own Postgres knows."""
        answer: T = await self._work.submit(lambda outbox: question(outbox.connection))
        return answer

    async def _begin(self, writeback_ids: list[UUID]) -> Sequence[bool]:
        ours = await self._in_thread(lambda outbox: outbox.begin(writeback_ids))
        return [writeback_id in ours for writeback_id in writeback_ids]

    async def _settle(self, settlements: list[Settlement]) -> Sequence[None]:
        await self._in_thread(lambda outbox: outbox.settle(settlements))
        return [None] * len(settlements)

    async def _do(self, several: list[Work]) -> Sequence[Any]:
        """Each is a transaction of its own: one that fails costs no other."""
        return [await self._outcome(work) for work in several]

    async def _outcome(self, work: Work) -> Any:
        try:
            return await self._in_thread(work)
        except Exception as error:  # noqa: BLE001 - it is the answer of whoever asked
            return error

    async def _in_thread(self, work: Callable[[Outbox], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._outbox)
