"""Store what was derived of a chunk of customers: the difference to what is stored, and what the plan must evaluate for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ams_etl.rules.model import Candidate, Derivation, Skip
from ams_etl.rules.records.ams360 import CUSTOMER
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.content import content_hash
from ams_etl.store.loading.copy import copy_rows
from ams_etl.sync.candidate_documents import candidate_json
from ams_etl.sync.contacts.shared_addresses import touch_former_sharers
from ams_etl.sync.identity import candidate_id
from ams_etl.sync.interpret.interpreter import KeyColumn

_KEPT = {
    "customer_id": "text", "system": "text", "entity": "text", "entity_id": "text", "document": "jsonb",
    "content_hash": "bytea", "follows_candidate": "uuid", "follows_email": "text",
}  # fmt: skip
"""What `stage.candidates` has of a derived candidate beside its id."""
_FIXED = ("system", "entity", "entity_id")
"""What the id is made of, so that it never changes."""
_CANDIDATE = {"candidate_id": "uuid", **_KEPT}
_EMAIL = {"candidate_id": "uuid", "email": "text"}
SKIP_COLUMNS = dict.fromkeys(("system", "entity", "entity_id", "customer_id", "reason", "rule", "detail"), "text")
"""The columns of `skip_row`, each with its type."""


@dataclass(frozen=True, slots=True)
class DerivedRows:
    """The rows that some customers' derivations are stored as; made without a database.

    Args:
        customers: the ids of all that were derived.
        reviews: id of each that is live -> the day on which it must be derived again, or None.
        candidates: in the order of `stage.candidates`' columns in `_CANDIDATE`.
        emails: in the order of `_EMAIL`.
        skips: in the order of `SKIP_COLUMNS`.
    """

    customers: Sequence[str]
    reviews: Mapping[str, date | None]
    candidates: Sequence[tuple[Any, ...]]
    emails: Sequence[tuple[Any, ...]]
    skips: Sequence[tuple[Any, ...]]


def derived_rows(agency: str, customers: Sequence[str], found: Iterable[tuple[str, Derivation]]) -> DerivedRows:
    """Return the rows of these customers' derivations; `found` has those of them that are live."""
    reviews: dict[str, date | None] = {}
    candidates: list[tuple[Any, ...]] = []
    emails: list[tuple[Any, ...]] = []
    skips: list[tuple[Any, ...]] = []
    for customer_id, derivation in found:
        reviews[customer_id] = derivation.review_on
        for candidate in derivation.candidates:
            row = _candidate_row(agency, candidate)
            candidates.append(row)
            # Addresses that differ in case are one.
            emails += [(row[0], email) for email in dict.fromkeys(map(str.lower, candidate.emails))]
        skips += map(skip_row, derivation.skips)
    return DerivedRows(customers, reviews, candidates, emails, skips)


def _candidate_row(agency: str, candidate: Candidate) -> tuple[Any, ...]:
    document = candidate_json(candidate)
    joined = candidate.joined
    follows_candidate, follows_email = None, None
    if joined is not None and candidate.role == "primary":
        follows_candidate = candidate_id(agency, "ams360", CUSTOMER, joined.customer_id)
    elif joined is not None:
        follows_email = joined.email
    return (
        candidate_id(agency, candidate.system, candidate.entity, candidate.entity_id),
        candidate.customer_id, candidate.system, candidate.entity, candidate.entity_id,
        document, content_hash(document), follows_candidate, follows_email,
    )  # fmt: skip


def skip_row(skip: Skip) -> tuple[Any, ...]:
    """Return a skip as a row of `SKIP_COLUMNS`."""
    return (skip.system, skip.entity, skip.entity_id, skip.customer_id, skip.reason, skip.rule, skip.detail)


def store_derived(
    db: AgencyDb, rows: DerivedRows, gone: Iterable[Skip], first_seen: Mapping[str, tuple[str, KeyColumn]], today: date
) -> int:
    """Store what was derived of some customers, and mark what the plan must evaluate; call it in a transaction.

    Args:
        db: of the agency.
        rows: what was derived.
        gone: a skip for each of these customers that the source deleted.
        first_seen: where an entity's records are in raw, and the column of a candidate that names the record.
        today: the date the rules were asked for.

    Returns:
        How many candidates are new or differ.
    """
    customers = list(rows.customers)
    # Each step touches a thousand customers of perhaps a million. Postgres' own guess, made for disks, is to read all of a table.
    db.execute("set local random_page_cost = 1.1")
    _load(db, rows, gone)
    _touch_what_differs(db, customers)
    touch_former_sharers(db, customers)
    _delete_candidates(db, customers)
    written = _write_candidates(db, first_seen)
    _write_emails(db)
    _touch_changed_skips(db, customers)
    _write_skips(db, customers)
    _write_customers(db, customers, rows.reviews, today)
    db.execute("update stage.engine set version = version + 1 where agency = %(agency)s")
    return written


def _load(db: AgencyDb, rows: DerivedRows, gone: Iterable[Skip]) -> None:
    """Bring the rows into the temporary tables that the other steps compare with."""
    for table, columns, found in (
        ("derived_candidates", _CANDIDATE, rows.candidates),
        ("derived_emails", _EMAIL, rows.emails),
        ("derived_skips", SKIP_COLUMNS, [*rows.skips, *map(skip_row, gone)]),
    ):
        spelt = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        db.connection.execute(f"create temp table if not exists {table} ({spelt}) on commit delete rows")
        if found:
            copy_rows(db.connection, table, columns, found)


