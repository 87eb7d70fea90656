"""Apply a plan to `mart.*` in one transaction, with its rows in the change feed."""

from typing import Any
from uuid import UUID

import psycopg

from ams_etl.errors import PermanentError
from ams_etl.store.change_feed import hold_feed
from ams_etl.store.lease import Lease
from ams_etl.store.loading.statistics import Growth
from ams_etl.sync.change_counts import PublishCounts
from ams_etl.sync.contacts.user_mappings import remember_names
from ams_etl.sync.customer_merges.contact_merges import work_out_merges, write_merges

_SATELLITES = {
    "contact_emails": ("emails", "email text, is_primary boolean"),
    "contact_phones": ("phones", "phone text, kind text, extension text, is_primary boolean"),
    "contact_sources": ("sources", "system text, entity text, entity_id text, customer_id text, role text"),
    "contact_tags": ("tags", "tag text, category text"),
    "key_facts": ("key_facts", "kind text, fact_date date, label text, policy_id text, is_continuous boolean"),
    "connections": (
        "connections",
        "connection_type text, employee_code text, employee_name text, user_id text, rank integer",
    ),
}
_CONTACT_COLUMNS = (
    "record_type", "status", "first_name", "last_name", "nickname", "middle_name", "company_name", "email", "phone", "address1",
    "address2", "city", "state", "postal_code", "country", "birthday", "owner_user_id", "owner_role",
    "suppressed_reason",
)  # fmt: skip


class PlanOutdated(PermanentError):
    """The latest plan was used up, or the data moved on since it was made: another publish came between."""


def publish(
    connection: psycopg.Connection[Any],
    agency: str,
    *,
    plan_id: UUID | None = None,
    run_id: str | None = None,
    lease: Lease | None = None,
) -> PublishCounts:
    """Apply the agency's stored plan, which is used up by it.

    Args:
        connection: autocommit; everything happens in one transaction.
        agency: the agency id.
        plan_id: a plan that a user reviewed: exactly that one is applied, past the brake. None: the latest
            plan, unless the brake holds it.
        run_id: the Dagster run, for `mart.changes`.
        lease: `publish`; None where nobody else can be at work.

    Raises:
        PlanOutdated: another publish came between, and no plan was asked for by its id: make it again.
        PermanentError: there is no such plan, the data moved on since it was made, or the brake holds it.
        LeaseLost: another one publishes this agency now.
    """
    with connection.transaction():
        if lease is not None:
            lease.check(connection)
        version = connection.execute(
            "select version from stage.engine where agency = %s for update", (agency,)
        ).fetchone()
        plan = connection.execute(
            "select plan_id, version, stopped_by from stage.plans where agency = %s", (agency,)
        ).fetchone()
        _refuse_unless_current(connection, agency, plan, version, plan_id)
        counts = _apply(connection, agency, run_id)
        remember_names(connection, agency)
    written = ("stage.contacts", "mart.contacts", "mart.changes", *(f"mart.{table}" for table in _SATELLITES))
    # What is updated or deleted leaves the tables as large as Postgres knows them.
    Growth(connection, written).reached(counts.inserted)
    return counts


def _refuse_unless_current(
    connection: psycopg.Connection[Any], agency: str, plan: Any, version: Any, wanted: UUID | None
) -> None:
    again = f"make a new one with `ams-etl sync {agency} --plan`"
    if plan is None:
        raise PlanOutdated(f"there is no plan for {agency}; {again}")
    if wanted is not None and plan[0] != wanted:
        raise PermanentError(f"plan {wanted} is not the latest for {agency}, which is {plan[0]}; {again}")
    moved = version is None or plan[1] != version[0]
    if wanted is not None and not moved:
        moved = connection.execute(
            """select exists (select from stage.touched where agency = %(agency)s and not planned)
                or exists (select from stage.dirty_customers where agency = %(agency)s)""",
            {"agency": agency},
        ).fetchone() == (True,)
    if moved:
        raise PlanOutdated(f"the data of {agency} moved on since plan {plan[0]} was made; {again}")
    if plan[2] and wanted is None:
        raise PermanentError(
            f"the brake stopped the publish of {agency}: {plan[2]}. Review it with `ams-etl plan {agency}`; to let "
            f"it through: `ams-etl sync {agency} --apply {plan[0]}`"
        )


