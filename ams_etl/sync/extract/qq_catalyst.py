"""QQ Catalyst's read side: windows of contacts and policies, account information beside, and what they mean."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, ClassVar

import psycopg

from ams_etl.errors import ConfigError, DataError
from ams_etl.rules.model import Derivation, Finding
from ams_etl.rules.settings import RuleSettings, SourceSystem
from ams_etl.rules.systems.qq_catalyst import derive, explain, is_customer
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.probe import Probe
from ams_etl.sources.calling.source_record import SourceRecord
from ams_etl.sources.qq_catalyst import BEGINNING, QQCatalyst, QQCatalystConnection, open_qq_catalyst
from ams_etl.store.merge import RawTable, Record
from ams_etl.sync.extract.extractor import Batch, SourceTable, incomplete_listing, rejected_rows, unreadable
from ams_etl.sync.extract.faults import Faults
from ams_etl.sync.interpret.interpreter import KeyColumn, live_payloads

CONTACTS = SourceTable(RawTable("raw_qq_catalyst", "contacts"))
ACCOUNT_INFOS = SourceTable(RawTable("raw_qq_catalyst", "account_infos"))
POLICIES = SourceTable(RawTable("raw_qq_catalyst", "policies"))
_INFOS_AT_ONCE = 500


class QQCatalystExtractor:
    """Reads windows page by page, and the account information of each customer in them."""

    SYSTEM: ClassVar[SourceSystem] = "qq_catalyst"
    TABLES: ClassVar[tuple[SourceTable, ...]] = (CONTACTS, ACCOUNT_INFOS, POLICIES)

    def __init__(self, qq: QQCatalyst) -> None:
        self._qq = qq
        self.incomplete: set[SourceTable] = set()

    @property
    def counts(self) -> CallCounts:
        """What was asked so far."""
        return self._qq.counts

    async def probe(self) -> list[Probe]:
        """Whether what a sync asks is allowed."""
        return await self._qq.probe()

    async def everything(self) -> AsyncIterator[Batch]:
        """A window that holds everything."""
        async for batch in self._since(BEGINNING):
            yield batch

    async def changed(self, since: datetime) -> AsyncIterator[Batch]:
        """A window from that day on. Whether a new CSR moves a contact into it is not told: a full sync sees all."""
        async for batch in self._since(since.date()):
            yield batch

    async def customers(self, customer_ids: Sequence[str]) -> AsyncIterator[Batch]:
        """Their account information: no call reads one contact's row."""
        wrong = [one for one in customer_ids if not one.isdecimal()]
        if wrong:
            raise ConfigError(f"QQ Catalyst knows contacts by numbers, not by {wrong[0]!r}")
        async for batch in self._infos(customer_ids):
            yield batch

    async def _since(self, day: date) -> AsyncIterator[Batch]:
        # Policies come first: a sync that ends before them leaves no contact that would pass for a prospect.
        listed, total = set[str](), 0
        async for page in self._qq.policies(day):
            living = [one for one in page.records if one.payload.get("IsDeleted") is not True]
            gone = [one.entity_id for one in page.records if one.payload.get("IsDeleted") is True]
            listed.update(one.entity_id for one in page.records)
            total = max(total, page.total)
            yield Batch(
                POLICIES, [_record(one) for one in living], gone, set_aside=rejected_rows(POLICIES, page.rejected)
            )
        if len(listed) < total:
            self.incomplete.add(POLICIES)
            yield incomplete_listing(POLICIES, len(listed), total)
        customers: list[str] = []
        listed, total = set(), 0
        async for page in self._qq.contacts(day):
            living = [one for one in page.records if one.payload.get("Status") != "D"]
            customers += (one.entity_id for one in living if is_customer(one.payload))
            listed.update(one.entity_id for one in page.records)
            total = max(total, page.total)
            gone = [one.entity_id for one in page.records if one.payload.get("Status") == "D"]
            yield Batch(
                CONTACTS, [_record(one) for one in living], gone, set_aside=rejected_rows(CONTACTS, page.rejected)
            )
        if len(listed) < total:
            # Pages of a window that moved while it was read may have passed somebody by.
            self.incomplete |= {CONTACTS, ACCOUNT_INFOS}
            yield incomplete_listing(CONTACTS, len(listed), total)
        async for batch in self._infos(dict.fromkeys(customers)):
            yield batch

    async def _infos(self, contact_ids: Sequence[str] | Mapping[str, None]) -> AsyncIterator[Batch]:
        found: list[Record] = []
        gone: list[str] = []
        faults = Faults("QQ Catalyst AccountInfo")
        async for contact_id, info in self._qq.account_infos(contact_ids):
            faults.count(info)
            if isinstance(info, DataError):
                yield unreadable(ACCOUNT_INFOS, contact_id, contact_id, info)
            elif info is None:
                gone.append(contact_id)
            else:
                found.append(_record(info))
            if len(found) + len(gone) >= _INFOS_AT_ONCE:
                yield Batch(ACCOUNT_INFOS, found, gone)
                found, gone = [], []
        yield Batch(ACCOUNT_INFOS, found, gone)


