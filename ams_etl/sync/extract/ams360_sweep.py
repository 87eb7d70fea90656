"""Enumerate an agency's customers, completely.

No operation lists them all, so every prefix that a name can begin with is asked for; then CustomerNumbers below the
highest one that no list row has are asked for one by one, so that a customer found by no prefix is not missed
silently. A sweep that was cut off goes on with the prefixes it had not asked for.

A full sync reads every customer on the list. A sync by sweep reads only those whose row is new, changed or gone, those
that no prefix finds, and those that could not be read the last time.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import psycopg

from ams_etl.errors import DataError
from ams_etl.sources.ams360 import Ams360, Ams360Refused
from ams_etl.sources.calling.answers import Listing
from ams_etl.sources.calling.faults import GeneralFault
from ams_etl.sources.name_prefixes import STANDARD, prefixes_of
from ams_etl.store.agency_db import column
from ams_etl.store.loading.statistics import Growth
from ams_etl.store.merge import MergeCounts, Record, merge_records
from ams_etl.sync.raw.ams360_tables import CUSTOMER_LIST
from ams_etl.sync.raw.quarantine import Quarantined, forget_listing, set_aside
from ams_etl.sync.runs import SyncRun, SyncRuns

T = TypeVar("T")
_log = logging.getLogger(__name__)
MAX_NUMBERS_ASKED = 2000
"""How many unlisted CustomerNumbers one sweep asks for; the rest wait for the next one, and are reported."""
_WRITTEN = (CUSTOMER_LIST.qualified, "ops.sync_customers")
BATCH = 1000
"""List rows stored in one transaction."""
PREFIXES_AT_ONCE = 32
"""Answers at most that are asked for or wait to be stored."""
ROWS_AT_ONCE = 20_000
"""List rows that these answers may be expected to hold together: of a large agency, the answer to one letter holds as many."""
NUMBERS_BEYOND = 20
"""How many numbers above the highest known one are asked for."""


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What the sweep saw. `empty_numbers` have no customer behind them; `unasked` were left for the next sweep."""

    list_counts: MergeCounts
    listed: int
    unlisted: int
    empty_numbers: int
    unasked: int
    quarantined: int


async def sweep(
    connection: psycopg.Connection[Any],
    ams360: Ams360,
    run: SyncRun,
    progress: Callable[[str, int, int | None], None],
) -> SweepReport:
    """Fill the run's work list, storing list rows as they come.

    Raises:
        TransientError, PermanentError: a prefix could not be read; the work list stays incomplete, nothing is deleted.
    """
    sync_runs = SyncRuns(connection, run.agency)
    counts, quarantined = MergeCounts(), 0
    asked = sync_runs.swept_prefixes(run)
    waiting = [prefix for prefix in STANDARD if prefix not in asked]
    while waiting:
        asked.update(waiting)
        found: set[str] = set()
        total, answers, rows = len(asked), [], 0
        done = total - len(waiting)
        async for prefix, listing in _answers(ams360, waiting):
            answers.append((prefix, listing))
            done += 1
            rows += len(listing.records)
            for row in listing.records:
                found |= prefixes_of(row)
            if done == total or rows >= BATCH:
                batch, answers, rows = answers, [], 0
                part, bad = await asyncio.to_thread(_store_prefixes, connection, run, sync_runs, batch)
                counts, quarantined = counts + part, quarantined + bad
                progress("prefixes swept", done, total)
        # Names that came under another prefix may begin with something nobody has asked for yet.
        waiting = sorted(found - asked)
    listed = await asyncio.to_thread(sync_runs.listed, run)
    await asyncio.to_thread(Growth(connection, _WRITTEN).reached, listed)
    unlisted, empty, unasked = await _ask_for_numbers(connection, ams360, run, sync_runs)
    deleted = await asyncio.to_thread(_finish, connection, run, sync_runs)
    counts = counts + MergeCounts(deleted=deleted)
    return SweepReport(counts, sync_runs.listed(run), unlisted, empty, unasked, quarantined)


