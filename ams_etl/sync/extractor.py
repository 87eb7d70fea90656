"""Read a system that can say what changed into raw: everything, what changed since the last sync, or some customers.

What differs from system to system stands behind `Extractor`; storing, deletions, cursors and the ledger are the same.
Each batch is one transaction: its records, and the customers that they touch. A full sync marks what it did not see as
deleted only where the listing was complete, and only then the cursor moves, so a killed sync is simply made again.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol

import psycopg

from ams_etl.errors import AmsEtlError
from ams_etl.rules.settings import SourceSystem
from ams_etl.sources.ams360 import run as run_async
from ams_etl.sources.counts import CallCounts
from ams_etl.sources.probe import Probe
from ams_etl.store.merge import MergeCounts, RawTable, Record, merge_records
from ams_etl.store.missing import mark_deleted, mark_missing
from ams_etl.sync.interpreter import interpreter_of
from ams_etl.sync.ledger import Ledger
from ams_etl.sync.quarantine import Quarantined, set_aside
from ams_etl.sync.raw_tables import mark_customers_dirty
from ams_etl.sync.scope import SyncScope

_log = logging.getLogger(__name__)
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A raw table, and whom a changed record of it touches.

    Args:
        raw: the table.
        touches: `customer` (the one it hangs on), `everybody` (it gives codes their names), or the SQL function that gives
            the customers of a payload.
    """

    raw: RawTable
    touches: str = "customer"


@dataclass(frozen=True, slots=True)
class Batch:
    """Records as they came, ids of those that are gone, and what was set aside with its reason."""

    table: SourceTable
    records: Sequence[Record] = ()
    gone: Sequence[str] = ()
    seen: Sequence[str] | None = None
    """Ids that a listing shows; None: those of the records. What is listed and cannot be read is not taken for deleted."""
    set_aside: Sequence[Quarantined] = ()


class Extractor(Protocol):
    """One agency's system, open for reading."""

    SYSTEM: ClassVar[SourceSystem]
    TABLES: ClassVar[tuple[SourceTable, ...]]
    incomplete: set[SourceTable]
    """Tables whose full listing turned out to lack something: nothing of theirs is deleted."""

    @property
    def counts(self) -> CallCounts:
        """What was asked so far."""

    async def probe(self) -> list[Probe]:
        """Whether what a sync asks is allowed."""

    def everything(self) -> AsyncIterator[Batch]:
        """Enumerate and read all records."""

    def changed(self, since: datetime) -> AsyncIterator[Batch]:
        """Enumerate and read what changed or went at or after a moment, as far as the system tells."""

    def customers(self, customer_ids: Sequence[str]) -> AsyncIterator[Batch]:
        """Read these customers, as far as the system lets one be read."""


