"""Read customers with all beneath into raw, in batches as they come.

Each batch is one transaction: its records, what they touch, what was quarantined, and the customers ticked off the
work list. A killed sync goes on with the customers that are not ticked off.

A fault that answers one read is that record's: it is retried, then the record is quarantined, and the sync goes on until
faults are many (`faults.py`).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from ams_etl.errors import AmsEtlError
from ams_etl.sources.ams360 import Ams360, Ams360Connection
from ams_etl.sources.warm import COLD, Access
from ams_etl.store.agency_db import AgencyDb, column
from ams_etl.store.database import ServerClock
from ams_etl.store.dirty_customers import mark_customers
from ams_etl.store.lease import Lease
from ams_etl.store.loading.statistics import Growth
from ams_etl.store.merge import MergeCounts, RawTable, merge_records
from ams_etl.sync.extract.ams360_customer import CustomerRead, read_customer
from ams_etl.sync.extract.ams360_sweep import SweepReport, sweep
from ams_etl.sync.notifications.batches import look_up
from ams_etl.sync.notifications.missed_changes import count_changes
from ams_etl.sync.raw.ams360_tables import (
    CUSTOMER_CONTACTS,
    CUSTOMER_DEPENDENTS,
    CUSTOMER_LIST,
    CUSTOMERS,
    POLICIES,
    UNANNOUNCED_MEMBERS,
)
from ams_etl.sync.raw.faults import Faults
from ams_etl.sync.raw.quarantine import Quarantined, forget, set_aside
from ams_etl.sync.runs import SyncRun, SyncRuns
from ams_etl.sync.scope import SyncScope

_log = logging.getLogger(__name__)
BATCH = 250
"""Customers stored in one transaction."""
BATCH_BYTES = 16_000_000
"""Less than `BATCH` customers are stored once that many bytes were read: what waits to be stored is in memory."""
_TABLES = (CUSTOMERS, CUSTOMER_CONTACTS, CUSTOMER_DEPENDENTS, POLICIES)

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class ExtractReport:
    """What a sync read and what that changed in raw."""

    tables: Mapping[str, MergeCounts]
    customers_read: int
    resumed: bool
    unlisted: int
    empty_numbers: int
    quarantined: int
    calls: int
    calls_by_operation: Mapping[str, int]
    retries: int
    peak_in_flight: int
    seconds: float


def extract(
    connection: psycopg.Connection[Any],
    agency: str,
    ams360: Ams360Connection,
    scope: SyncScope,
    *,
    run_id: str | None = None,
    fresh: bool = False,
    lease: Lease | None = None,
    access: Access = COLD,
    progress: Progress = lambda stage, done, total: None,
) -> ExtractReport:
    """Read what the scope asks for into `raw_ams360`.

    Args:
        connection: autocommit.
        agency: the agency id.
        ams360: how to reach it.
        scope: everything, or these customers.
        run_id: the Dagster run, recorded in `ops.sync_runs`.
        fresh: do not go on with a full sync that was cut off.
        lease: `full_read`, for everything and the sweep; some customers need none, whoever else reads.
        access: how AMS360 is opened.
        progress: called with a stage, how many are done and of how many.

    Raises:
        ConfigError, TransientError, PermanentError: as the source raises them; raw keeps what it had.
    """
    sync_runs = SyncRuns(connection, agency)
    run = sync_runs.begin(scope.mode, scope.trigger, run_id, fresh=fresh, lease=lease)
    if run.resumed:
        _log.info("going on with the full sync of %s that was cut off", run.started_at.isoformat(timespec="seconds"))
    try:
        report: ExtractReport = access.run(_extract(connection, sync_runs, run, ams360, scope, access, progress))
    except AmsEtlError as error:
        sync_runs.failed(run, str(error))
        raise
    left = len(sync_runs.unread(run))
    if left:
        raise AssertionError(f"{left} customers of the work list were not read")
    sync_runs.extracted(
        run,
        {
            "customers_read": report.customers_read,
            "calls": report.calls,
            "calls_by_operation": dict(report.calls_by_operation),
            "quarantined": report.quarantined,
            "seconds": round(report.seconds, 3),
            "unlisted": report.unlisted,
        },
    )
    return report


async def _extract(
    connection: psycopg.Connection[Any],
    sync_runs: SyncRuns,
    run: SyncRun,
    settings: Ams360Connection,
    scope: SyncScope,
    access: Access,
    progress: Progress,
) -> ExtractReport:
    started = time.monotonic()
    swept = SweepReport(MergeCounts(), 0, 0, 0, 0, 0)
    async with access.open(settings) as ams360:
        if scope.mode == "customers":
            told = await look_up(connection, ams360, run.agency, scope.batch) if scope.batch else ()
            wanted: Sequence[str] = list(dict.fromkeys([*scope.customers, *told]))
        else:
            if not run.sweep_complete:
                swept = await sweep(connection, ams360, run, progress)
            wanted = sync_runs.unread(run)
        counts, quarantined = await _read_all(
            connection, sync_runs, run, ams360, wanted, settings.max_concurrency, progress
        )
        calls = ams360.counts
    return ExtractReport(
        tables={CUSTOMER_LIST.name: swept.list_counts, **{table.name: counts[table] for table in _TABLES}},
        customers_read=len(wanted),
        resumed=run.resumed,
        unlisted=swept.unlisted,
        empty_numbers=swept.empty_numbers,
        quarantined=quarantined + swept.quarantined,
        calls=calls.total,
        calls_by_operation=dict(calls.by_operation.most_common()),
        retries=calls.retries,
        peak_in_flight=calls.peak_in_flight,
        seconds=time.monotonic() - started,
    )


async def _read_all(
    connection: psycopg.Connection[Any],
    sync_runs: SyncRuns,
    run: SyncRun,
    ams360: Ams360,
    customer_ids: Sequence[str],
    concurrency: int,
    progress: Progress,
) -> tuple[dict[RawTable, MergeCounts], int]:
    waiting = iter(customer_ids)
    read: list[CustomerRead] = []
    totals = dict.fromkeys(_TABLES, MergeCounts())
    quarantined = done = 0
    storing = asyncio.Lock()
    clock = ServerClock(connection)
    faults = Faults("AMS360 customers")
    stored_at_bytes = 0
    large = asyncio.Lock()
    growth = Growth(connection, [table.qualified for table in _TABLES])

    async def store(batch: list[CustomerRead]) -> None:
        nonlocal quarantined, done
        async with storing:
            counts, bad = await asyncio.to_thread(_store, connection, sync_runs, run, batch)
            for table, part in counts.items():
                totals[table] += part
            await asyncio.to_thread(growth.reached, sum(counts.inserted for counts in totals.values()))
            quarantined += bad
            done += len(batch)
            progress("customers read", done, len(customer_ids))

    async def work() -> None:
        nonlocal read, stored_at_bytes
        for customer_id in waiting:
            # Awaited first: `read` may be another list by the time the answer is here.
            found = await read_customer(ams360, customer_id, clock.now(), large)
            faults.count(found.fault)
            read.append(found)
            if len(read) >= BATCH or ams360.counts.bytes_in - stored_at_bytes > BATCH_BYTES:
                batch, read, stored_at_bytes = read, [], ams360.counts.bytes_in
                await store(batch)

    # A customer is four calls and more, so as many customers as calls keep every slot busy.
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work())
    except BaseExceptionGroup as failed:
        raise _first(failed) from None
    if read:
        await store(read)
    if done != len(customer_ids):
        raise AssertionError(f"{len(customer_ids)} customers asked for, {done} stored")
    return totals, quarantined


def _first(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failed.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _hold_back_without_policies(
    connection: psycopg.Connection[Any], run: SyncRun, batch: Sequence[CustomerRead]
) -> None:
    """Store nothing of a customer whose policies raw lacks and that could not be read: it would pass for a prospect.

    Where raw has the customer, and the policies that could not be read, those stay and the rest is stored.
    """
    doubtful = [found for found in batch if POLICIES in found.incomplete and not found.gone]
    if not doubtful:
        return

    def live(table: RawTable, keys: Iterable[str]) -> set[str]:
        stored = column(
            connection,
            f"select entity_id from {table.qualified} where agency = %s and entity_id = any(%s) and deleted_at is null",
            (run.agency, list(keys)),
        )
        return set(stored)

    customers = live(CUSTOMERS, (found.customer_id for found in doubtful))
    policies = live(POLICIES, {policy_id for found in doubtful for policy_id in found.unread_policies})
    for found in doubtful:
        listed = POLICIES in found.rows
        if listed and not found.unread_policies:
            continue
        if found.customer_id in customers and found.unread_policies <= policies:
            continue
        found.hold_back(_TABLES, "its policies cannot be read")


def _doubt_what_is_listed(connection: psycopg.Connection[Any], run: SyncRun, batch: Sequence[CustomerRead]) -> None:
    """A customer that this very sweep listed and that cannot be read now is not taken for deleted yet."""
    gone = {customer.customer_id: customer for customer in batch if customer.gone}
    if not gone:
        return
    for (customer_id,) in connection.execute(
        """select entity_id from raw_ams360.customer_list
        where agency = %s and entity_id = any(%s) and deleted_at is null""",
        (run.agency, list(gone)),
    ):
        found = gone[customer_id]
        found.incomplete.update(_TABLES)
        found.set_aside.append(
            Quarantined("customers", customer_id, customer_id, "vanished", "listed, but CustomerGetById refuses it")
        )


def _latest(
    connection: psycopg.Connection[Any], agency: str, batch: Sequence[CustomerRead]
) -> tuple[list[CustomerRead], int]:
    """Leave out the customers that another reader read later, and note when the others were read; also how many it left out.

    Call it in the transaction that stores them: it makes two readers of one customer store one after the other.
    """
    ordered = sorted(batch, key=lambda read: read.customer_id)
    latest = set(
        column(
            connection,
            """insert into ops.customer_reads as r (agency, customer_id, read_at)
            select %s, * from unnest(%s::text[], %s::timestamptz[])
            on conflict (agency, customer_id) do update set read_at = excluded.read_at where r.read_at <= excluded.read_at
            returning customer_id""",
            (agency, [read.customer_id for read in ordered], [read.read_at for read in ordered]),
        )
    )
    kept = [read for read in batch if read.customer_id in latest]
    return kept, len(batch) - len(kept)


def _store(
    connection: psycopg.Connection[Any], sync_runs: SyncRuns, run: SyncRun, batch: Sequence[CustomerRead]
) -> tuple[dict[RawTable, MergeCounts], int]:
    counts = {}
    touched: set[str] = set()
    ids = [customer.customer_id for customer in batch]
    with connection.transaction():
        run.check(connection)
        batch, outdated = _latest(connection, run.agency, batch)
        if outdated:
            _log.info("%s customers were read again meanwhile; the later reading stays", outdated)
        if run.mode != "customers":
            _doubt_what_is_listed(connection, run, batch)
        _hold_back_without_policies(connection, run, batch)
        for table in _TABLES:
            # What could not be read in full deletes nothing.
            complete = [customer.customer_id for customer in batch if table not in customer.incomplete]
            merged = merge_records(
                connection,
                table,
                run.agency,
                (replace(row, read_at=customer.read_at) for customer in batch for row in customer.rows.get(table, ())),
                seen_at=run.started_at,
                complete_for=complete,
                unannounced=UNANNOUNCED_MEMBERS.get(table.name, ()),
                dated=True,
            )
            touched |= merged.customers
            counts[table] = merged
        count_changes(connection, run, counts)
        mark_customers(AgencyDb(connection, run.agency), touched)
        bad = set_aside(
            connection,
            run.agency,
            run.sync_id,
            (row for customer in batch for row in customer.set_aside),
            read_customers=[customer.customer_id for customer in batch],
        )
        # A notification's look-up quarantines a policy before anybody knows whose it is.
        read_now = [row.entity_id for customer in batch for row in customer.rows.get(POLICIES, ())]
        forget(connection, run.agency, POLICIES.name, read_now, system="ams360")
        sync_runs.mark_read(run, ids)
    return counts, bad
