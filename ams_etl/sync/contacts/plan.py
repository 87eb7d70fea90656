"""What should change in `mart.*`: the second half of the difference engine.

From what was touched since the last publish to the contacts that can be affected, and only those; each is merged
again and compared with what is published. The plan is rows in `stage.planned_*`; nothing in `mart` moves here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from ams_etl.rules.contacts.merging import MERGED_SKIPS
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import BrakeSettings
from ams_etl.store.agency_db import scalar
from ams_etl.store.lease import Lease
from ams_etl.sync.contacts.brake import PublishImpact, reason_to_stop
from ams_etl.sync.contacts.planning.components import choose_members
from ams_etl.sync.contacts.planning.merge_groups import MergeCounts, merge_groups
from ams_etl.sync.customer_merges.merged_records import refresh_continuations


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
        merged = merge_groups(connection, agency, settings, progress)
        _plan_deletes(connection, agency)
        skipped_rows = _compare_skips(connection, agency)
        counts = _count(connection, agency, merged, skipped_rows)
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


def _plan_deletes(connection: psycopg.Connection[Any], agency: str) -> None:
    """Plan the end of contacts that a touched candidate was part of, and that have no candidate any more."""
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


def _count(connection: psycopg.Connection[Any], agency: str, merged: MergeCounts, skipped_rows: int) -> PlanCounts:
    by_op = dict(
        connection.execute(
            "select op, count(*) from stage.planned_contacts where agency = %s group by op", (agency,)
        ).fetchall()
    )
    return PlanCounts(
        insert=by_op.get("insert", 0),
        update=by_op.get("update", 0),
        delete=by_op.get("delete", 0),
        unchanged=merged.unchanged,
        skipped_rows=skipped_rows,
        candidates_read=merged.candidates,
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