def _touch_what_differs(db: AgencyDb, customers: list[str]) -> None:
    """Mark the candidates that are gone or differ, and the contacts that they were part of."""
    db.execute(
        """insert into stage.touched (agency, kind, id)
        select distinct c.agency, k.kind, k.id
        from stage.candidates c
        left join derived_candidates d on d.candidate_id = c.candidate_id
        cross join lateral (values ('candidate', c.candidate_id::text), ('contact', c.contact_id::text)) k (kind, id)
        where c.agency = %(agency)s and c.customer_id = any(%(customers)b)
            and d.content_hash is distinct from c.content_hash and k.id is not null
        on conflict (agency, kind, id) do update set planned = false""",
        customers=customers,
    )


def _delete_candidates(db: AgencyDb, customers: list[str]) -> None:
    db.execute(
        """delete from stage.candidates c where agency = %(agency)s and customer_id = any(%(customers)b)
            and not exists (select from derived_candidates d where d.candidate_id = c.candidate_id)""",
        customers=customers,
    )


def _write_candidates(db: AgencyDb, first_seen: Mapping[str, tuple[str, KeyColumn]]) -> int:
    """Write new and changed candidates and mark them; return how many.

    Most become a contact of their own, whose id is theirs: it is written at once, so that publishing rewrites only the others.
    """
    joins = "".join(
        f""" left join {table} s{at} on d.entity = '{entity}' and (s{at}.agency, s{at}.entity_id) = (%(agency)s, d.{key})"""
        for at, (entity, (table, key)) in enumerate(first_seen.items())
    )
    seen_at = ", ".join(f"s{at}.first_seen_at" for at in range(len(first_seen)))
    changes = ", ".join(f"{column} = excluded.{column}" for column in _KEPT if column not in _FIXED)
    return db.execute(
        f"""with written as (
            insert into stage.candidates as c (agency, candidate_id, contact_id, {", ".join(_KEPT)}, first_seen_at)
            select %(agency)s, d.candidate_id, d.candidate_id, {", ".join(f"d.{column}" for column in _KEPT)}, coalesce({seen_at})
            from derived_candidates d{joins}
            on conflict (agency, candidate_id) do update set {changes}
            where c.content_hash <> excluded.content_hash
            returning candidate_id)
        insert into stage.touched (agency, kind, id)
        select %(agency)s, 'candidate', candidate_id::text from written
        on conflict (agency, kind, id) do update set planned = false"""
    )


def _write_emails(db: AgencyDb) -> None:
    db.execute(
        """delete from stage.candidate_emails e using derived_candidates d
        where e.agency = %(agency)s and e.candidate_id = d.candidate_id
            and not exists (select from derived_emails n where (n.candidate_id, n.email) = (e.candidate_id, e.email))"""
    )
    db.execute(
        """insert into stage.candidate_emails (agency, email, candidate_id)
        select %(agency)s, email, candidate_id from derived_emails on conflict do nothing"""
    )


def _touch_changed_skips(db: AgencyDb, customers: list[str]) -> None:
    """Mark the customers whose skips are new, gone or different."""
    db.execute(
        """insert into stage.touched (agency, kind, id)
        select distinct %(agency)s, 'customer', coalesce(s.customer_id, d.customer_id)
        from (select * from stage.skips where agency = %(agency)s and customer_id = any(%(customers)b)) s
        full join derived_skips d using (customer_id, system, entity, entity_id)
        where (s.reason, s.rule, s.detail) is distinct from (d.reason, d.rule, d.detail)
        on conflict (agency, kind, id) do update set planned = false""",
        customers=customers,
    )


def _write_skips(db: AgencyDb, customers: list[str]) -> None:
    db.execute(
        """delete from stage.skips s where agency = %(agency)s and customer_id = any(%(customers)b)
            and not exists (select from derived_skips d where (d.customer_id, d.entity, d.entity_id, d.reason, d.rule)
                = (s.customer_id, s.entity, s.entity_id, s.reason, s.rule) and d.detail is not distinct from s.detail)""",
        customers=customers,
    )
    columns = ", ".join(SKIP_COLUMNS)
    db.execute(
        f"""insert into stage.skips (agency, {columns})
        select %(agency)s, {columns} from derived_skips
        on conflict (agency, customer_id, entity, entity_id) do nothing"""
    )


def _write_customers(db: AgencyDb, customers: Sequence[str], reviews: Mapping[str, date | None], today: date) -> None:
    """Keep when each live customer was derived and must be again, and forget the others."""
    db.execute(
        """insert into stage.customers as c (agency, customer_id, derived_on, review_on)
        select %(agency)s, x.customer_id, %(today)s, x.review_on
        from unnest(%(live)b::text[], %(reviews)b::date[]) x (customer_id, review_on)
        on conflict (agency, customer_id) do update set derived_on = excluded.derived_on, review_on = excluded.review_on
        where (c.derived_on, c.review_on) is distinct from (excluded.derived_on, excluded.review_on)""",
        today=today,
        live=list(reviews),
        reviews=list(reviews.values()),
    )
    left = [customer_id for customer_id in customers if customer_id not in reviews]
    if left:
        db.execute(
            "delete from stage.customers where agency = %(agency)s and customer_id = any(%(left)b::text[])", left=left
        )
