"""Read a system that can say what changed into raw: everything, what changed since the last sync, or some customers.

An `Extractor` holds what differs between systems; storing, deletions, cursors and `ops.sync_runs` are common to all.
Each batch is one transaction: its records, and the customers that they touch. A full sync marks what it did not see as
deleted only where the listing was complete, and the cursor moves last, so a killed sync is simply made again.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from ams_etl.errors import AmsEtlError
from ams_etl.rules.settings import SourceSystem
from ams_etl.rules.systems.member_kinds import misfits_in
from ams_etl.sources.calling.event_loop import run as run_async
from ams_etl.sources.calling.runner import Runner
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.dirty_customers import mark_customers, mark_selected
from ams_etl.store.lease import Lease
from ams_etl.store.loading.statistics import Growth
from ams_etl.store.merge import MergeCounts, Record, merge_records
from ams_etl.store.missing import mark_deleted, mark_missing
from ams_etl.sync.extract.extractor import Opening, SourceBatch
from ams_etl.sync.interpret.registry import INTERPRETERS
from ams_etl.sync.raw.quarantine import DERIVATION, Quarantined, forget, forget_listing, set_aside
from ams_etl.sync.raw.source_table import SourceTable
from ams_etl.sync.runs import SyncRun, SyncRuns
from ams_etl.sync.scope import SyncScope

DOUBTED_ABOVE = 20
"""An empty listing deletes nothing where more records than this are known."""
_EMPTY = "the listing is empty although records are known: nothing was deleted"
Progress = Callable[[str, int, int | None], None]


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
    lease: Lease | None = None,
    runner: Runner = run_async,
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
        run_id: the Dagster run, recorded in `ops.sync_runs`.
        lease: `full_read`; None where nobody else can read.
        runner: runs the calls; in an event loop of their own unless the caller has one.
        progress: called with a stage, how many are done and of how many.

    Raises:
        ConfigError, TransientError, PermanentError, DataError: as the source raises them; raw keeps what it had.
    """
    begun_at = datetime.now(UTC)
    since = None if full or scope.customers else _cursor(connection, agency, system)
    sync_runs = SyncRuns(connection, agency)
    # A read of what changed is recorded as one of some customers: it is never resumed, since its cursor moves last.
    mode = scope.mode if since is None else "customers"
    run = sync_runs.begin(mode, scope.trigger, run_id, fresh=True, lease=lease)
    started = time.monotonic()

    async def read() -> SourceReport:
        async with opening() as extractor:
            storing = _Storing(connection, agency, system, run)
            if scope.customers:
                batches = extractor.customers(scope.customers)
            else:
                batches = extractor.everything() if since is None else extractor.changed(since)
            async for batch in batches:
                await asyncio.to_thread(storing.store, batch)
                progress(f"{batch.table.raw.name} read", storing.counts[batch.table].seen, None)
            if since is not None and (again := await asyncio.to_thread(storing.unreadable_before)):
                async for batch in extractor.customers(again):
                    await asyncio.to_thread(storing.store, batch)
            if not scope.customers:
                complete = [table for table in extractor.TABLES if since is None and table not in extractor.incomplete]
                # Whoever a moving listing passed by is asked for again from the same moment.
                since_next = None if extractor.incomplete else begun_at - overlap
                storing.finish(complete, since_next, full=since is None)
            calls = extractor.counts
            tables = {table.raw.name: storing.counts[table] for table in extractor.TABLES}
        return SourceReport(
            tables, since, storing.quarantined, calls.total, dict(calls.by_operation.most_common()), calls.retries,
            time.monotonic() - started,
        )  # fmt: skip

    try:
        report: SourceReport = runner(read())
    except AmsEtlError as error:
        sync_runs.failed(run, str(error))
        raise
    read_records = sum(counts.seen for counts in report.tables.values())
    sync_runs.extracted(
        run,
        {
            "customers_read": read_records,
            "calls": report.calls,
            "calls_by_operation": dict(report.calls_by_operation),
            "quarantined": report.quarantined,
            "seconds": round(report.seconds, 3),
        },
    )
    return report


def _cursor(connection: psycopg.Connection[Any], agency: str, system: str) -> datetime | None:
    cursor: datetime | None = AgencyDb(connection, agency).scalar(
        "select changed_since from ops.source_cursors where agency = %(agency)s and system = %(system)s", system=system
    )
    return cursor


