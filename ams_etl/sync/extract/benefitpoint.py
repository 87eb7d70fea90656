"""Read BenefitPoint into raw: everything, what findChanges tells, or some accounts.

An account is always read with all beneath it, so a deleted contact or plan is one that its account's list lacks; a
deleted account is one that a complete list of accounts lacks or that findChanges calls deleted. An account that cannot
be read deletes nothing.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

import psycopg

from ams_etl.errors import DataError
from ams_etl.sources.benefitpoint.client import (
    LONGEST_WINDOW,
    BenefitPoint,
    BenefitPointConnection,
    BenefitPointRefused,
    Changes,
    open_benefitpoint,
)
from ams_etl.sources.calling.answers import Listing
from ams_etl.sources.calling.event_loop import run as run_async
from ams_etl.store.lease import Lease
from ams_etl.store.merge import MergeCounts, RawTable, Record, merge_records
from ams_etl.sync.raw.benefitpoint_tables import (
    ACCOUNTS,
    CARRIERS,
    CONTACTS,
    OF_ACCOUNT,
    OFFICES,
    PLANS,
    PRODUCT_TYPES,
    REFERENCE,
    SYSTEM,
    USERS,
)
from ams_etl.sync.raw.quarantine import Quarantined, forget_listing, set_aside

Mode = Literal["full", "changes", "accounts"]
BATCH = 100
"""Accounts stored in one transaction."""
OVERLAP = timedelta(minutes=10)
"""How far findChanges looks back before its last moment: it lists now what was being written then."""
FULL_EVERY = timedelta(days=7)
"""findChanges is believed so long; then everything is read."""
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class BenefitPointReport:
    """What was read and what that changed in raw."""

    mode: Mode
    tables: Mapping[str, MergeCounts]
    accounts_read: int
    quarantined: int
    calls: int
    calls_by_operation: Mapping[str, int]
    retries: int
    seconds: float


@dataclass(slots=True)
class _AccountRead:
    account_id: str
    rows: dict[RawTable, list[Record]] = field(default_factory=dict)
    incomplete: set[RawTable] = field(default_factory=set)
    set_aside: list[Quarantined] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Wanted:
    mode: Mode
    accounts: list[int]
    gone: frozenset[str]
    """Accounts that are surely deleted."""
    cursor: datetime | None
    unlisted: int = 0
    """Rows of the list of accounts that could not be read."""


def extract_benefitpoint(
    connection: psycopg.Connection[Any],
    agency: str,
    benefitpoint: BenefitPointConnection,
    *,
    accounts: Sequence[int] = (),
    full: bool = False,
    lease: Lease | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> BenefitPointReport:
    """Bring `raw_benefitpoint` up to date.

    Args:
        connection: autocommit.
        agency: the agency id.
        benefitpoint: how to reach it.
        accounts: only these accounts.
        full: everything, though findChanges could tell; so it is by itself the first time, after a week, and when the
            last time was longer ago than findChanges looks back.
        lease: `benefitpoint_read`; None where nobody else can read.
        progress: called with a stage, how many are done and of how many.

    Raises:
        ConfigError, TransientError, PermanentError: as the source raises them; raw keeps what it had.
        DataError: a list cannot be read.
    """
    return run_async(_extract(connection, agency, benefitpoint, accounts, full, lease, progress))


async def _extract(
    connection: psycopg.Connection[Any], agency: str, settings: BenefitPointConnection, only: Sequence[int],
    full: bool, lease: Lease | None, progress: Progress,
) -> BenefitPointReport:  # fmt: skip
    started, seen_at = time.monotonic(), datetime.now(UTC)
    async with open_benefitpoint(settings) as benefitpoint:
        counts, unread = _store_reference(connection, agency, await _read_reference(benefitpoint), seen_at, lease)
        wanted = await _wanted(connection, agency, benefitpoint, only, full=full)
        for table in OF_ACCOUNT:
            counts[table.name] = MergeCounts()
        quarantined = (
            unread
            + wanted.unlisted
            + await _read_all(connection, agency, benefitpoint, wanted, settings, seen_at, counts, lease, progress)
        )
        calls = benefitpoint.counts
    _forget(connection, agency, wanted, seen_at, counts, lease)
    return BenefitPointReport(
        wanted.mode, counts, len(wanted.accounts), quarantined, calls.total, dict(calls.by_operation.most_common()),
        calls.retries, time.monotonic() - started,
    )  # fmt: skip


async def _read_reference(benefitpoint: BenefitPoint) -> dict[RawTable, Listing]:
    offices, users, carriers, types = await asyncio.gather(
        benefitpoint.offices(), benefitpoint.users(), benefitpoint.carriers(), benefitpoint.product_types()
    )
    return {OFFICES: offices, USERS: users, CARRIERS: carriers, PRODUCT_TYPES: types}


def _check(connection: psycopg.Connection[Any], lease: Lease | None) -> None:
    if lease is not None:
        lease.check(connection)


def _store_reference(
    connection: psycopg.Connection[Any],
    agency: str,
    read: Mapping[RawTable, Listing],
    seen_at: datetime,
    lease: Lease | None,
) -> tuple[dict[str, MergeCounts], int]:
    """Store the lists that give codes their names; one with an unreadable record takes no name away."""
    counts, unread = {}, 0
    with connection.transaction():
        _check(connection, lease)
        for table, listing in read.items():
            records = [Record(str(row[REFERENCE[table]]), None, row) for row in listing.records]
            complete: Literal["agency"] | tuple[()] = () if listing.rejected else "agency"
            counts[table.name] = merge_records(
                connection, table, agency, records, seen_at=seen_at, complete_for=complete
            )
            unread += _quarantine_rows(connection, agency, table, listing)
    return counts, unread


def _quarantine_rows(connection: psycopg.Connection[Any], agency: str, table: RawTable, listing: Listing) -> int:
    sync_id = uuid4()
    forget_listing(connection, agency, table.name, sync_id, system=SYSTEM)
    rows = [
        Quarantined(table.name, row.entity_id or f"row: {row.reason}", None, "unreadable", row.reason)
        for row in listing.rejected
    ]
    return set_aside(connection, agency, sync_id, rows, system=SYSTEM)


async def _wanted(
    connection: psycopg.Connection[Any], agency: str, benefitpoint: BenefitPoint, only: Sequence[int], *, full: bool
) -> _Wanted:
    if only:
        return _Wanted("accounts", list(dict.fromkeys(only)), frozenset(), None)
    now = datetime.now(UTC)
    row = connection.execute(
        "select changes_since, full_at from ops.benefitpoint_cursors where agency = %s", (agency,)
    ).fetchone()
    if row is None or full or now - row[1] > FULL_EVERY or now - row[0] > LONGEST_WINDOW - 2 * OVERLAP:
        # Asked before the list: the next sync finds what changes while the list is read.
        asked_at = (await benefitpoint.changes(now - OVERLAP)).asked_at
        listing = await benefitpoint.accounts()
        with connection.transaction():
            unlisted = _quarantine_rows(connection, agency, ACCOUNTS, listing)
        listed = [int(row["accountID"]) for row in listing.records]
        if listing.rejected:
            # A row that cannot be read may be any account's: none is taken for deleted, all known ones are read.
            known = connection.execute(
                "select entity_id from raw_benefitpoint.accounts where agency = %s and deleted_at is null", (agency,)
            )
            listed = list(dict.fromkeys([*listed, *(int(entity_id) for (entity_id,) in known)]))
        known = connection.execute(
            "select entity_id from raw_benefitpoint.accounts where agency = %s and deleted_at is null", (agency,)
        )
        gone = {entity_id for (entity_id,) in known} - {str(account_id) for account_id in listed}
        return _Wanted("full", listed, frozenset(gone), asked_at, unlisted)
    changes = await benefitpoint.changes(row[0] - OVERLAP)
    gone = {str(account_id) for account_id in changes.deleted.get("Account", ())}
    touched = await _accounts_touched(connection, agency, benefitpoint, changes)
    # findChanges does not list again what could not be read last time.
    touched |= {
        int(account_id)
        for (account_id,) in connection.execute(
            "select distinct customer_id from ops.quarantine where agency = %s and system = %s and customer_id is not null",
            (agency, SYSTEM),
        )
    }
    return _Wanted(
        "changes",
        sorted(account_id for account_id in touched if str(account_id) not in gone),
        frozenset(gone),
        changes.asked_at,
    )


async def _accounts_touched(
    connection: psycopg.Connection[Any], agency: str, benefitpoint: BenefitPoint, changes: Changes
) -> set[int]:
    """The accounts to read again; a contact or plan that we do not know yet says itself where it belongs."""
    touched = set(changes.modified.get("Account", ()))
    for table, kind, read in (
        (CONTACTS, "Account_Contact", benefitpoint.contact), (PLANS, "Product", benefitpoint.product),
    ):  # fmt: skip
        deleted = {str(entity_id) for entity_id in changes.deleted.get(kind, ())}
        named = deleted | {str(entity_id) for entity_id in changes.modified.get(kind, ())}
        rows = connection.execute(
            f"select entity_id, customer_id from {table.qualified} where agency = %s and entity_id = any(%s)",
            (agency, sorted(named)),
        ).fetchall()
        touched |= {int(account_id) for _, account_id in rows}
        unknown = named - deleted - {entity_id for entity_id, _ in rows}
        answers = await asyncio.gather(*(_or_none(read(int(entity_id))) for entity_id in sorted(unknown)))
        touched |= {int(record["accountID"]) for record in answers if record}
    return touched


async def _read_all(
    connection: psycopg.Connection[Any], agency: str, benefitpoint: BenefitPoint, wanted: _Wanted,
    settings: BenefitPointConnection, seen_at: datetime, counts: dict[str, MergeCounts], lease: Lease | None,
    progress: Progress,
) -> int:  # fmt: skip
    quarantined = done = 0
    turns = asyncio.Semaphore(max(1, settings.max_concurrency))

    async def read(account_id: int) -> _AccountRead:
        async with turns:
            return await _read_account(benefitpoint, account_id)

    for start in range(0, len(wanted.accounts), BATCH):
        batch = await asyncio.gather(*(read(account_id) for account_id in wanted.accounts[start : start + BATCH]))
        part, bad = await asyncio.to_thread(_store, connection, agency, batch, seen_at, lease)
        for table, merged in part.items():
            counts[table] += merged
        quarantined += bad
        done += len(batch)
        progress("BenefitPoint accounts read", done, len(wanted.accounts))
    return quarantined


async def _read_account(benefitpoint: BenefitPoint, account_id: int) -> _AccountRead:
    """Read an account with its contacts and plans; what cannot be read is quarantined with its reason."""
    key = str(account_id)
    found = _AccountRead(key)
    account, contacts, plans = await asyncio.gather(
        _or_error(benefitpoint.account(account_id)),
        _or_error(benefitpoint.contacts(account_id)),
        _or_error(_plans(benefitpoint, account_id, found)),
    )
    if isinstance(account, DataError):
        reason = "vanished" if isinstance(account, BenefitPointRefused) else "unreadable"
        found.set_aside.append(Quarantined("accounts", key, key, reason, str(account)))
        found.incomplete.update(OF_ACCOUNT)
        return found
    found.rows[ACCOUNTS] = [Record(key, key, account)]
    for table, listing in ((CONTACTS, contacts), (PLANS, plans)):
        if isinstance(listing, DataError):
            found.set_aside.append(Quarantined(table.name, f"of {key}", key, "unreadable", str(listing)))
            found.incomplete.add(table)
            continue
        found.rows[table] = [
            Record(str(entity_id), key, row) for row in listing.records if (entity_id := _entity_id(table, row))
        ]
        for rejected in listing.rejected:
            found.incomplete.add(table)
            named = rejected.entity_id or f"of {key}"
            found.set_aside.append(Quarantined(table.name, named, key, "unreadable", rejected.reason))
    return found


def _entity_id(table: RawTable, row: Mapping[str, Any]) -> int | None:
    found: int | None = (row.get("contact") or {}).get("contactID") if table is CONTACTS else row.get("productID")
    return found


async def _plans(benefitpoint: BenefitPoint, account_id: int, found: _AccountRead) -> Listing:
    listed = await benefitpoint.products(account_id)
    ids = [row["productID"] for row in listed.records]
    answers = await asyncio.gather(*(_or_error(benefitpoint.product(plan_id)) for plan_id in ids))
    records = []
    for product_id, answer in zip(ids, answers, strict=True):
        if isinstance(answer, DataError):
            reason = "vanished" if isinstance(answer, BenefitPointRefused) else "unreadable"
            found.set_aside.append(Quarantined("plans", str(product_id), str(account_id), reason, str(answer)))
            found.incomplete.add(PLANS)
        else:
            records.append(answer)
    return Listing(records, listed.rejected)


def _hold_back_without_plans(connection: psycopg.Connection[Any], agency: str, batch: Sequence[_AccountRead]) -> None:
    """Store nothing of an account that raw does not have and whose plans could not be read: it would pass for a prospect."""
    doubtful = [found.account_id for found in batch if PLANS in found.incomplete and ACCOUNTS in found.rows]
    known = {
        entity_id
        for (entity_id,) in connection.execute(
            f"select entity_id from {ACCOUNTS.qualified} where agency = %s and entity_id = any(%s) and deleted_at is null",
            (agency, doubtful),
        )
    }
    for found in batch:
        if found.account_id in doubtful and found.account_id not in known:
            found.rows.clear()
            found.incomplete.update(OF_ACCOUNT)
            found.set_aside.append(
                Quarantined("accounts", found.account_id, found.account_id, "held back", "its plans cannot be read")
            )


def _store(
    connection: psycopg.Connection[Any],
    agency: str,
    batch: Sequence[_AccountRead],
    seen_at: datetime,
    lease: Lease | None,
) -> tuple[dict[str, MergeCounts], int]:
    counts = {}
    _hold_back_without_plans(connection, agency, batch)
    with connection.transaction():
        _check(connection, lease)
        for table in OF_ACCOUNT:
            counts[table.name] = merge_records(
                connection,
                table,
                agency,
                (row for account in batch for row in account.rows.get(table, ())),
                seen_at=seen_at,
                complete_for=[account.account_id for account in batch if table not in account.incomplete],
            )
        bad = set_aside(
            connection,
            agency,
            uuid4(),
            (row for account in batch for row in account.set_aside),
            read_customers=[account.account_id for account in batch],
            system=SYSTEM,
        )
    return counts, bad


def _forget(
    connection: psycopg.Connection[Any],
    agency: str,
    wanted: _Wanted,
    seen_at: datetime,
    counts: dict[str, MergeCounts],
    lease: Lease | None,
) -> None:
    """Mark what is gone as deleted, and move the cursor: only now, so that a sync that died is done again."""
    with connection.transaction():
        _check(connection, lease)
        if wanted.gone:
            for table in OF_ACCOUNT:
                counts[table.name] += merge_records(
                    connection, table, agency, (), seen_at=seen_at, complete_for=sorted(wanted.gone)
                )
            set_aside(connection, agency, uuid4(), (), read_customers=sorted(wanted.gone), system=SYSTEM)
        if wanted.cursor is not None:
            connection.execute(
                """insert into ops.benefitpoint_cursors as c (agency, changes_since, full_at) values (%s, %s, %s)
                on conflict (agency) do update set changes_since = excluded.changes_since, synced_at = now(),
                    full_at = case when %s then excluded.full_at else c.full_at end""",
                (agency, wanted.cursor, seen_at, wanted.mode == "full"),
            )


async def _or_error(call: Any) -> Any:
    try:
        return await call
    except DataError as error:
        return error


async def _or_none(call: Any) -> Any:
    try:
        return await call
    except BenefitPointRefused:
        return None
