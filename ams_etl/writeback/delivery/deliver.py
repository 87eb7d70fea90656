"""Deliver what waits in an outbox: many lanes side by side, each in order, each write once (W9).

Knows no system: a `Target` carries writes out. Whatever happens, a write ends as delivered, failed with its reason,
put off, or uncertain; it is never sent again unless it surely was not carried out.
"""

import asyncio
import logging
import os
import random
import socket
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import psycopg

from ams_etl.errors import AmsEtlError, ConfigError, TransientError
from ams_etl.rules.writeback.settings import WritebackSettings
from ams_etl.sources.calling.faults import BusinessFault, ReplyLost, SecurityFault, SoapFault
from ams_etl.store.lease import Lease
from ams_etl.writeback.delivery.outbox_commits import OutboxCommits
from ams_etl.writeback.delivery.target import ClaimLost, Contended, Delivered, DependencyMissing, Target, Undecided
from ams_etl.writeback.outbox.outbox import DEPENDENCY, Claimed, Outbox, Settlement

_log = logging.getLogger(__name__)
_POLL_SECONDS = 0.25
GRACE_SECONDS = 3.0
"""How long an interrupted delivery waits for its calls; those that are cut off are looked up or left to a person (W9)."""


@dataclass(slots=True)
class DeliveryReport:
    """What a drain did.

    Attributes:
        counts: writes by their outcome: `delivered`, `failed`, `uncertain`, and `put_off` for every retry.
        by_kind: (kind of event, outcome) -> writes.
        recovered: rows taken over from a deliverer that was gone.
        stopped_by: why it ended before the outbox was empty, if it did.
    """

    counts: Counter[str] = field(default_factory=Counter)
    by_kind: Counter[tuple[str, str]] = field(default_factory=Counter)
    recovered: int = 0
    stopped_by: str | None = None


