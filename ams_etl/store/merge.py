"""Source records into raw: COPY into staging, one merge by content hash.

`last_seen_at` moves only with the content, so an unchanged record costs no write; `ops.sync_runs` says when a
record was last read. A record that a complete listing lacks keeps its row, marked `deleted_at`, and its
`first_seen_at` when it comes back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import psycopg

from ams_etl.rules.records.ams360 import FORGOTTEN
from ams_etl.store.agency_db import column
from ams_etl.store.content import canonical_json, content_hash
from ams_etl.store.loading.copy import copy_rows
from ams_etl.store.privacy.tombstones import OWNED, Tombstones

_COLUMNS = {
    "entity_id": "text", "customer_id": "text", "payload": "jsonb", "content_hash": "bytea", "read_at": "timestamptz",
}  # fmt: skip
# A record that moved: what another reader read later under its present customer stays.
_IS_LATEST = """
            and (t.customer_id is not distinct from excluded.customer_id or excluded.read_at >= coalesce(
                case when t.deleted_at is null then greatest(t.read_at, (select r.read_at from ops.customer_reads r
                    where (r.agency, r.customer_id) = (t.agency, t.customer_id))) else t.read_at end, '-infinity'))"""


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table of the raw shape: agency, entity_id, customer_id, payload, content_hash, *_at."""

    schema: str
    name: str

    @property
    def qualified(self) -> str:
        """The name in SQL."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Record:
    """One source record; `customer_id` is the customer it belongs to, or None; `read_at` is when its reading began."""

    entity_id: str
    customer_id: str | None
    payload: Mapping[str, object]
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MergeCounts:
    """Records by what became of them.

    `changed` holds entity ids and `customers` the ids of the customers that they belong, or belonged, to. `unannounced`:
    changed ids that differ only in members the source sends no notification for.
    """

    seen: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    doubled: int = 0
    changed: frozenset[str] = field(default=frozenset(), repr=False)
    unannounced: frozenset[str] = field(default=frozenset(), repr=False)
    customers: frozenset[str] = field(default=frozenset(), repr=False)

    def __add__(self, other: "MergeCounts") -> "MergeCounts":
        """The counts of both; the ids are left out, since they are for one transaction."""
        return MergeCounts(
            self.seen + other.seen,
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.deleted + other.deleted,
            self.doubled + other.doubled,
        )


def merge_records(
    connection: psycopg.Connection[Any],
    table: RawTable,
    agency: str,
    records: Iterable[Record],
    *,
    seen_at: datetime,
    complete_for: Sequence[str] | Literal["agency"] = (),
    unannounced: Sequence[str] = (),
    dated: bool = False,
) -> MergeCounts:
    """Bring a raw table up to date with these records.

    Args:
        connection: inside the caller's transaction.
        table: where they go.
        agency: the agency id.
        records: as received; of two with one id the last wins and `doubled` counts it.
        seen_at: when they were read; one time for a whole sync, so that ids do not depend on the order of reading.
        complete_for: the listing was complete for these customer ids, or for the whole agency: what it lacks there
            is marked deleted. Empty: nothing is ever deleted.
        unannounced: members that the source sends no notification for; see `MergeCounts.unannounced`.
        dated: the table keeps `read_at`, and a record that another customer's later reading brought is not overwritten. That a
            customer's own earlier reading is left out is up to the caller (`ops.customer_reads`).
    """
    seen, staged = _stage(connection, _without_forgotten(connection, table, agency, list(records)))
    scope = {
        "agency": agency,
        "seen_at": seen_at,
        "customers": None if complete_for == "agency" else list(complete_for),
    }
    # A record that moved to another customer touches the one it left, too.
    left = connection.execute(
        f"""select t.customer_id, t.entity_id from {table.qualified} t join staged_records s using (entity_id)
        where t.agency = %(agency)s and t.customer_id <> s.customer_id""",
        scope,
    ).fetchall()
    silent = _silent(connection, table, agency, unannounced) if unannounced else frozenset[str]()
    merged = connection.execute(
        f"""insert into {table.qualified} as t
            (agency, entity_id, customer_id, payload, content_hash, first_seen_at, last_seen_at{", read_at" if dated else ""})
        select %(agency)s, entity_id, customer_id, payload, content_hash, %(seen_at)s, %(seen_at)s
            {", read_at" if dated else ""} from staged_records
        on conflict (agency, entity_id) do update set customer_id = excluded.customer_id, payload = excluded.payload,
            content_hash = excluded.content_hash, last_seen_at = excluded.last_seen_at, deleted_at = null
            {", read_at = excluded.read_at" if dated else ""}
        where (t.content_hash <> excluded.content_hash or t.deleted_at is not null
            or t.customer_id is distinct from excluded.customer_id){_IS_LATEST if dated else ""}
        returning xmax = 0, entity_id, coalesce(customer_id, entity_id)""",
        scope,
    ).fetchall()
    if left:
        _remember_moves(connection, table, agency, left)
    deleted: list[tuple[str, str]] = []
    if complete_for:
        deleted = connection.execute(
            f"""update {table.qualified} t set deleted_at = %(seen_at)s
            where t.agency = %(agency)s and t.deleted_at is null
                and (%(customers)s::text[] is null or t.customer_id = any(%(customers)s))
                and not exists (select from staged_records s where s.entity_id = t.entity_id)
            returning entity_id, coalesce(customer_id, entity_id)""",
            scope,
        ).fetchall()
    inserted = sum(1 for is_new, _, _ in merged if is_new)
    return MergeCounts(
        seen=staged,
        inserted=inserted,
        updated=len(merged) - inserted,
        unchanged=staged - len(merged),
        deleted=len(deleted),
        doubled=seen - staged,
        changed=frozenset([*(record for _, record, _ in merged), *(record for record, _ in deleted)]),
        unannounced=silent,
        customers=frozenset(
            [
                *(customer for _, _, customer in merged),
                *(customer for _, customer in deleted),
                *(customer for customer, _ in left),
            ]
        ),
    )


def _remember_moves(
    connection: psycopg.Connection[Any], table: RawTable, agency: str, left: Sequence[tuple[str, str]]
) -> None:
    """Keep whose these records were, where they are another customer's now: people merge customers (M9)."""
    connection.execute(
        f"""insert into ops.record_moves (agency, entity, entity_id, customer_id)
        select %(agency)s, %(entity)s, t.entity_id, l.customer_id
        from unnest(%(customers)s::text[], %(ids)s::text[]) l (customer_id, entity_id)
        join {table.qualified} t on (t.agency, t.entity_id) = (%(agency)s, l.entity_id) and t.customer_id <> l.customer_id
        on conflict do nothing""",
        {
            "agency": agency,
            "entity": table.qualified,
            "customers": [customer_id for customer_id, _ in left],
            "ids": [entity_id for _, entity_id in left],
        },
    )


