"""Read MyCase's lists, whole or what was updated since, and single clients and companies with all of their cases."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, ClassVar

from ams_etl.errors import ConfigError, DataError
from ams_etl.rules.settings import SourceSystem
from ams_etl.rules.systems.mycase import CLIENT, COMPANY
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.probe import Probe
from ams_etl.sources.calling.rotating_tokens import TokenStore
from ams_etl.sources.calling.source_record import SourceRecord
from ams_etl.sources.mycase import Kind, MyCase, MyCaseConnection, RecordKey, open_mycase
from ams_etl.store.merge import Record
from ams_etl.sync.extract.extractor import SourceBatch, incomplete_listing, rejected_rows, unreadable
from ams_etl.sync.raw.mycase_tables import CASES, CLIENTS, COMPANIES, STAFF
from ams_etl.sync.raw.source_table import SourceTable

_TABLES: Mapping[Kind, SourceTable] = {"staff": STAFF, "cases": CASES, "clients": CLIENTS, "companies": COMPANIES}
"""In the order of reading: a sync that ends before the cases leaves no client that would pass for a prospect."""
_PARTIES = {"clients": CLIENT, "companies": COMPANY}


class MyCaseExtractor:
    """Reads the four lists, whole or what was updated, or single clients and companies with their cases."""

    SYSTEM: ClassVar[SourceSystem] = "mycase"
    TABLES: ClassVar[tuple[SourceTable, ...]] = tuple(_TABLES.values())

    def __init__(self, mycase: MyCase) -> None:
        self._mycase = mycase
        self.incomplete: set[SourceTable] = set()

    @property
    def counts(self) -> CallCounts:
        """What was asked so far."""
        return self._mycase.counts

    async def probe(self) -> list[Probe]:
        """Whether what a sync asks is allowed."""
        return await self._mycase.probe()

    async def everything(self) -> AsyncIterator[SourceBatch]:
        """All staff, clients, companies and cases."""
        async for batch in self._lists(None):
            yield batch

    async def changed(self, since: datetime) -> AsyncIterator[SourceBatch]:
        """Read what was created or updated after; only a full sync finds deletions.

        Older cases of the clients in them lie in raw, so that whichever was updated last is known all the same.
        """
        async for batch in self._lists(since):
            yield batch

    async def customers(self, customer_ids: Sequence[str]) -> AsyncIterator[SourceBatch]:
        """These clients (`client:ID`) and companies (`company:ID`), and all cases of the clients."""
        kinds: dict[str, Kind] = {CLIENT: "clients", COMPANY: "companies"}
        keys = []
        for wanted in customer_ids:
            kind, _, number = wanted.rpartition(":")
            if kind not in kinds or not number.isdecimal():
                raise ConfigError(f"MyCase's customers are client:ID or company:ID, not {wanted!r}")
            keys.append(RecordKey(kinds[kind], number))
        clients = [key.entity_id for key in keys if key.kind == "clients"]
        without_cases = set()
        # Cases come first: a client whose cases cannot be read is not stored, since it would pass for a prospect.
        async for client_id, cases in self._mycase.cases_of(clients):
            customer_id = f"{CLIENT}:{client_id}"
            if isinstance(cases, DataError):
                without_cases.add(client_id)
                yield unreadable(CASES, customer_id, customer_id, cases)
            else:
                yield SourceBatch(CASES, [_record("cases", case) for case in cases or ()], cleared=[customer_id])
        async for key, record in self._mycase.records(keys):
            table = _TABLES[key.kind]
            if key.kind == "clients" and key.entity_id in without_cases:
                continue
            if isinstance(record, DataError):
                yield unreadable(table, key.entity_id, f"{_PARTIES[key.kind]}:{key.entity_id}", record)
                continue
            yield (
                SourceBatch(table, gone=[key.entity_id])
                if record is None
                else SourceBatch(table, [_record(key.kind, record)])
            )

    async def _lists(self, since: datetime | None) -> AsyncIterator[SourceBatch]:
        for kind, table in _TABLES.items():
            listed, total = set[str](), None
            async for page in self._mycase.listing(kind, since):
                listed.update(record.entity_id for record in page.records)
                total = page.total if total is None else total
                aside = rejected_rows(table, page.rejected)
                yield SourceBatch(table, [_record(kind, record) for record in page.records], set_aside=aside)
                if page.rejected:
                    self.incomplete.add(table)
            if total is not None and len(listed) < total:
                self.incomplete.add(table)
                yield incomplete_listing(table, len(listed), total)


def _record(kind: Kind, one: SourceRecord) -> Record:
    party = _PARTIES.get(kind)
    return Record(one.entity_id, f"{party}:{one.entity_id}" if party else None, one.payload)


def mycase_opening(connection: MyCaseConnection, tokens: TokenStore) -> Callable[[], Any]:
    """What opens a firm's MyCase for reading."""

    @asynccontextmanager
    async def opening() -> AsyncIterator[MyCaseExtractor]:
        async with open_mycase(connection, tokens) as mycase:
            yield MyCaseExtractor(mycase)

    return opening
