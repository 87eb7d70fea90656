"""Read BenefitPoint into raw: everything, what findChanges lists, or some accounts.

Which accounts those are and what was read of them is the extractor's (`benefitpoint_extractor.py`). Here each batch is
stored in one transaction, and the cursor moves last, so that a sync that died is done again.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

import psycopg

from ams_etl.sources.benefitpoint.client import LONGEST_WINDOW, BenefitPointConnection, open_benefitpoint
from ams_etl.sources.calling.answers import Listing
from ams_etl.sources.calling.event_loop import run as run_async
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.lease import Lease
from ams_etl.store.loading.statistics import Growth
from ams_etl.store.merge import MergeCounts, RawTable, Record, merge_records
from ams_etl.sync.extract.benefitpoint_extractor import OVERLAP, BenefitPointExtractor
from ams_etl.sync.extract.extractor import Reads
from ams_etl.sync.extract.owner_read import OwnerRead
from ams_etl.sync.raw.benefitpoint_tables import ACCOUNTS, CONTACTS, OF_ACCOUNT, PLANS, REFERENCE, SYSTEM
from ams_etl.sync.raw.quarantine import Quarantined, forget_listing, set_aside

Mode = Literal["everything", "changed", "customers"]
FULL_EVERY = timedelta(days=7)
"""findChanges is believed so long; then everything is read."""
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class BenefitPointReport:
    """What was read and what that changed in raw."""

    mode: Mode
    tables: Mapping[str, MergeCounts]
    accounts_read: int
    quarantined: int
    calls: int
    calls_by_operation: Mapping[str, int]
    retries: int
    seconds: float


def extract_benefitpoint(
    connection: psycopg.Connection[Any],
    agency: str,
    benefitpoint: BenefitPointConnection,
    *,
    accounts: Sequence[int] = (),
    full: bool = False,
    lease: Lease | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> BenefitPointReport:
    """Bring `raw_benefitpoint` up to date.

    Args:
        connection: autocommit.
        agency: the agency id.
        benefitpoint: how to reach it.
        accounts: only these accounts.
        full: everything, though findChanges could tell; so it is by itself the first time, after a week, and when the
            last time was longer ago than findChanges looks back.
        lease: `benefitpoint_read`; None where nobody else can read.
        progress: called with a stage, how many are done and of how many.

    Raises:
        ConfigError, TransientError, PermanentError: as the source raises them; raw keeps what it had.
        DataError: a list cannot be read.
    """
    storing = _Storing(AgencyDb(connection, agency), lease, datetime.now(UTC))
    return run_async(_extract(storing, benefitpoint, accounts, full, progress))


@dataclass(frozen=True, slots=True)
class _Cursor:
    changes_since: datetime
    full_at: datetime

    def reaches(self, now: datetime) -> bool:
        """Whether findChanges can say what changed since."""
        return now - self.full_at <= FULL_EVERY and now - self.changes_since <= LONGEST_WINDOW - 2 * OVERLAP


async def _extract(
    storing: "_Storing", settings: BenefitPointConnection, only: Sequence[int], full: bool, progress: Progress
) -> BenefitPointReport:
    started = time.monotonic()
    cursor = storing.db.row(
        _Cursor, "select changes_since, full_at from ops.benefitpoint_cursors where agency = %(agency)s"
    )
    async with open_benefitpoint(settings) as benefitpoint:
        extractor = BenefitPointExtractor(benefitpoint, storing.db, settings.max_concurrency)
        reads: Reads[int, Any] = extractor
        storing.store_reference(await extractor.reference())
        mode: Mode
        if only:
            mode, batches = "customers", reads.customers(only)
        elif cursor is None or full or not cursor.reaches(datetime.now(UTC)):
            mode, batches = "everything", reads.everything()
        else:
            mode, batches = "changed", reads.changed(cursor.changes_since)
        done = 0
        async for batch in batches:
            if batch.listing is not None:
                storing.store_listing(batch.listing)
                continue
            await asyncio.to_thread(storing.store, batch.accounts)
            done += len(batch.accounts)
            progress("BenefitPoint accounts read", done, batch.total)
        calls = extractor.counts
    storing.finish(extractor.gone, extractor.asked_at, extractor.unplaced, full=mode == "everything")
    return BenefitPointReport(
        mode, storing.counts, extractor.read, storing.quarantined, calls.total, dict(calls.by_operation.most_common()),
        calls.retries, time.monotonic() - started,
    )  # fmt: skip


class _Storing:
    """One sync's way into raw: each batch a transaction, and the end of it one."""

    def __init__(self, db: AgencyDb, lease: Lease | None, seen_at: datetime) -> None:
        self.db, self._lease, self._seen_at = db, lease, seen_at
        self.counts: dict[str, MergeCounts] = {table.name: MergeCounts() for table in (*REFERENCE, *OF_ACCOUNT)}
        self.quarantined = 0
        self._growth = Growth(db.connection, [table.qualified for table in OF_ACCOUNT])

    def _check(self) -> None:
        if self._lease is not None:
            self._lease.check(self.db.connection)

    def store_reference(self, read: Mapping[RawTable, Listing]) -> None:
        """Store the lists that give codes their names; one with an unreadable record takes no name away."""
        with self.db.connection.transaction():
            self._check()
            for table, listing in read.items():
                records = [Record(str(row[REFERENCE[table]]), None, row) for row in listing.records]
                complete: Literal["agency"] | tuple[()] = () if listing.rejected else "agency"
                self._merge(table, records, complete)
                self._quarantine_rows(table, listing)

    def store_listing(self, listing: Listing) -> None:
        """Quarantine the rows of the list of accounts that cannot be read."""
        with self.db.connection.transaction():
            self._quarantine_rows(ACCOUNTS, listing)

    def store(self, batch: Sequence[OwnerRead]) -> None:
        """Store accounts with all beneath them, and what could not be read of them."""
        self._hold_back_without_plans(batch)
        with self.db.connection.transaction():
            self._check()
            for table in OF_ACCOUNT:
                rows = [row for account in batch for row in account.rows.get(table, ())]
                complete = [account.customer_id for account in batch if table not in account.incomplete]
                self._merge(table, rows, complete)
            self.quarantined += set_aside(
                self.db.connection,
                self.db.agency,
                uuid4(),
                (row for account in batch for row in account.set_aside),
                read_customers=[account.customer_id for account in batch],
                system=SYSTEM,
            )
        self._growth.reached(sum(self.counts[table.name].inserted for table in OF_ACCOUNT))

    def finish(
        self, gone: frozenset[str], asked_at: datetime | None, unplaced: Sequence[Quarantined], *, full: bool
    ) -> None:
        """Mark what is gone as deleted, quarantine what has no known account, and move the cursor (None: leave it)."""
        with self.db.connection.transaction():
            self._check()
            if gone:
                for table in OF_ACCOUNT:
                    self._merge(table, (), sorted(gone))
                set_aside(self.db.connection, self.db.agency, uuid4(), (), read_customers=sorted(gone), system=SYSTEM)
            if asked_at is not None:
                # Those of earlier syncs were asked for again, or everything was read.
                for table in (CONTACTS, PLANS):
                    forget_listing(self.db.connection, self.db.agency, table.name, uuid4(), system=SYSTEM)
                self.quarantined += set_aside(self.db.connection, self.db.agency, uuid4(), unplaced, system=SYSTEM)
                self.db.execute(
                    """insert into ops.benefitpoint_cursors as c (agency, changes_since, full_at)
                    values (%(agency)s, %(since)s, %(seen_at)s)
                    on conflict (agency) do update set changes_since = excluded.changes_since, synced_at = now(),
                        full_at = case when %(full)s then excluded.full_at else c.full_at end""",
                    since=asked_at,
                    seen_at=self._seen_at,
                    full=full,
                )

    def _merge(
        self, table: RawTable, records: Sequence[Record], complete_for: Sequence[str] | Literal["agency"]
    ) -> None:
        self.counts[table.name] += merge_records(
            self.db.connection, table, self.db.agency, records, seen_at=self._seen_at, complete_for=complete_for
        )

    def _quarantine_rows(self, table: RawTable, listing: Listing) -> None:
        sync_id = uuid4()
        forget_listing(self.db.connection, self.db.agency, table.name, sync_id, system=SYSTEM)
        rows = [
            Quarantined(table.name, row.entity_id or f"row: {row.reason}", None, "unreadable", row.reason)
            for row in listing.rejected
        ]
        self.quarantined += set_aside(self.db.connection, self.db.agency, sync_id, rows, system=SYSTEM)

    def _hold_back_without_plans(self, batch: Sequence[OwnerRead]) -> None:
        """Hold back an account that raw does not have and whose plans could not be read: it would pass for a prospect."""
        doubtful = [found for found in batch if PLANS in found.incomplete and ACCOUNTS in found.rows]
        known = self.db.column(
            f"""select entity_id from {ACCOUNTS.qualified}
            where agency = %(agency)s and entity_id = any(%(doubtful)s) and deleted_at is null""",
            doubtful=[found.customer_id for found in doubtful],
        )
        for found in doubtful:
            if found.customer_id not in known:
                found.hold_back(OF_ACCOUNT, "its plans cannot be read")
