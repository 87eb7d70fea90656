"""BenefitPoint, open for reading: everything, what findChanges lists, or some accounts, each with all beneath it.

A deleted contact or plan is one that its account's list lacks; a deleted account is one that a complete list of accounts
lacks or that findChanges calls deleted. An account that cannot be read deletes nothing.

A fault that answers one read is that record's: it is retried, then the record is quarantined, and the sync goes on until
faults are many (`faults.py`).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ams_etl.errors import DataError
from ams_etl.sources.benefitpoint.client import BenefitPoint, BenefitPointRefused, Changes
from ams_etl.sources.calling.answers import Listing
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.faults import SoapFault
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.merge import RawTable, Record
from ams_etl.sync.extract.owner_read import OwnerRead, answer_or_error
from ams_etl.sync.raw.benefitpoint_tables import (
    ACCOUNTS,
    CARRIERS,
    CONTACTS,
    OF_ACCOUNT,
    OFFICES,
    PLANS,
    PRODUCT_TYPES,
    SYSTEM,
    USERS,
)
from ams_etl.sync.raw.faults import Faults
from ams_etl.sync.raw.quarantine import Quarantined

BATCH = 100
"""Accounts of one batch, which is stored in one transaction."""
OVERLAP = timedelta(minutes=10)
"""How far findChanges looks back before its last moment: it lists now what was being written then."""


@dataclass(frozen=True, slots=True)
class AccountBatch:
    """Accounts as read, of how many in all; or first of all the list of accounts."""

    accounts: Sequence[OwnerRead] = ()
    total: int = 0
    listing: Listing | None = None


class BenefitPointExtractor:
    """One agency's BenefitPoint, open for reading.

    Args:
        benefitpoint: the open connection.
        db: which accounts, contacts and plans raw has.
        max_concurrency: accounts read at a time.

    Attributes:
        gone: accounts that are surely deleted.
        asked_at: from when on the next sync asks for changes; None where only some accounts were read.
        unplaced: changed contacts and plans that could not be read and whose account is not known; asked for again by
            the next sync.
        read: how many accounts there were to read.
    """

    def __init__(self, benefitpoint: BenefitPoint, db: AgencyDb, max_concurrency: int) -> None:
        self._benefitpoint, self._db = benefitpoint, db
        self._turns = asyncio.Semaphore(max(1, max_concurrency))
        self.gone: frozenset[str] = frozenset()
        self.asked_at: datetime | None = None
        self.unplaced: list[Quarantined] = []
        self.read = 0
        self._faults = Faults("BenefitPoint accounts")

    @property
    def counts(self) -> CallCounts:
        """What was asked so far."""
        return self._benefitpoint.counts

    async def reference(self) -> dict[RawTable, Listing]:
        """Read the lists that give codes their names."""
        offices, users, carriers, types = await asyncio.gather(
            self._benefitpoint.offices(),
            self._benefitpoint.users(),
            self._benefitpoint.carriers(),
            self._benefitpoint.product_types(),
        )
        return {OFFICES: offices, USERS: users, CARRIERS: carriers, PRODUCT_TYPES: types}

    async def everything(self) -> AsyncIterator[AccountBatch]:
        """Enumerate and read all accounts."""
        # Asked before the list: the next sync finds what changes while the list is read.
        self.asked_at = (await self._benefitpoint.changes(datetime.now(UTC) - OVERLAP)).asked_at
        listing = await self._benefitpoint.accounts()
        yield AccountBatch(listing=listing)
        listed = [int(row["accountID"]) for row in listing.records]
        known = self._db.column(
            "select entity_id from raw_benefitpoint.accounts where agency = %(agency)s and deleted_at is null"
        )
        if listing.rejected:
            # A row that cannot be read may be any account's: none is taken for deleted, all known ones are read.
            listed = list(dict.fromkeys([*listed, *map(int, known)]))
        self.gone = frozenset(known) - {str(account_id) for account_id in listed}
        async for batch in self.customers(listed):
            yield batch

    async def changed(self, since: datetime) -> AsyncIterator[AccountBatch]:
        """Read the accounts that changed at or after a moment, and those that could not be read the last time."""
        changes = await self._benefitpoint.changes(since - OVERLAP)
        self.asked_at = changes.asked_at
        self.gone = frozenset(str(account_id) for account_id in changes.deleted.get("Account", ()))
        touched = await self._accounts_touched(changes)
        # findChanges does not list again what could not be read last time.
        touched.update(
            int(account_id)
            for account_id in self._db.column(
                """select distinct customer_id from ops.quarantine
                where agency = %(agency)s and system = %(system)s and customer_id is not null""",
                system=SYSTEM,
            )
        )
        wanted = sorted(account_id for account_id in touched if str(account_id) not in self.gone)
        async for batch in self.customers(wanted):
            yield batch

    async def customers(self, account_ids: Sequence[int]) -> AsyncIterator[AccountBatch]:
        """Read these accounts."""
        wanted = list(dict.fromkeys(account_ids))
        self.read = len(wanted)
        for start in range(0, len(wanted), BATCH):
            batch = await asyncio.gather(*(self._in_turn(account_id) for account_id in wanted[start : start + BATCH]))
            yield AccountBatch(batch, len(wanted))

    async def _in_turn(self, account_id: int) -> OwnerRead:
        async with self._turns:
            found = await self._account(account_id)
            self._faults.count(found.fault)
            return found

    async def _account(self, account_id: int) -> OwnerRead:
        """Read an account with its contacts and plans; what cannot be read is quarantined with its reason."""
        key = str(account_id)
        found = OwnerRead(key)
        account, contacts, plans = await asyncio.gather(
            _or_error(self._benefitpoint.account(account_id)),
            _or_error(self._benefitpoint.contacts(account_id)),
            _or_error(self._plans(account_id, found)),
        )
        found.fault = _fault_in((account, contacts, plans)) or found.fault
        if isinstance(account, Exception):
            reason = "vanished" if isinstance(account, BenefitPointRefused) else "unreadable"
            found.quarantine(ACCOUNTS, key, reason, account)
            found.incomplete.update(OF_ACCOUNT)
            return found
        found.rows[ACCOUNTS] = [Record(key, key, account)]
        found.add_listing(CONTACTS, contacts, lambda row: (row.get("contact") or {}).get("contactID"))
        found.add_listing(PLANS, plans, lambda row: row.get("productID"))
        return found

    async def _plans(self, account_id: int, found: OwnerRead) -> Listing:
        listed = await self._benefitpoint.products(account_id)
        ids = [row["productID"] for row in listed.records]
        answers = await asyncio.gather(*(_or_error(self._benefitpoint.product(plan_id)) for plan_id in ids))
        found.fault = _fault_in(answers)
        named = zip(map(str, ids), answers, strict=True)
        return Listing(found.readable(PLANS, named, BenefitPointRefused), listed.rejected)

    async def _accounts_touched(self, changes: Changes) -> set[int]:
        """Return the accounts to read again; a contact or plan that raw does not have yet says itself where it belongs."""
        touched = set(changes.modified.get("Account", ()))
        for table, kind, read in (
            (CONTACTS, "Account_Contact", self._benefitpoint.contact), (PLANS, "Product", self._benefitpoint.product),
        ):  # fmt: skip
            deleted = {str(entity_id) for entity_id in changes.deleted.get(kind, ())}
            named = (
                deleted | {str(entity_id) for entity_id in changes.modified.get(kind, ())} | self._unplaced_of(table)
            )
            known = self._accounts_of(table, named)
            touched |= {int(account_id) for account_id in known.values()}
            unknown = sorted(named - deleted - known.keys())
            answers = await asyncio.gather(*(_or_error(read(int(entity_id))) for entity_id in unknown))
            for entity_id, answer in zip(unknown, answers, strict=True):
                if not isinstance(answer, Exception):
                    touched.add(int(answer["accountID"]))
                elif not isinstance(answer, BenefitPointRefused):
                    self.unplaced.append(Quarantined(table.name, entity_id, None, "unreadable", str(answer)))
        return touched

    def _unplaced_of(self, table: RawTable) -> set[str]:
        """Return the records of a table that an earlier sync could not read, and whose account is not known."""
        return set(
            self._db.column(
                """select entity_id from ops.quarantine
                where agency = %(agency)s and system = %(system)s and entity = %(table)s and customer_id is null""",
                system=SYSTEM,
                table=table.name,
            )
        )

    def _accounts_of(self, table: RawTable, entity_ids: set[str]) -> dict[str, str]:
        rows: dict[str, Any] = dict(
            self._db.connection.execute(
                f"select entity_id, customer_id from {table.qualified} where agency = %s and entity_id = any(%s)",
                (self._db.agency, sorted(entity_ids)),
            ).fetchall()
        )
        return rows


async def _or_error(call: Any) -> Any:
    return await answer_or_error(call, DataError, SoapFault)


def _fault_in(answers: Iterable[Any]) -> SoapFault | None:
    return next((answer for answer in answers if isinstance(answer, SoapFault)), None)