def _record(one: SourceRecord) -> Record:
    return Record(one.entity_id, one.customer_id, one.payload)


@asynccontextmanager
async def open_qq_catalyst_extractor(connection: QQCatalystConnection) -> AsyncIterator[QQCatalystExtractor]:
    """An agency's QQ Catalyst, open for reading."""
    async with open_qq_catalyst(connection) as qq:
        yield QQCatalystExtractor(qq)


class QQCatalystInterpreter:
    """A contact with its account information and policies."""

    LIVE_CUSTOMERS: ClassVar[str] = (
        "select entity_id as customer_id from raw_qq_catalyst.contacts where agency = %(agency)s and deleted_at is null"
    )
    CUSTOMERS_BY_NUMBER: ClassVar[str] = """select entity_id from raw_qq_catalyst.contacts
        where agency = %(agency)s and (entity_id = %(number)s::text or ltrim(payload ->> 'CustomerNo', '0') = %(number)s::text)"""
    FIRST_SEEN: ClassVar[Mapping[str, tuple[str, KeyColumn]]] = {"contact": ("raw_qq_catalyst.contacts", "entity_id")}

    def open(
        self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date
    ) -> "_QQCatalystInterpretation":
        """Names stand with the records: nothing is read ahead."""
        return _QQCatalystInterpretation(connection, agency, settings, today)


class _QQCatalystInterpretation:
    def __init__(self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date) -> None:
        self._connection, self._agency, self._settings, self._today = connection, agency, settings, today

    def derive(self, customer_ids: Sequence[str]) -> list[tuple[str, Derivation]]:
        return [(key, derive(*found, self._settings, self._today)) for key, found in self._read(customer_ids).items()]

    def explain(self, customer_ids: Sequence[str]) -> tuple[Finding, ...]:
        return tuple(
            finding
            for found in self._read(customer_ids).values()
            for finding in explain(*found, self._settings, self._today)
        )

    def _read(
        self, customer_ids: Sequence[str]
    ) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any], list[Mapping[str, Any]]]]:
        def rows(table: SourceTable, column: str) -> list[tuple[str, Mapping[str, Any]]]:
            return live_payloads(self._connection, self._agency, table.raw.qualified, column, customer_ids)

        infos = dict(rows(ACCOUNT_INFOS, "entity_id"))
        policies: dict[str, list[Mapping[str, Any]]] = {}
        for customer_id, payload in rows(POLICIES, "customer_id"):
            policies.setdefault(customer_id, []).append(payload)
        return {
            key: (payload, infos.get(key, {}), policies.get(key, [])) for key, payload in rows(CONTACTS, "entity_id")
        }