async def deliver(
    connection: psycopg.Connection[Any],
    agency: str,
    target: Target,
    settings: WritebackSettings,
    *,
    concurrency: int,
    lease_seconds: float = 180.0,
    linger_seconds: float = 20.0,
    lease: Lease | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> DeliveryReport:
    """Deliver until nothing is due within `linger_seconds`.

    Args:
        connection: autocommit; used by this call alone while it runs.
        agency: the agency id.
        target: the system.
        settings: tries, back-off, when to look up.
        concurrency: calls in flight.
        lease_seconds: a claim's life without a sign of its deliverer; longer than a call can be under way.
        linger_seconds: how long to wait for retries that come due.
        lease: `writeback`; None where nobody else delivers for the agency.
        progress: called with the number of writes settled so far.

    Raises:
        LeaseLost: another one delivers for this agency now.
        ConfigError: the target refuses us; what was not sent waits on.
    """
    who = f"{socket.gethostname()}/{os.getpid()}/{uuid4().hex[:8]}"
    outbox = Outbox(connection, agency, target.system, who, lease_seconds, target.look_up, lease)
    async with OutboxCommits(outbox) as commits:
        drain = _Drain(commits, target, settings, concurrency, lease_seconds, linger_seconds, progress)
        return await drain.run()


class _Drain:
    def __init__(
        self,
        commits: OutboxCommits,
        target: Target,
        settings: WritebackSettings,
        concurrency: int,
        lease_seconds: float,
        linger_seconds: float,
        progress: Callable[[int], None],
    ) -> None:
        self._commits, self._target, self._settings = commits, target, settings
        # A few more workers than calls in flight: some always wait for a commit.
        self._hands = concurrency + max(2, concurrency // 3)
        self._lease, self._linger, self._progress = lease_seconds, linger_seconds, progress
        self._claimed: asyncio.Queue[Claimed] = asyncio.Queue()
        self._held: set[UUID] = set()
        self._settled = asyncio.Event()
        self._troubles = 0
        self._stop: Exception | str | None = None
        self.report = DeliveryReport()

    async def run(self) -> DeliveryReport:
        self.report.recovered = await self._recover()
        tasks = [asyncio.create_task(self._work()) for _ in range(self._hands)]
        tasks.append(asyncio.create_task(self._renew()))
        try:
            await self._feed()
        finally:
            # Those at work finish their call, when interrupted only for a moment; what is only claimed goes back.
            left = [self._claimed.get_nowait().writeback_id for _ in range(self._claimed.qsize())]
            interrupted = isinstance(sys.exception(), asyncio.CancelledError)
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_SECONDS if interrupted else None):
                    while self._held - set(left):
                        self._settled.clear()
                        await self._settled.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if left:
                await self._commits.do(lambda outbox: outbox.release(left))
        if isinstance(self._stop, Exception):
            raise self._stop
        self.report.stopped_by = self._stop
        return self.report

    async def _recover(self) -> int:
        wait = self._settings.look_up_after_seconds
        return await self._commits.do(lambda outbox: outbox.recover(wait))

    async def _feed(self) -> None:
        most = 3 * self._hands
        while self._stop is None:
            self._settled.clear()
            wanted = most - self._claimed.qsize()
            found = await self._commits.claim(wanted) if wanted >= self._hands else []
            for write in found:
                self._held.add(write.writeback_id)
                self._claimed.put_nowait(write)
            if found and len(found) == wanted:
                continue
            if not self._held:
                due = await self._commits.do(lambda outbox: outbox.seconds_to_next())
                if due is None or due > self._linger:
                    return
                await asyncio.sleep(min(due, 1.0) + 0.01)
                self.report.recovered += await self._recover()
                continue
            try:
                await asyncio.wait_for(self._settled.wait(), _POLL_SECONDS)
            except TimeoutError:
                continue

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease / 4)
            held = list(self._held)
            await self._commits.do(lambda outbox, held=held: outbox.renew(held))  # type: ignore[misc]

    async def _work(self) -> None:
        while True:
            write = await self._claimed.get()
            try:
                settlement = await self._carry_out(write)
                if settlement is not None:
                    await self._commits.settle(settlement)
                    self._count(write, settlement)
            except Exception as error:  # noqa: BLE001 - without commits nothing can be recorded, so nothing is sent
                self._stop = self._stop or error
            finally:
                self._held.discard(write.writeback_id)
                self._settled.set()

    async def _carry_out(self, write: Claimed) -> Settlement | None:
        """One write to its settlement; None: another deliverer has it."""
        begun = False

        async def begin() -> None:
            nonlocal begun
            if begun:
                return
            if not await self._commits.begin(write.writeback_id):
                raise ClaimLost(f"{write.writeback_id} was taken over")
            begun = True

        open_end = Settlement(write.writeback_id, write.lane, "pending", check_first=write.check_first)
        try:
            delivered = await self._target.carry_out(write, begin, self._commits.ask)
        except ClaimLost:
            return None
        except Exception as error:  # noqa: BLE001 - judged below; whatever it is, the write must not be lost or doubled
            return replace(self._judge(write, open_end, error, begun=begun), tries=_tries_to_add(error, begun=begun))
        self._troubles = 0
        return _settled(write, delivered)

    def _judge(self, write: Claimed, end: Settlement, error: Exception, *, begun: bool) -> Settlement:
        """What an error means for a write: surely not done, refused, or nobody knows."""
        tries = write.attempts + 1
        detail = str(error) if isinstance(error, AmsEtlError) else f"unexpected: {type(error).__name__}"
        if isinstance(error, DependencyMissing):
            return replace(end, status="failed", error=detail, note=DEPENDENCY)
        if isinstance(error, Undecided):
            return replace(end, status="uncertain", error=detail, alongside=error.alongside)
        if isinstance(error, ConfigError):
            self._stop = self._stop or error
            return replace(end, error=detail)
        if begun and _may_have_happened(error):
            self._troubles += 1
            self._stop_where_all_fails(detail)
            if write.operation not in self._target.look_up:
                return replace(end, status="uncertain", error=detail)
            if tries >= self._settings.max_attempts:
                return replace(end, status="uncertain", error=f"{detail} (tried {tries} times)", check_first=True)
            return replace(end, error=detail, check_first=True, delay_seconds=self._settings.look_up_after_seconds)
        if _was_away(error):
            self._troubles += 1
            self._stop_where_all_fails(detail)
            return replace(end, error=detail, delay_seconds=self._delay(write.put_offs + 1), put_off=True)
        if isinstance(error, TransientError) or (not begun and _is_general_fault(error)):
            self._troubles += 1
            self._stop_where_all_fails(detail)
            if tries >= self._settings.max_attempts:
                return replace(end, status="failed", error=f"given up after {tries} tries: {detail}")
            return replace(end, error=detail, delay_seconds=self._delay(tries))
        if not isinstance(error, AmsEtlError):
            # Not its message, which may hold what was to be written.
            place = traceback.extract_tb(error.__traceback__)[-1]
            _log.error("writeback %s: %s at %s:%s", write.writeback_id, detail, place.filename, place.lineno)
        return replace(end, status="failed", error=detail)

    def _delay(self, tries: int) -> float:
        longest = min(self._settings.longest_retry_seconds, self._settings.first_retry_seconds * 2 ** (tries - 1))
        return random.uniform(longest / 2, longest)  # noqa: S311

    def _stop_where_all_fails(self, detail: str) -> None:
        """Stop the run: each call that fails while the other side is away waits for a time-out."""
        if self._troubles >= 3 * self._hands and self._stop is None:
            self._stop = f"{self._troubles} calls in a row failed, the last one: {detail}"

    def _count(self, write: Claimed, settlement: Settlement) -> None:
        outcome = "put_off" if settlement.status == "pending" else settlement.status
        self.report.counts[outcome] += 1
        self.report.by_kind[write.kind, outcome] += 1
        self._progress(sum(self.report.counts.values()) - self.report.counts["put_off"])


def _settled(write: Claimed, delivered: Delivered) -> Settlement:
    return Settlement(
        write.writeback_id,
        write.lane,
        "delivered",
        target_id=delivered.target_id,
        note=delivered.note,
        customer_id=delivered.customer_id,
        alongside=delivered.alongside,
    )


def _may_have_happened(error: Exception) -> bool:
    """After `begin`: only what AMS360 understood and refused, or what was surely turned away, has not happened."""
    return isinstance(error, ReplyLost) or _is_general_fault(error) or not isinstance(error, AmsEtlError)


def _is_general_fault(error: Exception) -> bool:
    """Whether the server failed at a request, rather than refused it."""
    return isinstance(error, SoapFault) and not isinstance(error, BusinessFault | SecurityFault)


def _was_away(error: Exception) -> bool:
    """Whether the other side surely received nothing: no connection, turned away, no answer to what is read before."""
    return isinstance(error, TransientError) and not isinstance(error, ReplyLost | Contended)


def _tries_to_add(error: Exception, *, begun: bool) -> int:
    """`begin` has counted a try. It is taken back where nothing was received: an outage or a refused login costs none."""
    if _was_away(error) or isinstance(error, ConfigError):
        return -1 if begun else 0
    return 0 if begun else 1