def _without_forgotten(
    connection: psycopg.Connection[Any], table: RawTable, agency: str, records: Sequence[Record]
) -> Sequence[Record]:
    """Return the records, with stubs in place of forgotten people."""
    read = [(record.entity_id, record.customer_id, record.payload) for record in records]
    tombstones = Tombstones.met_by(connection, agency, table.qualified, read)
    if tombstones is None:
        return records
    kept = [
        replace(record, payload=tombstones.applied(table.qualified, *row))
        for record, row in zip(records, read, strict=True)
    ]
    if table.qualified in OWNED:
        for record in kept:
            if FORGOTTEN in record.payload:
                tombstones.follow(connection, table.qualified, record.entity_id)
    return kept


def _stage(connection: psycopg.Connection[Any], records: Iterable[Record]) -> tuple[int, int]:
    """Fill `staged_records`, of two with one id the last: how many were given, and how many are staged."""
    staged: dict[str, tuple[str, str | None, bytes, bytes, datetime | None]] = {}
    seen = 0
    for record in records:
        content = canonical_json(record.payload)
        staged[record.entity_id] = (
            record.entity_id, record.customer_id, content, content_hash(content), record.read_at,
        )  # fmt: skip
        seen += 1
    connection.execute(
        """create temp table if not exists staged_records (entity_id text, customer_id text, payload jsonb,
            content_hash bytea, read_at timestamptz) on commit delete rows"""
    )
    connection.execute("delete from staged_records")
    copy_rows(connection, "staged_records", _COLUMNS, staged.values())
    return seen, len(staged)


def _silent(
    connection: psycopg.Connection[Any], table: RawTable, agency: str, unannounced: Sequence[str]
) -> frozenset[str]:
    """The staged records that differ in these members alone."""
    return frozenset(
        column(
            connection,
            f"""select t.entity_id from {table.qualified} t join staged_records s using (entity_id)
            where t.agency = %(agency)s and t.content_hash <> s.content_hash and t.deleted_at is null
                and t.payload - %(unannounced)s::text[] = s.payload - %(unannounced)s::text[]""",
            {"agency": agency, "unannounced": list(unannounced)},
        )
    )
