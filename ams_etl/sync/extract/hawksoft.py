"""HawkSoft's read side: which clients to read, and what their raw records mean."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, ClassVar

import psycopg

from ams_etl.errors import ConfigError
from ams_etl.rules.model import Derivation, Finding
from ams_etl.rules.settings import RuleSettings, SourceSystem
from ams_etl.rules.systems.hawksoft import derive, explain, offices_of
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.probe import Probe
from ams_etl.sources.hawksoft import HawkSoft, HawkSoftConnection, open_hawksoft
from ams_etl.store.merge import RawTable, Record
from ams_etl.sync.extract.extractor import Batch, SourceTable
from ams_etl.sync.interpret.interpreter import KeyColumn, live_payloads
from ams_etl.sync.raw.quarantine import Quarantined

CLIENTS = SourceTable(RawTable("raw_hawksoft", "clients"))
OFFICES = SourceTable(RawTable("raw_hawksoft", "offices"), "everybody")


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

    async def everything(self) -> AsyncIterator[Batch]:
        """Every client that is listed; one that is listed and not given is kept, and told."""
        yield await self._offices()
        async for batch in self._clients(await self._hawksoft.client_numbers()):
            yield batch

    async def changed(self, since: datetime) -> AsyncIterator[Batch]:
        """Clients changed or deleted since: deleted are those listed only when deleted ones are asked for too."""
        yield await self._offices()
        living = await self._hawksoft.client_numbers(since)
        async for batch in self._clients(living):
            yield batch
        gone = set(await self._hawksoft.client_numbers(since, deleted=True)) - set(living)
        yield Batch(CLIENTS, gone=[str(number) for number in sorted(gone)])

    async def customers(self, customer_ids: Sequence[str]) -> AsyncIterator[Batch]:
        """These clients; who is not given any more is gone."""
        wrong = [one for one in customer_ids if not one.isdecimal()]
        if wrong:
            raise ConfigError(f"HawkSoft knows clients by numbers, not by {wrong[0]!r}")
        async for batch in self._clients([int(one) for one in customer_ids], absent_is_gone=True):
            yield batch

    async def _offices(self) -> Batch:
        found = await self._hawksoft.offices()
        return Batch(OFFICES, [Record(one.entity_id, None, one.payload) for one in found])

    async def _clients(self, numbers: Sequence[int], *, absent_is_gone: bool = False) -> AsyncIterator[Batch]:
        absent = {str(number) for number in numbers}
        unreadable = ""
        async for records, rejected in self._hawksoft.clients(numbers):
            found = [Record(record.entity_id, record.customer_id, record.payload) for record in records]
            absent -= {record.entity_id for record in found}
            unreadable = unreadable or (rejected[0].reason if rejected else "")
            yield Batch(CLIENTS, found)
        missing = sorted(absent)
        if absent_is_gone and not unreadable:
            yield Batch(CLIENTS, gone=missing)
        elif missing:
            why = f"listed, but the bulk read lacks it{unreadable and f' and holds a record whose {unreadable}'}"
            aside = [Quarantined("clients", number, number, "vanished", why) for number in missing]
            yield Batch(CLIENTS, seen=missing, set_aside=aside)


@asynccontextmanager
async def open_hawksoft_extractor(connection: HawkSoftConnection) -> AsyncIterator[HawkSoftExtractor]:
    """An agency's HawkSoft, open for reading."""
    async with open_hawksoft(connection) as hawksoft:
        yield HawkSoftExtractor(hawksoft)


class HawkSoftInterpreter:
    """A client is one record, with people, contacts and policies inside."""

    LIVE_CUSTOMERS: ClassVar[str] = (
        "select entity_id as customer_id from raw_hawksoft.clients where agency = %(agency)s and deleted_at is null"
    )
    CUSTOMERS_BY_NUMBER: ClassVar[str] = (
        "select entity_id from raw_hawksoft.clients where agency = %(agency)s and entity_id = %(number)s::text"
    )
    FIRST_SEEN: ClassVar[Mapping[str, tuple[str, KeyColumn]]] = {
        "client": ("raw_hawksoft.clients", "entity_id"), "person": ("raw_hawksoft.clients", "customer_id"),
    }  # fmt: skip

    def open(
        self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date
    ) -> "_HawkSoftInterpretation":
        """Read the offices' names."""
        return _HawkSoftInterpretation(connection, agency, settings, today)


class _HawkSoftInterpretation:
    def __init__(self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date) -> None:
        self._connection, self._agency, self._settings, self._today = connection, agency, settings, today
        rows = connection.execute("select payload from raw_hawksoft.offices where agency = %s", (agency,))
        self._offices = offices_of([row[0] for row in rows])

    def derive(self, customer_ids: Sequence[str]) -> list[tuple[str, Derivation]]:
        return [
            (key, derive(client, self._offices, self._settings, self._today))
            for key, client in self._read(customer_ids)
        ]

    def explain(self, customer_ids: Sequence[str]) -> tuple[Finding, ...]:
        return tuple(
            finding
            for _, client in self._read(customer_ids)
            for finding in explain(client, self._offices, self._settings, self._today)
        )

    def _read(self, customer_ids: Sequence[str]) -> list[tuple[str, Mapping[str, Any]]]:
        return live_payloads(self._connection, self._agency, CLIENTS.raw.qualified, "entity_id", customer_ids)