async def _answers(ams360: Ams360, prefixes: Iterable[str]) -> AsyncIterator[tuple[str, Listing]]:
    """Ask for some prefixes at once and give the answers as they come; nothing goes on when one fails.

    The next ones are asked for when an answer was taken, as many as the answers before let expect room for, so that a large
    agency's list is not in memory as a whole.
    """
    waiting = iter(prefixes)
    expected = ROWS_AT_ONCE // 2
    asking: set[asyncio.Task[tuple[str, Listing]]] = set()
    done: set[asyncio.Task[tuple[str, Listing]]] = set()

    def ask_more() -> None:
        room = min(PREFIXES_AT_ONCE, max(1, ROWS_AT_ONCE // max(1, expected))) - len(asking) - len(done)
        asking.update(asyncio.ensure_future(_ask(ams360, prefix)) for prefix in islice(waiting, max(0, room)))

    try:
        ask_more()
        while asking:
            done, asking = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            while done:
                prefix, listing = done.pop().result()
                # One small answer says little of the next letter.
                expected = max(len(listing.records), expected * 3 // 4)
                yield prefix, listing
                ask_more()
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, *done, return_exceptions=True)


async def _ask(ams360: Ams360, prefix: str) -> tuple[str, Listing]:
    return prefix, await ams360.customers_by_prefix(prefix)


def _store_prefixes(
    connection: psycopg.Connection[Any], run: SyncRun, sync_runs: SyncRuns, answers: Sequence[tuple[str, Listing]]
) -> tuple[MergeCounts, int]:
    """Store a few prefixes' rows and tick the prefixes off, in one transaction."""
    rows = {row["CustomerId"]: row for _, listing in answers for row in listing.records}
    aside = [
        Quarantined("customer_list", row.entity_id or f"prefix {prefix}", row.entity_id, "unreadable", row.reason)
        for prefix, listing in answers
        for row in listing.rejected
    ]
    with connection.transaction():
        run.check(connection)
        known = sync_runs.known(run, rows)
        counts = merge_records(
            connection,
            CUSTOMER_LIST,
            run.agency,
            (Record(key, key, row) for key, row in rows.items() if key not in known),
            seen_at=run.started_at,
        )
        bad = set_aside(connection, run.agency, run.sync_id, aside)
        # A customer whose list row cannot be read is read by its id all the same.
        reading = counts.changed if run.mode == "sweep" else rows.keys()
        sync_runs.add_customers(run, [*reading, *(record.customer_id for record in aside if record.customer_id)])
        sync_runs.add_customers(run, rows.keys() - reading, read=True)
        sync_runs.add_prefixes(run, {prefix: len(listing.records) for prefix, listing in answers})
    return counts, bad


async def _ask_for_numbers(
    connection: psycopg.Connection[Any], ams360: Ams360, run: SyncRun, sync_runs: SyncRuns
) -> tuple[int, int, int]:
    """Ask for every number that no list row has, and for some beyond the highest: the newest may be unlisted too."""
    asked: set[int] = set()
    found: dict[int, str] = {}
    unreadable: list[Quarantined] = []
    unanswered: set[int] = set()
    unasked = 0
    while True:
        gaps = [
            number
            for number in await asyncio.to_thread(_unlisted_numbers, connection, run, found)
            if number not in asked
        ]
        asking = gaps[: max(0, MAX_NUMBERS_ASKED - len(asked))]
        unasked = len(gaps) - len(asking)
        if not asking:
            break
        asked.update(asking)
        answers = await _all_or_none([_customer_of(ams360, number) for number in asking])
        for number, customer in zip(asking, answers, strict=True):
            if isinstance(customer, Quarantined):
                unreadable.append(customer)
                unanswered.add(number)
            elif customer:
                found[number] = customer
    with connection.transaction():
        run.check(connection)
        set_aside(connection, run.agency, run.sync_id, unreadable)
        sync_runs.add_customers(run, found.values())
        connection.execute(
            """insert into ops.empty_customer_numbers (agency, customer_number, asked_at)
            select %s, unnest(%s::int[]), %s
            on conflict (agency, customer_number) do update set asked_at = excluded.asked_at""",
            (run.agency, sorted(asked - found.keys() - unanswered), run.started_at),
        )
    if found:
        _log.warning("%s customers are under no name prefix; they were found by their CustomerNumber", len(found))
    if unasked:
        _log.warning("%s CustomerNumbers without a list row were not asked for; the next full sync goes on", unasked)
    return len(found), len(asked) - len(found) - len(unanswered), unasked


async def _all_or_none(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Every call's answer; when one fails the others are ended first."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _customer_of(ams360: Ams360, number: int) -> str | Quarantined | None:
    """Return the id of the customer of this number; None where there is none, and why where it cannot be read."""
    try:
        found = (await ams360.customer_by_number(number)).get("CustomerId")
    except Ams360Refused as refusal:
        error: Exception = refusal
        if refusal.fault is not None:
            return None
    except (DataError, GeneralFault) as fault:
        error = fault
    else:
        if found:
            return str(found)
        error = DataError("the answer has no CustomerId")
    return Quarantined("customer_list", f"number {number}", None, "unreadable", str(error))


def _unlisted_numbers(connection: psycopg.Connection[Any], run: SyncRun, found: Iterable[int]) -> list[int]:
    """Numbers without a list row, those asked for longest ago first; known empty ones below the highest monthly."""
    return column(
        connection,
        """with listed as (
                select (payload ->> 'CustomerNumber')::int as number from raw_ams360.customer_list l
                join ops.sync_customers w on (w.agency, w.customer_id) = (l.agency, l.entity_id) and w.sync_id = %(sync)s
                where l.agency = %(agency)s
                union select unnest(%(found)s::int[])),
            highest as (select coalesce(max(number), 0) as number from listed)
            select n from highest, generate_series(1, highest.number + %(beyond)s) n
            left join ops.empty_customer_numbers e on (e.agency, e.customer_number) = (%(agency)s, n)
            where not exists (select from listed where listed.number = n)
                and (n > highest.number or e.asked_at is null or e.asked_at < %(started)s - interval '28 days')
            order by e.asked_at nulls first, n desc""",
        {
            "agency": run.agency,
            "sync": run.sync_id,
            "started": run.started_at,
            "found": list(found),
            "beyond": NUMBERS_BEYOND,
        },
    )


def _finish(connection: psycopg.Connection[Any], run: SyncRun, sync_runs: SyncRuns) -> int:
    """Complete the work list: customers we have that no prefix showed are read too, to see whether they are gone."""
    with connection.transaction():
        run.check(connection)
        forget_listing(connection, run.agency, "customer_list", run.sync_id, system="ams360")
        deleted = connection.execute(
            """update raw_ams360.customer_list l set deleted_at = %(started)s
            where agency = %(agency)s and deleted_at is null and not exists (
                select from ops.sync_customers w where (w.agency, w.sync_id, w.customer_id)
                    = (l.agency, %(sync)s, l.entity_id))""",
            {"agency": run.agency, "sync": run.sync_id, "started": run.started_at},
        ).rowcount
        sync_runs.add_customers(
            run,
            column(
                connection,
                "select entity_id from raw_ams360.customers where agency = %s and deleted_at is null",
                (run.agency,),
            ),
        )
        if run.mode == "sweep":
            # What could not be read the last time is tried again though its list row is what it was.
            connection.execute(
                """update ops.sync_customers w set read_at = null from ops.quarantine q
                where (w.agency, w.sync_id) = (%s, %s) and q.agency = w.agency and q.system = 'ams360' and q.entity <> 'derivation'
                    and q.customer_id = w.customer_id""",
                (run.agency, run.sync_id),
            )
        sync_runs.complete_sweep(run)
    return deleted
