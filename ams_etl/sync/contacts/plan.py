"""What should change in `mart.*`: the second half of the difference engine.

From what was touched since the last publish to the contacts that can be affected, and only those; each is merged
again and compared with what is published. The plan is rows in `stage.planned_*`; nothing in `mart` moves here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from ams_etl.rules.contacts.by_hand import Keys, suppress_by_hand
from ams_etl.rules.contacts.merging import MERGED_SKIPS, merge
from ams_etl.rules.model import Contact, NameOverride, Skip
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import BrakeSettings
from ams_etl.store.agency_db import scalar
from ams_etl.store.beside import beside
from ams_etl.store.content import content_hash
from ams_etl.store.copy import copy_rows
from ams_etl.store.lease import Lease
from ams_etl.store.sending.suppressions import suppressed_records
from ams_etl.sync.candidate_documents import candidates_from
from ams_etl.sync.contacts.brake import PublishImpact, reason_to_stop
from ams_etl.sync.contacts.components import choose_members
from ams_etl.sync.contacts.documents import contact_json
from ams_etl.sync.contacts.garbage_collection import collector_paused
from ams_etl.sync.contacts.shared_addresses import refused_in_plan
from ams_etl.sync.customer_merges.merged_records import predecessors, refresh_continuations

BATCH = 2000
"""Contacts that are merged while Postgres stores as many before them, and reads those after them."""


@dataclass(frozen=True, slots=True)
class PlanCounts:
    """Count contacts by what would happen to them, and the candidates that were evaluated."""

    insert: int
    update: int
    delete: int
    unchanged: int
    skipped_rows: int
    candidates_read: int
    owner_changes: int
    contacts_before: int


@dataclass(frozen=True, slots=True)
class ContactPlan:
    """A stored plan; `stopped_by` says why a person must let it through first, or is None."""

    plan_id: UUID
    counts: PlanCounts
    stopped_by: str | None


def make_plan(
    connection: psycopg.Connection[Any],
    agency: str,
    settings: RuleSettings,
    brake: BrakeSettings,
    today: date,
    progress: Callable[[int], None] = lambda done: None,
    *,
    lease: Lease | None = None,
) -> ContactPlan:
    """Work out and store the plan for everything touched, replacing the agency's earlier plan.

    Args:
        connection: autocommit; the plan is one transaction.
        agency: the agency id.
        settings: its rule settings.
        brake: when to stop for a person.
        today: recorded with the plan.
        progress: called with the number of candidates merged so far.
        lease: `publish`; None where nobody else can be at work.
    """
    with connection.transaction():
        if lease is not None:
            lease.check(connection)
        connection.execute("insert into stage.engine (agency) values (%s) on conflict (agency) do nothing", (agency,))
        version = _one(connection, "select version from stage.engine where agency = %s for update", agency)
        for table in ("plans", "planned_contacts", "planned_members", "planned_skips"):
            connection.execute(f"delete from stage.{table} where agency = %s", (agency,))
        refresh_continuations(connection, agency)
        connection.execute("update stage.touched set planned = true where agency = %s and not planned", (agency,))
        choose_members(
            connection,
            agency,
            merge_by_email=settings.merge_by == "email",
            shared_email_limit=settings.shared_email_limit,
            followers=settings.benefitpoint_contacts,
        )
        merged = _merge_members(connection, agency, settings, progress)
        unchanged = _compare_contacts(connection, agency)
        skipped_rows = _compare_skips(connection, agency)
        counts = _count(connection, agency, merged, unchanged, skipped_rows)
        stopped_by = reason_to_stop(PublishImpact(counts.contacts_before, counts.delete, counts.owner_changes), brake)
        plan_id = uuid4()
        connection.execute(
            """insert into stage.plans (agency, plan_id, version, today, counts, stopped_by)
            values (%s, %s, %s, %s, %s, %s)""",
            (agency, plan_id, version, today, Jsonb(_as_dict(counts)), stopped_by),
        )
    return ContactPlan(plan_id, counts, stopped_by)


def discard_plan(connection: psycopg.Connection[Any], agency: str, plan_id: UUID) -> bool:
    """Delete a stored plan; what it would have changed is planned again by the next sync. False: it is not there any more."""
    with connection.transaction():
        connection.execute("select version from stage.engine where agency = %s for update", (agency,))
        known = connection.execute(
            "delete from stage.plans where agency = %s and plan_id = %s", (agency, plan_id)
        ).rowcount
        if known:
            for table in ("planned_contacts", "planned_members", "planned_skips"):
                connection.execute(f"delete from stage.{table} where agency = %s", (agency,))
    return bool(known)


def _merge_members(
    connection: psycopg.Connection[Any],
    agency: str,
    settings: RuleSettings,
    progress: Callable[[int], None],
) -> int:
    connection.execute(
        """create temp table if not exists target_contacts (contact_id uuid primary key, document jsonb,
            content_hash bytea) on commit drop;
        create temp table if not exists target_skips (system text, entity text, entity_id text, customer_id text,
            reason text, rule text, detail text) on commit drop"""
    )
    connection.execute("truncate target_contacts, target_skips")
    users, overrides = decisions(connection, agency)
    by_hand = suppressed_records(connection, agency)
    refused = refused_in_plan(connection, agency)
    gone = predecessors(connection, agency)
    groups = connection.cursor("members_by_contact")
    groups.execute(
        """select p.contact_id, '[' || string_agg(c.document::text, ',' order by p.candidate_id) || ']'
        from chosen_members p join stage.candidates c using (candidate_id) where c.agency = %s
        group by p.contact_id""",
        (agency,),
    )

    def merge_all(rows: list[tuple[UUID, str]]) -> _Merged:
        merged = _Merged()
        for contact_id, documents in rows:
            candidates = candidates_from(documents)
            merged.add(contact_id, merge(candidates, settings, users, overrides, refused, gone), by_hand)
            merged.candidates += len(candidates)
        return merged

    done = 0
    stored_next = _Merged()
    rows = groups.fetchmany(BATCH)
    with collector_paused():
        while rows:
            if len(rows) < BATCH:
                following = []
                _store(connection, stored_next)
                merged = merge_all(rows)
            else:
                with beside(connection, partial(_store_and_fetch, connection, stored_next, groups)) as fetching:
                    merged = merge_all(rows)
                following = fetching.result()
            rows, stored_next = following, merged
            done += merged.candidates
            progress(done)
        _store(connection, stored_next)
    groups.close()
    return done


@dataclass(slots=True)
class _Merged:
    """Rows of the contacts and skips that some groups of candidates became."""

    contacts: list[tuple[UUID, bytes, bytes]] = field(default_factory=list)
    skips: list[tuple[Any, ...]] = field(default_factory=list)
    candidates: int = 0

    def add(self, contact_id: UUID, outcome: Contact | Sequence[Skip], by_hand: Keys) -> None:
        """Add what a group became."""
        if isinstance(outcome, Contact):
            document = contact_json(contact_id, suppress_by_hand(outcome, by_hand))
            self.contacts.append((contact_id, document, content_hash(document)))
        else:
            self.skips += map(_skip_row, outcome)


def _store(connection: psycopg.Connection[Any], merged: _Merged) -> None:
    if merged.contacts:
        copy_rows(
            connection, "target_contacts",
            {"contact_id": "uuid", "document": "jsonb", "content_hash": "bytea"}, merged.contacts,
        )  # fmt: skip
    if merged.skips:
        copy_rows(
            connection, "target_skips",
            dict.fromkeys(("system", "entity", "entity_id", "customer_id", "reason", "rule", "detail"), "text"),
            merged.skips,
        )  # fmt: skip


def _store_and_fetch(
    connection: psycopg.Connection[Any], merged: _Merged, groups: psycopg.ServerCursor[Any]
) -> list[tuple[UUID, str]]:
    """Store what was merged last, and fetch the groups after those that are being merged."""
    _store(connection, merged)
    return groups.fetchmany(BATCH)


def decisions(
    connection: psycopg.Connection[Any], agency: str
) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str, str], NameOverride]]:
    """What people decided: the user mapping (O1) and the names given in the platform (N12), as `merge` takes them."""
    users = {
        (connection_type, employee_code): user_id
        for connection_type, employee_code, user_id in connection.execute(
            "select connection_type, employee_code, user_id from ops.user_mappings where agency = %s", (agency,)
        )
    }
    overrides = {
        (system, entity, entity_id): NameOverride(*names)
        for system, entity, entity_id, *names in connection.execute(
            """select c.system, c.entity, c.entity_id, o.first_name, o.last_name, o.nickname
            from ops.name_overrides o join stage.candidates c using (agency)
            where o.agency = %s and c.candidate_id = o.contact_id""",
            (agency,),
        )
    }
    return users, overrides


def _skip_row(skip: Skip) -> tuple[Any, ...]:
    return (skip.system, skip.entity, skip.entity_id, skip.customer_id, skip.reason, skip.rule, skip.detail)


def _compare_contacts(connection: psycopg.Connection[Any], agency: str) -> int:
    connection.execute(
        """insert into stage.planned_contacts (agency, contact_id, op, document, content_hash)
        select %(agency)s, t.contact_id, case when b.contact_id is null then 'insert' else 'update' end, t.document,
            t.content_hash
        from target_contacts t left join stage.contacts b on (b.agency, b.contact_id) = (%(agency)s, t.contact_id)
        where b.content_hash is distinct from t.content_hash""",
        {"agency": agency},
    )
    # Contacts that a touched candidate was part of, and that have no candidate any more.
    connection.execute(
        """insert into stage.planned_contacts (agency, contact_id, op)
        select %(agency)s, b.contact_id, 'delete' from stage.contacts b
        where b.agency = %(agency)s and b.contact_id in (
            select c.contact_id from stage.candidates c
            join chosen_members p using (candidate_id)
            where c.agency = %(agency)s
            union select t.id::uuid from stage.touched t where t.agency = %(agency)s and t.kind = 'contact')
        and not exists (select from target_contacts t where t.contact_id = b.contact_id)""",
        {"agency": agency},
    )
    return _one(
        connection,
        """select count(*) from target_contacts t
        where not exists (select from stage.planned_contacts p where (p.agency, p.contact_id) = (%s, t.contact_id))""",
        agency,
    )


def _compare_skips(connection: psycopg.Connection[Any], agency: str) -> int:
    """Plan the changes of `mart.skipped_contacts`: skips of touched customers, and `MERGED_SKIPS` of touched members."""
    return connection.execute(
        """with customers as (
            select id as customer_id from stage.touched where agency = %(agency)s and kind = 'customer'),
        members as (
            select k.* from chosen_members p join stage.candidates c using (candidate_id)
            cross join lateral (
                select c.system, c.entity, c.entity_id
                union all select c.system, a ->> 0, a ->> 1 from jsonb_array_elements(c.document -> 'absorbed') a) k
            where c.agency = %(agency)s),
        wanted as (
            select s.system, s.entity, s.entity_id, s.customer_id, s.reason, s.rule, s.detail
            from stage.skips s join customers using (customer_id) where s.agency = %(agency)s
            union all select * from target_skips),
        present as (
            select m.* from mart.skipped_contacts m
            where m.agency = %(agency)s and m.reason <> all(%(merged)s)
                and m.customer_id in (select customer_id from customers)
            union
            select m.* from mart.skipped_contacts m join members using (system, entity, entity_id)
            where m.agency = %(agency)s
            union
            select m.* from mart.skipped_contacts m
            where m.agency = %(agency)s and m.reason = any(%(merged)s) and not exists (
                select from stage.candidates c where (c.agency, c.customer_id) = (m.agency, m.customer_id)
                    and ((c.entity, c.entity_id) = (m.entity, m.entity_id)
                        or c.document -> 'absorbed' @> jsonb_build_array(jsonb_build_array(m.entity, m.entity_id))))
        )
        insert into stage.planned_skips
            (agency, op, system, entity, entity_id, customer_id, reason, rule, detail)
        select %(agency)s,
            case when p.entity is null then 'insert' when w.entity is null then 'delete' else 'update' end,
            system, entity, entity_id, coalesce(w.customer_id, p.customer_id), w.reason, w.rule, w.detail
        from wanted w full join present p using (system, entity, entity_id)
        where (w.customer_id, w.reason, w.rule, w.detail) is distinct from (p.customer_id, p.reason, p.rule, p.detail)""",
        {"agency": agency, "merged": list(MERGED_SKIPS)},
    ).rowcount


def _count(
    connection: psycopg.Connection[Any], agency: str, read: int, unchanged: int, skipped_rows: int
) -> PlanCounts:
    by_op = dict(
        connection.execute(
            "select op, count(*) from stage.planned_contacts where agency = %s group by op", (agency,)
        ).fetchall()
    )
    return PlanCounts(
        insert=by_op.get("insert", 0),
        update=by_op.get("update", 0),
        delete=by_op.get("delete", 0),
        unchanged=unchanged,
        skipped_rows=skipped_rows,
        candidates_read=read,
        owner_changes=_one(
            connection,
            """select count(*) from stage.planned_contacts p join stage.contacts b using (agency, contact_id)
            where p.agency = %s and p.op = 'update'
                and b.document ->> 'owner_user_id' is not null
                and p.document ->> 'owner_user_id' is distinct from b.document ->> 'owner_user_id'""",
            agency,
        ),
        contacts_before=_one(connection, "select count(*) from stage.contacts where agency = %s", agency),
    )


def _one(connection: psycopg.Connection[Any], query: str, agency: str) -> int:
    return int(scalar(connection, query, (agency,)) or 0)


def _as_dict(counts: PlanCounts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in PlanCounts.__slots__}
