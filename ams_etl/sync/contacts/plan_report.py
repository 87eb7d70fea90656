"""A stored plan for people: each contact's op and the fields that would change."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """The latest plan of an agency."""

    plan_id: UUID
    counts: Mapping[str, int]
    stopped_by: str | None


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One contact's planned change; `fields` are (name, before, after) as text, list fields as what comes and goes."""

    contact_id: UUID
    op: str
    sources: tuple[str, ...]
    fields: tuple[tuple[str, str, str], ...]


def latest_plan(connection: psycopg.Connection[Any], agency: str) -> StoredPlan | None:
    """The agency's plan, or None."""
    row = connection.execute(
        "select plan_id, counts, stopped_by from stage.plans where agency = %s", (agency,)
    ).fetchone()
    return StoredPlan(*row) if row else None


def changes_of_plan(connection: psycopg.Connection[Any], agency: str) -> Iterator[PlannedChange]:
    """Every contact that the plan would insert, update or delete; deletions first."""
    rows = connection.execute(
        """select p.contact_id, p.op, b.document, p.document from stage.planned_contacts p
        left join stage.contacts b using (agency, contact_id) where p.agency = %s
        order by array_position(array['delete', 'update', 'insert'], p.op), p.contact_id""",
        (agency,),
    )
    for contact_id, op, before, after in rows:
        document = after or before
        yield PlannedChange(
            contact_id,
            op,
            tuple(f"{source['entity']} {source['entity_id']}" for source in document["sources"]),
            tuple(_differences(before or {}, after or {})) if op == "update" else (),
        )


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name in after:
        old, new = before.get(name), after[name]
        if old == new:
            continue
        if isinstance(new, list):
            had, has = ({json.dumps(row, sort_keys=True) for row in side or ()} for side in (old, new))
            yield name, " ".join(sorted(had - has)) or "nothing", " ".join(sorted(has - had)) or "nothing"
        else:
            yield name, _text(old), _text(new)


def _text(value: Any) -> str:
    return "nothing" if value is None else str(value)