class _Storing:
    """One sync's way into raw: each batch a transaction, and the end of it one."""

    def __init__(self, connection: psycopg.Connection[Any], agency: str, system: SourceSystem, run: SyncRun) -> None:
        self._connection, self._agency, self._system, self._run = connection, agency, system, run
        self._db = AgencyDb(connection, agency)
        self.counts: defaultdict[SourceTable, MergeCounts] = defaultdict(MergeCounts)
        self.quarantined = 0
        self._seen: defaultdict[SourceTable, set[str]] = defaultdict(set)
        self._growth: dict[SourceTable, Growth] = {}

    def store(self, batch: SourceBatch) -> None:
        """Store a batch's records, mark the deleted ones, and mark the customers that they affect."""
        table, seen_at = batch.table, self._run.started_at
        records, misfits = self._fitting(batch)
        read = [record.entity_id for record in batch.records]
        with self._connection.transaction():
            self._run.check(self._connection)
            before = self._customers_of(table, [*read, *batch.gone])
            merged = merge_records(self._connection, table.raw, self._agency, records, seen_at=seen_at)
            gone = mark_deleted(self._connection, table.raw, self._agency, batch.gone, seen_at=seen_at)
            self._mark(table, [*merged.changed, *gone], before)
            readable = [*read, *batch.gone, *batch.cleared]
            forget(self._connection, self._agency, table.raw.name, readable, system=self._system)
            self._set_aside([*batch.set_aside, *misfits])
        self.counts[table] += merged + MergeCounts(deleted=len(gone))
        self._seen[table].update(read if batch.seen is None else batch.seen)
        growth = self._growth.setdefault(table, Growth(self._connection, [table.raw.qualified]))
        growth.reached(self.counts[table].inserted)

    def _fitting(self, batch: SourceBatch) -> tuple[list[Record], list[Quarantined]]:
        """Return the records to store, and what does not fit in them.

        A record without one of its lists is not stored: a client without its policies would pass for a prospect.
        """
        fitting, misfits = [], []
        for record in batch.records:
            found = misfits_in(self._system, record.payload)
            if not found.containers:
                fitting.append(record)
            if found.containers or found.values:
                reason = "unreadable" if found.containers else "unreadable value"
                told = "; ".join((found.containers + found.values)[:10])
                customer_id = record.customer_id or (record.entity_id if batch.table.touches == "customer" else None)
                misfits.append(Quarantined(batch.table.raw.name, record.entity_id, customer_id, reason, told))
        return fitting, misfits

    def unreadable_before(self) -> list[str]:
        """Return the customers that an earlier sync could not read in full; what changed since does not list them."""
        return self._db.column(
            """select distinct customer_id from ops.quarantine
            where agency = %(agency)s and system = %(system)s and entity <> %(derivation)s and reason = 'unreadable'
                and customer_id is not null and sync_id is distinct from %(sync)s order by customer_id""",
            system=self._system,
            derivation=DERIVATION,
            sync=self._run.sync_id,
        )

    def finish(self, complete: Iterable[SourceTable], changed_since: datetime | None, *, full: bool) -> None:
        """Take what complete listings lack for deleted, and move the cursor (None: leave it), at once."""
        with self._connection.transaction():
            self._run.check(self._connection)
            for table in complete:
                forget_listing(self._connection, self._agency, table.raw.name, self._run.sync_id, system=self._system)
                if self._is_doubtful(table):
                    self._set_aside([Quarantined(table.raw.name, "listing", None, "empty", _EMPTY)])
                    continue
                gone = mark_missing(
                    self._connection, table.raw, self._agency, self._seen[table], seen_at=self._run.started_at
                )
                self._mark(table, gone, {})
                self.counts[table] += MergeCounts(deleted=len(gone))
            if changed_since is None:
                return
            self._connection.execute(
                """insert into ops.source_cursors as c (agency, system, changed_since, full_at)
                values (%(agency)s, %(system)s, %(since)s, %(since)s)
                on conflict (agency, system) do update set changed_since = excluded.changed_since,
                    full_at = case when %(full)s then excluded.full_at else c.full_at end""",
                {"agency": self._agency, "system": self._system, "since": changed_since, "full": full},
            )

    def _set_aside(self, found: Iterable[Quarantined]) -> None:
        self.quarantined += set_aside(self._connection, self._agency, self._run.sync_id, found, system=self._system)

    def _is_doubtful(self, table: SourceTable) -> bool:
        """Whether a listing shows nothing at all where many are known: more likely a slip than the end of an agency."""
        if self._seen[table]:
            return False
        known = f"select count(*) from {table.raw.qualified} where agency = %(agency)s and deleted_at is null"
        return int(self._db.scalar(known)) > DOUBTED_ABOVE

    def _mark(self, table: SourceTable, moved: Sequence[str], before: Mapping[str, Sequence[str]]) -> None:
        """Mark every customer due that these changed records affect, or affected before."""
        if not moved:
            return
        if table.touches == "everybody":
            mark_selected(self._db, INTERPRETERS[self._system].LIVE_CUSTOMERS)
            return
        touched = {customer for entity_id in moved for customer in before.get(entity_id, ())}
        touched.update(customer for found in self._customers_of(table, moved).values() for customer in found)
        mark_customers(self._db, touched)

    def _customers_of(self, table: SourceTable, entity_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the customers that these records belong to, as raw has them now."""
        if table.touches == "everybody" or not entity_ids:
            return {}
        own = "array[coalesce(customer_id, entity_id)]"
        given = own if table.touches == "customer" else f"{table.touches}(payload)"
        return dict(
            self._connection.execute(
                f"select entity_id, {given} from {table.raw.qualified} where agency = %s and entity_id = any(%s)",
                (self._agency, list(entity_ids)),
            ).fetchall()
        )
