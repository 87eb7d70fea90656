"""Define what the read side of a system that lists its changes must offer: the half that needs a connection."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol, TypeVar

from ams_etl.errors import DataError
from ams_etl.rules.settings import SourceSystem
from ams_etl.sources.calling.answers import Rejected
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.probe import Probe
from ams_etl.store.merge import Record
from ams_etl.sync.raw.quarantine import Quarantined
from ams_etl.sync.raw.source_table import SourceTable

Key_contra = TypeVar("Key_contra", contravariant=True)
Batch_co = TypeVar("Batch_co", covariant=True)


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """Records as received, ids of deleted ones, and those to quarantine with the reason."""

    table: SourceTable
    records: Sequence[Record] = ()
    gone: Sequence[str] = ()
    seen: Sequence[str] | None = None
    """Ids that a listing shows; None: those of the records. What is listed and cannot be read is not taken for deleted."""
    set_aside: Sequence[Quarantined] = ()
    cleared: Sequence[str] = ()
    """Quarantined ids of this table that are readable again, beside those of `records` and `gone`."""


def rejected_rows(table: SourceTable, rejected: Sequence[Rejected]) -> list[Quarantined]:
    """Return what quarantines rows of a listing that were rejected.

    A row with a key leaves the quarantine once it is read again; one without is named by its place and reason alone.
    """
    return [
        Quarantined(table.raw.name, row.entity_id or row.reason, row.entity_id, "unreadable", row.reason)
        for row in rejected
    ]


def incomplete_listing(table: SourceTable, listed: int, total: int) -> SourceBatch:
    """Return a batch that says that a listing showed fewer records than it announced."""
    told = f"{listed:,} of {total:,} records were listed: nothing was deleted, and the next sync asks again"
    return SourceBatch(table, seen=(), set_aside=[Quarantined(table.raw.name, "listing", None, "incomplete", told)])


def unreadable(table: SourceTable, entity_id: str, customer_id: str, error: DataError) -> SourceBatch:
    """Return a batch that quarantines one record whose answer is an error; what raw has of it stays."""
    aside = [Quarantined(table.raw.name, entity_id, customer_id, "unreadable", str(error))]
    return SourceBatch(table, seen=[entity_id], set_aside=aside)


class Reads(Protocol[Key_contra, Batch_co]):
    """What every system's read side offers that can say what changed: three ways to read, each in batches to store."""

    @property
    def counts(self) -> CallCounts:
        """What was asked so far."""

    def everything(self) -> AsyncIterator[Batch_co]:
        """Enumerate and read all records."""

    def changed(self, since: datetime) -> AsyncIterator[Batch_co]:
        """Enumerate and read what changed or went at or after a moment, as far as the system tells."""

    def customers(self, customer_ids: Sequence[Key_contra]) -> AsyncIterator[Batch_co]:
        """Read these customers, as far as the system lets one be read."""


class Extractor(Reads[str, SourceBatch], Protocol):
    """One agency's system, open for reading, whose batches are records of one table."""

    SYSTEM: ClassVar[SourceSystem]
    TABLES: ClassVar[tuple[SourceTable, ...]]
    incomplete: set[SourceTable]
    """Tables whose full listing turned out to lack something: nothing of theirs is deleted."""

    async def probe(self) -> list[Probe]:
        """Whether what a sync asks is allowed."""


Opening = Callable[[], AbstractAsyncContextManager[Extractor]]
