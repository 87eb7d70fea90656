"""Read QQ Catalyst's contacts and policies from a given day on, and the account information of every customer among them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import ClassVar

from ams_etl.errors import ConfigError, DataError
from ams_etl.rules.records.ams360 import flag
from ams_etl.rules.settings import SourceSystem
from ams_etl.rules.systems.qq_catalyst import is_customer
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.probe import Probe
from ams_etl.sources.calling.source_record import SourceRecord
from ams_etl.sources.qq_catalyst import BEGINNING, QQCatalyst, QQCatalystConnection, open_qq_catalyst
from ams_etl.store.merge import Record
from ams_etl.sync.extract.extractor import SourceBatch, incomplete_listing, rejected_rows, unreadable
from ams_etl.sync.raw.faults import Faults
from ams_etl.sync.raw.qq_catalyst_tables import ACCOUNT_INFOS, CONTACTS, POLICIES
from ams_etl.sync.raw.source_table import SourceTable

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

    async def everything(self) -> AsyncIterator[SourceBatch]:
        """A window that holds everything."""
        async for batch in self._since(BEGINNING):
            yield batch

    async def changed(self, since: datetime) -> AsyncIterator[SourceBatch]:
        """Read a window from that day on. A contact whose CSR changed may not be in it; a full sync finds it."""
        async for batch in self._since(since.date()):
            yield batch

    async def customers(self, customer_ids: Sequence[str]) -> AsyncIterator[SourceBatch]:
        """Their account information: no call reads one contact's row."""
        wrong = [customer_id for customer_id in customer_ids if not customer_id.isdecimal()]
        if wrong:
            raise ConfigError(f"QQ Catalyst knows contacts by numbers, not by {wrong[0]!r}")
        async for batch in self._infos(customer_ids):
            yield batch

    async def _since(self, day: date) -> AsyncIterator[SourceBatch]:
        # Policies come first: a sync that ends before them leaves no contact that would pass for a prospect.
        listed, total = set[str](), 0
        async for page in self._qq.policies(day):
            living = [record for record in page.records if not flag(record.payload.get("IsDeleted"))]
            gone = [record.entity_id for record in page.records if flag(record.payload.get("IsDeleted"))]
            listed.update(record.entity_id for record in page.records)
            total = max(total, page.total)
            yield SourceBatch(
                POLICIES, [_record(record) for record in living], gone, set_aside=rejected_rows(POLICIES, page.rejected)
            )
        if len(listed) < total:
            self.incomplete.add(POLICIES)
            yield incomplete_listing(POLICIES, len(listed), total)
        customers: list[str] = []
        listed, total = set(), 0
        async for page in self._qq.contacts(day):
            living = [record for record in page.records if record.payload.get("Status") != "D"]
            customers += (contact.entity_id for contact in living if is_customer(contact.payload))
            listed.update(record.entity_id for record in page.records)
            total = max(total, page.total)
            gone = [record.entity_id for record in page.records if record.payload.get("Status") == "D"]
            yield SourceBatch(
                CONTACTS, [_record(record) for record in living], gone, set_aside=rejected_rows(CONTACTS, page.rejected)
            )
        if len(listed) < total:
            # Pages of a window that moved while it was read may have passed somebody by.
            self.incomplete |= {CONTACTS, ACCOUNT_INFOS}
            yield incomplete_listing(CONTACTS, len(listed), total)
        async for batch in self._infos(dict.fromkeys(customers)):
            yield batch

    async def _infos(self, contact_ids: Sequence[str] | Mapping[str, None]) -> AsyncIterator[SourceBatch]:
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
                yield SourceBatch(ACCOUNT_INFOS, found, gone)
                found, gone = [], []
        yield SourceBatch(ACCOUNT_INFOS, found, gone)


def _record(one: SourceRecord) -> Record:
    return Record(one.entity_id, one.customer_id, one.payload)


@asynccontextmanager
async def open_qq_catalyst_extractor(connection: QQCatalystConnection) -> AsyncIterator[QQCatalystExtractor]:
    """An agency's QQ Catalyst, open for reading."""
    async with open_qq_catalyst(connection) as qq:
        yield QQCatalystExtractor(qq)
