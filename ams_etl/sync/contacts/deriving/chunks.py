"""A chunk of customers on its way: read with their marks, derived without a database, stored."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg

from ams_etl.rules.model import Skip
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.dirty_customers import due_customers, unmark_customers
from ams_etl.sync.contacts.deriving.each_customer import derive_each
from ams_etl.sync.contacts.deriving.store_derived import DerivedRows, derived_rows, store_derived
from ams_etl.sync.contacts.garbage_collection import collector_paused
from ams_etl.sync.customer_merges.merged_records import refresh_merged_records
from ams_etl.sync.interpret.interpreter import ReadCustomer
from ams_etl.sync.interpret.registry import interpreter_for
from ams_etl.sync.raw.quarantine import DERIVATION, Quarantined, set_aside
from ams_etl.sync.raw.withheld import RecordKey, forgotten_records, has_forgotten, without_forgotten

_log = logging.getLogger(__name__)
CHUNK = 1000
"""Customers derived in one transaction."""


@dataclass(frozen=True, slots=True)
class DeriveCounts:
    """Count what was derived and what changed."""

    customers: int = 0
    candidates: int = 0
    changed: int = 0
    skipped: int = 0

    def __add__(self, other: "DeriveCounts") -> "DeriveCounts":
        return DeriveCounts(
            self.customers + other.customers,
            self.candidates + other.candidates,
            self.changed + other.changed,
            self.skipped + other.skipped,
        )


@dataclass(frozen=True, slots=True)
class ReadChunk:
    """Customers that are due, with the marks that they had before their records were read; `forgotten` are stubs of people."""

    marks: dict[str, int]
    customers: Sequence[ReadCustomer] = ()
    forgotten: Mapping[str, set[RecordKey]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DerivedChunk:
    """What is to be stored of a chunk; `failed` says why the rules failed on a customer."""

    marks: dict[str, int]
    rows: DerivedRows
    failed: Mapping[str, str]


class Chunks:
    """Reads, derives and stores an agency's chunks, in the order of the customers' ids.

    Args:
        connection: any; only `derive` leaves it alone.
        agency: the agency id.
        settings: its rule settings.
        today: the date the rules are asked for.
    """

    def __init__(self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date) -> None:
        self._db, self._settings, self._today = AgencyDb(connection, agency), settings, today
        self._interpreter = interpreter_for(settings)
        self._interpretation = self._interpreter.open(connection, agency, settings, today)
        self._forgets = has_forgotten(connection, agency)

    def read(self) -> ReadChunk:
        """Read the first customers that are due; a chunk without marks says that nobody is."""
        return self._read(after="")

    def read_after(self, chunk: ReadChunk | DerivedChunk) -> ReadChunk:
        """Read the customers that follow a chunk; none where it was not full."""
        return self._read(after=next(reversed(chunk.marks))) if len(chunk.marks) == CHUNK else ReadChunk({})

    def _read(self, after: str) -> ReadChunk:
        db = self._db
        marks = due_customers(db, CHUNK, after)
        if not marks:
            return ReadChunk({})
        ids = list(marks)
        customers = self._interpretation.read(ids)
        if not self._forgets:
            return ReadChunk(marks, customers)
        return ReadChunk(
            marks, customers, forgotten_records(db.connection, db.agency, self._interpreter.FIRST_SEEN, ids)
        )

    def derive(self, read: ReadChunk) -> DerivedChunk:
        """Run the rules over what was read."""
        with collector_paused():
            found, failed = derive_each(read.customers)
            if read.forgotten:
                found = without_forgotten(found, read.forgotten)
            kept = [customer_id for customer_id in read.marks if customer_id not in failed]
            return DerivedChunk(read.marks, derived_rows(self._db.agency, kept, found), failed)

    def store(self, derived: DerivedChunk) -> DeriveCounts:
        """Store what was derived, and take its marks; call it in a transaction."""
        db, rows, chunk = self._db, derived.rows, list(derived.marks)
        left = [customer_id for customer_id in rows.customers if customer_id not in rows.reviews]
        gone = _deleted(db, self._interpreter.DELETED_CUSTOMERS, left)
        changed = store_derived(db, rows, gone, self._interpreter.FIRST_SEEN, self._today)
        if self._settings.source_system == "ams360":
            refresh_merged_records(db.connection, db.agency, self._settings, self._today, chunk)
        _set_failed_aside(db, self._settings.source_system, chunk, derived.failed)
        unmark_customers(db, derived.marks)
        return DeriveCounts(len(chunk), len(rows.candidates), changed, len(rows.skips) + len(gone))

    def store_and_read(self, derived: DerivedChunk, following: ReadChunk) -> tuple[DeriveCounts, ReadChunk]:
        """Store a chunk, and read the one after the one that follows it."""
        return self.store(derived), self.read_after(following)


@dataclass(frozen=True, slots=True)
class _Deleted:
    system: str
    entity: str
    entity_id: str
    customer_id: str


def _deleted(db: AgencyDb, query: str, customer_ids: Collection[str]) -> list[Skip]:
    """Q3: Return a skip for each of these customers that the source deleted; others were never seen."""
    if not customer_ids:
        return []
    deleted = db.rows(
        _Deleted,
        f"select system, entity, entity_id, customer_id from ({query}) gone where customer_id = any(%(customers)b)",
        customers=list(customer_ids),
    )
    return [Skip(each.system, each.entity, each.entity_id, each.customer_id, "deleted", "Q3") for each in deleted]


def _set_failed_aside(db: AgencyDb, system: str, chunk: Sequence[str], failed: Mapping[str, str]) -> None:
    """Quarantine failed customers: they keep their previous candidates and are tried again by every run, until one succeeds."""
    db.execute(
        "delete from ops.quarantine where agency = %(agency)s and entity = %(entity)s and entity_id = any(%(chunk)b)",
        entity=DERIVATION,
        chunk=list(chunk),
    )
    if failed:
        _log.error("the rules failed on %s customers; they are in ops.quarantine", len(failed))
        set_aside(
            db.connection, db.agency, None,
            [Quarantined(DERIVATION, key, key, "the rules failed", reason) for key, reason in failed.items()],
            system=system,
        )  # fmt: skip
