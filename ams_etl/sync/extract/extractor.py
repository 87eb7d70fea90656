"""What is asked of a system that can say what changed: the half of its read side that needs a connection to it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from ams_etl.rules.settings import SourceSystem
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.probe import Probe
from ams_etl.store.merge import RawTable, Record
from ams_etl.sync.raw.quarantine import Quarantined


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
