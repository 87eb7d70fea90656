"""Record each sync in `ops.sync_runs`, and the work list from which a killed sync resumes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from ams_etl.scrubbing import scrubbed
from ams_etl.store.agency_db import column, scalar
from ams_etl.store.lease import Lease
from ams_etl.sync.scope import Mode, Trigger

RESUME_WITHIN: Mapping[Mode, timedelta] = {"full": timedelta(hours=24), "sweep": timedelta(days=14)}
"""An unfinished full sync older than this is not resumed, because what it read is too old. A sweep may be older: the list rows
that it stored are not seen as changed a second time."""


@dataclass(frozen=True, slots=True)
class SyncRun:
    """One sync. Every record that it reads carries its `started_at`; `resumed` means that an earlier run began it."""

    agency: str
    sync_id: UUID
    mode: Mode
    trigger: Trigger
    started_at: datetime
    resumed: bool
    sweep_complete: bool
    lease: Lease | None = None

    def check(self, connection: psycopg.Connection[Any]) -> None:
        """Refuse to store anything once another one reads the agency; call it inside the transaction that stores.

        Raises:
            LeaseLost: another holder has the lease now.
        """
        if self.lease is not None:
            self.lease.check(connection)


class SyncRuns:
    """Reads and writes one agency's `ops.sync_*` rows over an autocommit connection."""

    def __init__(self, connection: psycopg.Connection[Any], agency: str) -> None:
        self._connection = connection
        self._agency = agency

    def begin(
        self, mode: Mode, trigger: Trigger, run_id: str | None, *, fresh: bool = False, lease: Lease | None = None
    ) -> SyncRun:
        """Begin a sync, or resume the full sync or sweep that was cut off.

        Args:
            mode: what is read; a sync of some customers is never resumed.
            trigger: what started it.
            run_id: the Dagster run.
            fresh: leave a cut-off sync alone and begin another.
            lease: what lets it read everything; a sync of some customers has none.
        """
        if mode != "customers" and not fresh:
            row = self._connection.execute(
                """update ops.sync_runs set state = 'running', run_id = %(run_id)s, error = null
                where agency = %(agency)s and sync_id = (
                    select sync_id from ops.sync_runs where agency = %(agency)s and mode = %(mode)s
                    order by started_at desc limit 1)
                and state in ('running', 'failed') and extracted_at is null and started_at > now() - %(within)s
                returning sync_id, started_at, sweep_complete""",
                {"run_id": run_id, "agency": self._agency, "mode": mode, "within": RESUME_WITHIN[mode]},
            ).fetchone()
            if row:
                resumed_id, started_at, is_swept = row
                return SyncRun(
                    self._agency,
                    resumed_id,
                    mode,
                    trigger,
                    started_at,
                    resumed=True,
                    sweep_complete=is_swept,
                    lease=lease,
                )
        sync_id = uuid4()
        started = self._connection.execute(
            """insert into ops.sync_runs (agency, sync_id, mode, trigger, state, run_id)
            values (%s, %s, %s, %s, 'running', %s) returning started_at""",
            (self._agency, sync_id, mode, trigger, run_id),
        ).fetchone()
        if started is None:
            raise AssertionError("insert … returning gave no row")
        return SyncRun(
            self._agency, sync_id, mode, trigger, started[0], resumed=False, sweep_complete=False, lease=lease
        )

    def swept_prefixes(self, run: SyncRun) -> set[str]:
        """The prefixes that this sync has already asked for."""
        return set(
            column(
                self._connection,
                "select prefix from ops.sync_prefixes where agency = %s and sync_id = %s",
                (self._agency, run.sync_id),
            )
        )

    def known(self, run: SyncRun, customer_ids: Iterable[str]) -> set[str]:
        """Those of these customers that are on the work list already."""
        return set(
            column(
                self._connection,
                "select customer_id from ops.sync_customers where agency = %s and sync_id = %s and customer_id = any(%s)",
                (self._agency, run.sync_id, list(customer_ids)),
            )
        )

    def add_customers(self, run: SyncRun, customer_ids: Iterable[str], *, read: bool = False) -> None:
        """Put customers on the work list; `read` ones are there for the record, with nothing left to do."""
        self._connection.execute(
            """insert into ops.sync_customers (agency, sync_id, customer_id, read_at)
            select %s, %s, unnest(%s::text[]), case when %s then now() end on conflict do nothing""",
            (self._agency, run.sync_id, list(customer_ids), read),
        )

    def add_prefixes(self, run: SyncRun, row_counts: Mapping[str, int]) -> None:
        """Tick prefixes off; call it inside the transaction that stores their rows."""
        self._connection.execute(
            """insert into ops.sync_prefixes (agency, sync_id, prefix, row_count)
            select %s, %s, * from unnest(%s::text[], %s::int[]) on conflict do nothing""",
            (self._agency, run.sync_id, list(row_counts), list(row_counts.values())),
        )

    def complete_sweep(self, run: SyncRun) -> None:
        """Note that the work list is complete."""
        self._connection.execute(
            "update ops.sync_runs set sweep_complete = true where agency = %s and sync_id = %s",
            (self._agency, run.sync_id),
        )

    def listed(self, run: SyncRun) -> int:
        """How many customers are on the work list."""
        return self._count("select count(*) from ops.sync_customers where agency = %s and sync_id = %s", run)

    def unread(self, run: SyncRun) -> list[str]:
        """The customers still to read."""
        return column(
            self._connection,
            """select customer_id from ops.sync_customers
                where agency = %s and sync_id = %s and read_at is null order by customer_id""",
            (self._agency, run.sync_id),
        )

    def mark_read(self, run: SyncRun, customer_ids: Sequence[str]) -> None:
        """Tick customers off; call it inside the transaction that stores their records."""
        self._connection.execute(
            """update ops.sync_customers set read_at = now()
            where agency = %s and sync_id = %s and customer_id = any(%s)""",
            (self._agency, run.sync_id, list(customer_ids)),
        )

    def extracted(self, run: SyncRun, counts: Mapping[str, Any]) -> None:
        """All records are in raw; the work list is no longer needed."""
        with self._connection.transaction():
            self._connection.execute(
                """update ops.sync_runs set state = 'extracted', extracted_at = now(), counts = counts || %s
                where agency = %s and sync_id = %s""",
                (Jsonb(dict(counts)), self._agency, run.sync_id),
            )
            for table in ("sync_prefixes", "sync_customers"):
                self._connection.execute(
                    f"delete from ops.{table} where agency = %s and sync_id = %s", (self._agency, run.sync_id)
                )

    def failed(self, run: SyncRun, error: str) -> None:
        """Record why a sync stopped; a full one can be taken up again."""
        self._connection.execute(
            "update ops.sync_runs set state = 'failed', error = %s where agency = %s and sync_id = %s",
            (scrubbed(error)[:2000], self._agency, run.sync_id),
        )

    def published(self, counts: Mapping[str, Any]) -> None:
        """Record the publish on the newest extracted syncs."""
        self._connection.execute(
            """update ops.sync_runs set state = 'published', published_at = now(), counts = counts || %s
            where agency = %s and state = 'extracted'""",
            (Jsonb(dict(counts)), self._agency),
        )

    def _count(self, query: str, run: SyncRun) -> int:
        return int(scalar(self._connection, query, (self._agency, run.sync_id)) or 0)
