"""A stored contact plan for people: who changes, what from and to, and how often each kind of change happens.

Everything here is personal data but the counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import psycopg

BATCH = 500
"""Planned contacts read at a time."""
EXAMPLES = 3
"""Examples of a kind of change."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """The latest plan of an agency."""

    plan_id: UUID
    today: date
    counts: Mapping[str, int]
    stopped_by: str | None


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field's value before and after; of a list, what goes and what comes. None is no value."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """What would happen to one contact; an insert's and a delete's fields are empty."""

    contact_id: UUID
    op: str
    name: str
    company: str | None
    email: str | None
    sources: tuple[str, ...]
    fields: tuple[FieldChange, ...]
    document: Mapping[str, Any]
    """The contact as it would be; a deleted one as it is."""

    @property
    def person(self) -> str:
        """Name the contact for a reader: name, company and email, as far as it has them."""
        known = [self.name or None, self.company if self.company != self.name else None, self.email]
        return ", ".join(part for part in known if part) or str(self.contact_id)


@dataclass(slots=True)
class KindOfChange:
    """How many contacts a kind of change happens to, and a few of them."""

    contacts: int = 0
    examples: list[PlannedChange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SkipChange:
    """Records that begin to be skipped, no longer are, or are for another reason."""

    change: str
    reason: str
    rule: str
    records: int


def latest_plan(connection: psycopg.Connection[Any], agency: str) -> StoredPlan | None:
    """Return the agency's plan, or None."""
    row = connection.execute(
        "select plan_id, today, counts, stopped_by from stage.plans where agency = %s", (agency,)
    ).fetchone()
    return StoredPlan(*row) if row else None


def changes_of_plan(connection: psycopg.Connection[Any], agency: str) -> Iterator[PlannedChange]:
    """Yield every contact that the plan would insert, update or delete; deletions first."""
    with connection.transaction(), connection.cursor("planned_changes") as rows:
        rows.itersize = BATCH
        rows.execute(
            """select p.contact_id, p.op, b.document, p.document from stage.planned_contacts p
            left join stage.contacts b using (agency, contact_id) where p.agency = %s
            order by array_position(array['delete', 'update', 'insert'], p.op), p.contact_id""",
            (agency,),
        )
        for contact_id, op, before, after in rows:
            document = after or before
            name = " ".join(part for part in (document["first_name"], document["last_name"]) if part)
            yield PlannedChange(
                contact_id,
                op,
                name,
                document["company_name"],
                document["email"],
                tuple(_readable("sources", source) for source in document["sources"]),
                tuple(differences(before or {}, after or {})) if op == "update" else (),
                document,
            )


def kinds_of(changes: Iterable[PlannedChange]) -> dict[str, KindOfChange]:
    """Count the kinds of change, most frequent first: new and deleted contacts, changed fields, tags that come and go."""
    kinds: dict[str, KindOfChange] = {}
    for change in changes:
        for name in kinds_of_change(change):
            kind = kinds.setdefault(name, KindOfChange())
            kind.contacts += 1
            if len(kind.examples) < EXAMPLES:
                kind.examples.append(change)
    return dict(sorted(kinds.items(), key=lambda item: -item[1].contacts))


def kinds_of_change(change: PlannedChange) -> Iterator[str]:
    """Yield the kinds of change that happen to one contact."""
    if change.op != "update":
        yield {"insert": "new contact", "delete": "contact deleted"}[change.op]
        return
    for changed in change.fields:
        if changed.name == "tags":
            yield from (f"tag removed: {tag}" for tag in _parts(changed.before))
            yield from (f"tag added: {tag}" for tag in _parts(changed.after))
        else:
            yield f"{changed.name} changed"


def skip_changes(connection: psycopg.Connection[Any], agency: str) -> list[SkipChange]:
    """Return how the plan changes the skipped records, by reason and rule."""
    rows = connection.execute(
        """select case p.op when 'insert' then 'skipped from now on' when 'delete' then 'no longer skipped'
                else 'skipped for another reason' end,
            coalesce(p.reason, m.reason), coalesce(p.rule, m.rule), count(*)
        from stage.planned_skips p left join mart.skipped_contacts m using (agency, system, entity, entity_id)
        where p.agency = %s group by 1, 2, 3 order by 4 desc, 1, 2""",
        (agency,),
    )
    return [SkipChange(*row) for row in rows]


def counts_before_and_after(connection: psycopg.Connection[Any], agency: str) -> list[tuple[str, str | None, int, int]]:
    """Count contacts by status, owner and tag, as published and as the plan would leave them: kind, value, before, after."""
    return connection.execute(
        """with sides as (
            select 0 as side, document from stage.contacts where agency = %(agency)s
            union all
            select 1, document from stage.contacts b where agency = %(agency)s and not exists (
                select from stage.planned_contacts p where (p.agency, p.contact_id) = (b.agency, b.contact_id))
            union all
            select 1, document from stage.planned_contacts where agency = %(agency)s and op <> 'delete'),
        counted as (
            select side, 'contacts' as kind, 'all' as value from sides
            union all select side, 'status', document ->> 'status' from sides
            union all select side, 'owner', document ->> 'owner_user_id' from sides
            union all select side, 'tag', t ->> 'tag' from sides, jsonb_array_elements(document -> 'tags') t)
        select kind, value, count(*) filter (where side = 0), count(*) filter (where side = 1)
        from counted group by kind, value
        order by array_position(array['contacts', 'status', 'owner', 'tag'], kind), 3 desc, value""",
        {"agency": agency},
    ).fetchall()


def _parts(text: str | None) -> list[str]:
    return text.split("; ") if text else []


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[FieldChange]:
    """Yield the fields in which two documents of a contact differ, as the change feed holds them."""
    for name, new in after.items():
        old = before.get(name)
        if old == new:
            continue
        if isinstance(new, list):
            had, has = (dict.fromkeys(_readable(name, row) for row in side or ()) for side in (old, new))
            gone = "; ".join(text for text in had if text not in has)
            come = "; ".join(text for text in has if text not in had)
            if gone or come:
                yield FieldChange(name, gone or None, come or None)
            else:
                yield FieldChange(name, "; ".join(had), "; ".join(has))
        else:
            yield FieldChange(name, None if old is None else str(old), None if new is None else str(new))


def _readable(name: str, row: Mapping[str, Any]) -> str:
    """Return a row of one of a contact's lists as its reader says it."""
    if name == "emails":
        return f"{row['email']}{' (primary)' if row['is_primary'] else ''}"
    if name == "phones":
        extension = f" ext. {row['extension']}" if row.get("extension") else ""
        return f"{row['phone']} ({row['kind']}{', primary' if row['is_primary'] else ''}){extension}"
    if name == "sources":
        return f"{row['system']} {row['entity']} {row['entity_id']}"
    if name == "tags":
        return str(row["tag"])
    if name == "key_facts":
        return f"{row['kind']} {row['fact_date'] or 'continuous'} {row['label'] or ''}".strip()
    user = f" = {row['user_id']}" if row.get("user_id") else ""
    return f"{row['connection_type']}: {row.get('employee_name') or row['employee_code']}{user}"
