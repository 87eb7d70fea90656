"""Read HawkSoft's clients and offices: all, those changed since a moment, or single clients."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import ClassVar

from ams_etl.errors import ConfigError
from ams_etl.rules.settings import SourceSystem
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.probe import Probe
from ams_etl.sources.hawksoft import HawkSoft, HawkSoftConnection, open_hawksoft
from ams_etl.store.merge import Record
from ams_etl.sync.extract.extractor import SourceBatch
from ams_etl.sync.raw.hawksoft_tables import CLIENTS, OFFICES
from ams_etl.sync.raw.quarantine import Quarantined
from ams_etl.sync.raw.source_table import SourceTable


class HawkSoftExtractor:
    """Enumerates client numbers, and reads the clients behind them in bulk."""

    SYSTEM: ClassVar[SourceSystem] = "hawksoft"
    TABLES: ClassVar[tuple[SourceTable, ...]] = (OFFICES, CLIENTS)

    def __init__(self, hawksoft: HawkSoft) -> None:
        self._hawksoft = hawksoft
        self.incomplete: set[SourceTable] = set()

    @property
    def counts(self) -> CallCounts:
        """What was asked so far."""
        return self._hawksoft.counts

    async def probe(self) -> list[Probe]:
        """Whether what a sync asks is allowed."""
        return await self._hawksoft.probe()

    async def everything(self) -> AsyncIterator[SourceBatch]:
        """Read every listed client; one that is listed and not returned is kept and quarantined."""
        yield await self._offices()
        async for batch in self._clients(await self._hawksoft.client_numbers()):
            yield batch

    async def changed(self, since: datetime) -> AsyncIterator[SourceBatch]:
        """Clients changed or deleted since: deleted are those listed only when deleted ones are asked for too."""
        yield await self._offices()
        living = await self._hawksoft.client_numbers(since)
        async for batch in self._clients(living):
            yield batch
        gone = set(await self._hawksoft.client_numbers(since, deleted=True)) - set(living)
        yield SourceBatch(CLIENTS, gone=[str(number) for number in sorted(gone)])

    async def customers(self, customer_ids: Sequence[str]) -> AsyncIterator[SourceBatch]:
        """These clients; who is not given any more is gone."""
        wrong = [customer_id for customer_id in customer_ids if not customer_id.isdecimal()]
        if wrong:
            raise ConfigError(f"HawkSoft knows clients by numbers, not by {wrong[0]!r}")
        async for batch in self._clients([int(customer_id) for customer_id in customer_ids], absent_is_gone=True):
            yield batch

    async def _offices(self) -> SourceBatch:
        found = await self._hawksoft.offices()
        return SourceBatch(OFFICES, [Record(record.entity_id, None, record.payload) for record in found])

    async def _clients(self, numbers: Sequence[int], *, absent_is_gone: bool = False) -> AsyncIterator[SourceBatch]:
        absent = {str(number) for number in numbers}
        unreadable = ""
        async for records, rejected in self._hawksoft.clients(numbers):
            found = [Record(record.entity_id, record.customer_id, record.payload) for record in records]
            absent -= {record.entity_id for record in found}
            unreadable = unreadable or (rejected[0].reason if rejected else "")
            yield SourceBatch(CLIENTS, found)
        missing = sorted(absent)
        if absent_is_gone and not unreadable:
            yield SourceBatch(CLIENTS, gone=missing)
        elif missing:
            why = f"listed, but the bulk read lacks it{unreadable and f' and holds a record whose {unreadable}'}"
            aside = [Quarantined("clients", number, number, "vanished", why) for number in missing]
            yield SourceBatch(CLIENTS, seen=missing, set_aside=aside)


@asynccontextmanager
async def open_hawksoft_extractor(connection: HawkSoftConnection) -> AsyncIterator[HawkSoftExtractor]:
    """An agency's HawkSoft, open for reading."""
    async with open_hawksoft(connection) as hawksoft:
        yield HawkSoftExtractor(hawksoft)