Opening = Callable[[], AbstractAsyncContextManager[Extractor]]


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What a sync read and what that changed in raw; `changed_since` is None for a full one."""

    tables: Mapping[str, MergeCounts]
    changed_since: datetime | None
    quarantined: int
    calls: int
    calls_by_operation: Mapping[str, int]
    retries: int
    seconds: float


@dataclass(slots=True)
class _Totals:
    counts: dict[SourceTable, MergeCounts]
    seen: dict[SourceTable, set[str]] = field(default_factory=dict)
    quarantined: int = 0


def extract_source(
    connection: psycopg.Connection[Any],
    agency: str,
    opening: Opening,
    scope: SyncScope,
    *,
    system: SourceSystem,
    overlap: timedelta,
    full: bool = True,
    run_id: str | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> SourceReport:
    """Read what is asked for into the system's raw schema, and mark the customers that it touches.

    Args:
        connection: autocommit.
        agency: the agency id.
        opening: opens the extractor.
        scope: everything, or these customers.
        system: which system it is.
        overlap: how long before the beginning of this sync the next one asks for changes.
        full: everything; otherwise what changed since the last sync, or everything where there was none.
        run_id: the Dagster run, for the ledger.
        progress: called with a stage, how many are done and of how many.

    Raises:
        ConfigError, TransientError, PermanentError, DataError: as the source gives them; raw keeps what it had.
    """
    begun_at = datetime.now(UTC)
    since = None if full or scope.customers else _cursor(connection, agency, system)
    ledger = Ledger(connection, agency)
    # Which customers changed, the source says: the ledger knows full syncs and all others.
    run = ledger.begin(scope if since is None else SyncScope(("changed",)), run_id, fresh=True)
    started = time.monotonic()

    async def read() -> SourceReport:
        async with opening() as extractor:
            totals = _Totals(dict.fromkeys(extractor.TABLES, MergeCounts()))
            if scope.customers:
                batches = extractor.customers(scope.customers)
            else:
                batches = extractor.everything() if since is None else extractor.changed(since)
            async for batch in batches:
                await asyncio.to_thread(_store, connection, agency, run.sync_id, run.started_at, system, batch, totals)
                progress(f"{batch.table.raw.name} read", totals.counts[batch.table].seen, None)
            if not scope.customers:
                complete = set(extractor.TABLES) - extractor.incomplete if since is None else set()
                _finish(
                    connection, agency, system, run.started_at, complete, totals, begun_at - overlap, full=since is None
                )
            calls = extractor.counts
        return SourceReport(
            {table.raw.name: counts for table, counts in totals.counts.items()}, since, totals.quarantined, calls.total,
            dict(calls.by_operation.most_common()), calls.retries, time.monotonic() - started,
        )  # fmt: skip

    try:
        report: SourceReport = run_async(read())
    except AmsEtlError as error:
        ledger.failed(run, str(error))
        raise
    read_records = sum(counts.seen for counts in report.tables.values())
    ledger.extracted(
        run,
        {
            "customers_read": read_records,
            "calls": report.calls,
            "quarantined": report.quarantined,
            "seconds": round(report.seconds, 3),
        },
    )
    return report


def _cursor(connection: psycopg.Connection[Any], agency: str, system: str) -> datetime | None:
    row = connection.execute(
        "select changed_since from ops.source_cursors where agency = %s and system = %s", (agency, system)
    ).fetchone()
    return row[0] if row else None


def _store(
    connection: psycopg.Connection[Any],
    agency: str,
    sync_id: Any,
    seen_at: datetime,
    system: SourceSystem,
    batch: Batch,
    totals: _Totals,
) -> None:
    table = batch.table
    read = [record.entity_id for record in batch.records]
    with connection.transaction():
        before = _customers_of(connection, agency, table, [*read, *batch.gone])
        merged = merge_records(connection, table.raw, agency, batch.records, seen_at=seen_at)
        gone = mark_deleted(connection, table.raw, agency, batch.gone, seen_at=seen_at)
        moved = [*merged.changed, *gone]
        _mark(connection, agency, system, table, moved, [*merged.customers], before)
        totals.quarantined += set_aside(connection, agency, sync_id, batch.set_aside, system=system)
    totals.counts[table] += merged + MergeCounts(deleted=len(gone))
    totals.seen.setdefault(table, set()).update(read if batch.seen is None else batch.seen)


def _finish(
    connection: psycopg.Connection[Any],
    agency: str,
    system: SourceSystem,
    seen_at: datetime,
    complete: Iterable[SourceTable],
    totals: _Totals,
    changed_since: datetime,
    *,
    full: bool,
) -> None:
    """Take what complete listings lack for deleted, and move the cursor, at once."""
    with connection.transaction():
        for table in complete:
            gone = mark_missing(connection, table.raw, agency, totals.seen.get(table, ()), seen_at=seen_at)
            _mark(connection, agency, system, table, gone, [], {})
            totals.counts[table] += MergeCounts(deleted=len(gone))
        connection.execute(
            """insert into ops.source_cursors as c (agency, system, changed_since, full_at)
            values (%(agency)s, %(system)s, %(since)s, %(since)s)
            on conflict (agency, system) do update set changed_since = excluded.changed_since,
                full_at = case when %(full)s then excluded.full_at else c.full_at end""",
            {"agency": agency, "system": system, "since": changed_since, "full": full},
        )


def _mark(
    connection: psycopg.Connection[Any],
    agency: str,
    system: SourceSystem,
    table: SourceTable,
    moved: Sequence[str],
    customers: Sequence[str],
    before: Mapping[str, Sequence[str]],
) -> None:
    """Have everybody derived again whom these changed records touch, or touched before."""
    if not moved:
        return
    if table.touches == "everybody":
        live = interpreter_of(system).LIVE_CUSTOMERS
        connection.execute(
            f"""insert into stage.dirty_customers (agency, customer_id)
            select %(agency)s, customer_id from ({live}) live on conflict do nothing""",
            {"agency": agency},
        )
        return
    touched = {*customers} if table.touches == "customer" else set[str]()
    for one in moved:
        touched.update(before.get(one, ()))
    for found in _customers_of(connection, agency, table, moved).values():
        touched.update(found)
    mark_customers_dirty(connection, agency, touched)


def _customers_of(
    connection: psycopg.Connection[Any], agency: str, table: SourceTable, entity_ids: Sequence[str]
) -> dict[str, list[str]]:
    """The customers on whom these records hang as raw has them now."""
    if table.touches == "everybody" or not entity_ids:
        return {}
    given = "array[coalesce(customer_id, entity_id)]" if table.touches == "customer" else f"{table.touches}(payload)"
    return dict(
        connection.execute(
            f"select entity_id, {given} from {table.raw.qualified} where agency = %s and entity_id = any(%s)",
            (agency, list(entity_ids)),
        ).fetchall()
    )
