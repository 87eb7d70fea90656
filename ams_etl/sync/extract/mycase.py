"""MyCase's read side: lists and what changed in them, and clients and companies with all of their cases."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, ClassVar

import psycopg

from ams_etl.errors import ConfigError, DataError
from ams_etl.rules.model import Derivation, Finding
from ams_etl.rules.settings import RuleSettings, SourceSystem
from ams_etl.rules.systems.mycase import CLIENT, COMPANY, Party, derive, explain, staff_names
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.probe import Probe
from ams_etl.sources.calling.rotating_tokens import TokenStore
from ams_etl.sources.calling.source_record import SourceRecord
from ams_etl.sources.mycase import Kind, MyCase, MyCaseConnection, RecordKey, open_mycase
from ams_etl.store.merge import RawTable, Record
from ams_etl.sync.extract.extractor import Batch, SourceTable, incomplete_listing, rejected_rows, unreadable
from ams_etl.sync.interpret.interpreter import KeyColumn, live_payloads

STAFF = SourceTable(RawTable("raw_mycase", "staff"), "everybody")
CLIENTS = SourceTable(RawTable("raw_mycase", "clients"))
COMPANIES = SourceTable(RawTable("raw_mycase", "companies"))
CASES = SourceTable(RawTable("raw_mycase", "cases"), "raw_mycase.customers_of")
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

    async def everything(self) -> AsyncIterator[Batch]:
        """All staff, clients, companies and cases."""
        async for batch in self._lists(None):
            yield batch

    async def changed(self, since: datetime) -> AsyncIterator[Batch]:
        """What was created or updated after; nothing but a full sync tells of deletions.

        Older cases of the clients in them lie in raw, so that whichever was updated last is known all the same.
        """
        async for batch in self._lists(since):
            yield batch

    async def customers(self, customer_ids: Sequence[str]) -> AsyncIterator[Batch]:
        """These clients (`client:ID`) and companies (`company:ID`), and all cases of the clients."""
        kinds: dict[str, Kind] = {CLIENT: "clients", COMPANY: "companies"}
        keys = []
        for one in customer_ids:
            kind, _, number = one.rpartition(":")
            if kind not in kinds or not number.isdecimal():
                raise ConfigError(f"MyCase's customers are client:ID or company:ID, not {one!r}")
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
                yield Batch(CASES, [_record("cases", case) for case in cases or ()], cleared=[customer_id])
        async for key, record in self._mycase.records(keys):
            table = _TABLES[key.kind]
            if key.kind == "clients" and key.entity_id in without_cases:
                continue
            if isinstance(record, DataError):
                yield unreadable(table, key.entity_id, f"{_PARTIES[key.kind]}:{key.entity_id}", record)
                continue
            yield Batch(table, gone=[key.entity_id]) if record is None else Batch(table, [_record(key.kind, record)])

    async def _lists(self, since: datetime | None) -> AsyncIterator[Batch]:
        for kind, table in _TABLES.items():
            listed, total = set[str](), None
            async for page in self._mycase.listing(kind, since):
                listed.update(one.entity_id for one in page.records)
                total = page.total if total is None else total
                aside = rejected_rows(table, page.rejected)
                yield Batch(table, [_record(kind, one) for one in page.records], set_aside=aside)
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


class MyCaseInterpreter:
    """A client or company with every case that names it."""

    LIVE_CUSTOMERS: ClassVar[str] = """select customer_id from raw_mycase.clients
        where agency = %(agency)s and deleted_at is null
        union all select customer_id from raw_mycase.companies where agency = %(agency)s and deleted_at is null"""
    CUSTOMERS_BY_NUMBER: ClassVar[str] = """select customer_id from raw_mycase.clients
        where agency = %(agency)s and entity_id = %(number)s::text
        union all select customer_id from raw_mycase.companies where agency = %(agency)s and entity_id = %(number)s::text"""
    FIRST_SEEN: ClassVar[Mapping[str, tuple[str, KeyColumn]]] = {
        CLIENT: ("raw_mycase.clients", "entity_id"), COMPANY: ("raw_mycase.companies", "entity_id"),
    }  # fmt: skip

    def open(
        self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date
    ) -> "_MyCaseInterpretation":
        """Read the staff's names; those who left keep theirs."""
        return _MyCaseInterpretation(connection, agency, settings, today)


class _MyCaseInterpretation:
    def __init__(self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date) -> None:
        self._connection, self._agency, self._settings, self._today = connection, agency, settings, today
        rows = connection.execute("select payload from raw_mycase.staff where agency = %s", (agency,))
        self._staff = staff_names(row[0] for row in rows)

    def derive(self, customer_ids: Sequence[str]) -> list[tuple[str, Derivation]]:
        return [
            (party.customer_id, derive(party, self._staff, self._settings, self._today))
            for party in self._read(customer_ids)
        ]

    def explain(self, customer_ids: Sequence[str]) -> tuple[Finding, ...]:
        return tuple(
            finding for party in self._read(customer_ids) for finding in explain(party, self._settings, self._today)
        )

    def _read(self, customer_ids: Sequence[str]) -> list[Party]:
        cases: dict[str, list[Mapping[str, Any]]] = {}
        for customer_id, payload in self._connection.execute(
            """select l.customer_id, c.payload from raw_mycase.case_customers l
            join raw_mycase.cases c on (c.agency, c.entity_id) = (l.agency, l.case_id)
            where l.agency = %s and l.customer_id = any(%s) and c.deleted_at is null""",
            (self._agency, list(customer_ids)),
        ):
            cases.setdefault(customer_id, []).append(payload)
        found = []
        for kind, table in ((CLIENT, CLIENTS), (COMPANY, COMPANIES)):
            keys = [key for one, _, key in (given.partition(":") for given in customer_ids) if one == kind]
            rows = live_payloads(self._connection, self._agency, table.raw.qualified, "entity_id", keys)
            found += [Party(kind, record, tuple(cases.get(f"{kind}:{key}", ()))) for key, record in rows]
        return found