def _apply(connection: psycopg.Connection[Any], agency: str, run_id: str | None) -> PublishCounts:
    hold_feed(connection, agency)
    # Not now(), which is when the transaction began to wait for the publish before it.
    ((moment,),) = connection.execute("select clock_timestamp()").fetchall()
    scope = {"agency": agency, "run_id": run_id, "moment": moment}
    work_out_merges(connection, agency)
    connection.execute(
        """insert into mart.changes (agency, entity, entity_id, op, before, after, run_id, at, merged_into)
        select p.agency, 'contact', p.contact_id::text, p.op, b.document, p.document, %(run_id)s, %(moment)s, m.merged_into
        from stage.planned_contacts p left join stage.contacts b using (agency, contact_id)
        left join contact_merges m on p.op = 'delete' and m.contact_id = p.contact_id
        where p.agency = %(agency)s order by p.contact_id""",
        scope,
    )
    _find_changed_parts(connection, scope)
    for table, (part, _) in _SATELLITES.items():
        connection.execute(
            f"""delete from mart.{table} m using changed_parts c
            where c.part = '{part}' and (m.agency, m.contact_id) = (%(agency)s, c.contact_id)""",
            scope,
        )
    connection.execute(
        """delete from mart.contacts m using stage.planned_contacts p
        where p.agency = %(agency)s and p.op = 'delete' and (m.agency, m.contact_id) = (p.agency, p.contact_id)""",
        scope,
    )
    columns = ", ".join(_CONTACT_COLUMNS)
    typed = ", ".join(f"{name} {'date' if name == 'birthday' else 'text'}" for name in _CONTACT_COLUMNS)
    connection.execute(
        f"""insert into mart.contacts (agency, contact_id, {columns}, created_at, updated_at)
        select p.agency, p.contact_id, {", ".join("r." + name for name in _CONTACT_COLUMNS)}, now(), now()
        from stage.planned_contacts p cross join lateral jsonb_to_record(p.document) as r ({typed})
        where p.agency = %(agency)s and p.op <> 'delete'
        on conflict (agency, contact_id) do update set updated_at = excluded.updated_at,
            {", ".join(f"{name} = excluded.{name}" for name in _CONTACT_COLUMNS)}""",
        scope,
    )
    for table, (part, row_type) in _SATELLITES.items():
        names = [column.split()[0] for column in row_type.split(", ")]
        connection.execute(
            f"""insert into mart.{table} (agency, contact_id, {", ".join(names)})
            select p.agency, p.contact_id, {", ".join("r." + name for name in names)}
            from stage.planned_contacts p cross join lateral jsonb_to_recordset(p.document -> '{part}') as r ({row_type})
            where p.agency = %(agency)s and (p.op = 'insert'
                or p.op = 'update' and p.contact_id in (select c.contact_id from changed_parts c where c.part = '{part}'))""",
            scope,
        )
    connection.execute(
        """delete from stage.contacts b using stage.planned_contacts p
        where p.agency = %(agency)s and p.op = 'delete' and (b.agency, b.contact_id) = (p.agency, p.contact_id)""",
        scope,
    )
    connection.execute(
        """insert into stage.contacts (agency, contact_id, document, content_hash)
        select agency, contact_id, document, content_hash from stage.planned_contacts
        where agency = %(agency)s and op <> 'delete'
        on conflict (agency, contact_id) do update set document = excluded.document, content_hash = excluded.content_hash""",
        scope,
    )
    connection.execute(
        """update stage.candidates c set contact_id = p.contact_id from stage.planned_members p
        where p.agency = %(agency)s and (c.agency, c.candidate_id) = (p.agency, p.candidate_id)
            and c.contact_id is distinct from p.contact_id""",
        scope,
    )
    _apply_skips(connection, scope)
    write_merges(connection, agency, moment)
    counts = dict(
        connection.execute(
            "select op, count(*) from stage.planned_contacts where agency = %(agency)s group by op", scope
        ).fetchall()
    )
    connection.execute("delete from stage.touched where agency = %(agency)s and planned", scope)
    for table in ("plans", "planned_contacts", "planned_members", "planned_skips"):
        connection.execute(f"delete from stage.{table} where agency = %(agency)s", scope)
    connection.execute("update stage.engine set version = version + 1 where agency = %(agency)s", scope)
    return PublishCounts(counts.get("insert", 0), counts.get("update", 0), counts.get("delete", 0))


def _find_changed_parts(connection: psycopg.Connection[Any], scope: dict[str, Any]) -> None:
    """Fill the temporary `changed_parts` with the parts of published contacts whose rows are no longer right.

    Each document is unpacked once; asking for each part by itself took most of a publish after a change of settings.
    """
    connection.execute(
        "create temp table if not exists changed_parts (contact_id uuid, part text) on commit delete rows"
    )
    connection.execute("delete from changed_parts")
    parts = [part for part, _ in _SATELLITES.values()]
    typed = ", ".join(f"{part} jsonb" for part in parts)
    differ = ", ".join(f"('{part}', n.{part} is distinct from o.{part})" for part in parts)
    connection.execute(
        f"""insert into changed_parts
        select p.contact_id, c.part
        from stage.planned_contacts p join stage.contacts b using (agency, contact_id)
        left join lateral jsonb_to_record(p.document) as n ({typed}) on true
        left join lateral jsonb_to_record(b.document) as o ({typed}) on true
        cross join lateral (values {differ}) c (part, differs)
        where p.agency = %(agency)s and c.differs""",
        scope,
    )
    connection.execute("analyze changed_parts")


def _apply_skips(connection: psycopg.Connection[Any], scope: dict[str, Any]) -> None:
    connection.execute(
        """delete from mart.skipped_contacts m using stage.planned_skips p
        where p.agency = %(agency)s and p.op = 'delete'
            and (m.agency, m.system, m.entity, m.entity_id) = (p.agency, p.system, p.entity, p.entity_id)""",
        scope,
    )
    connection.execute(
        """insert into mart.skipped_contacts (agency, system, entity, entity_id, customer_id, reason, rule, detail)
        select agency, system, entity, entity_id, customer_id, reason, rule, detail from stage.planned_skips
        where agency = %(agency)s and op <> 'delete'
        on conflict (agency, system, entity, entity_id) do update set customer_id = excluded.customer_id,
            reason = excluded.reason, rule = excluded.rule, detail = excluded.detail""",
        scope,
    )
