"""`stage.merged_customers`: which customers are gone because they were merged into another one (M9).

It is a function of raw, of `ops.record_moves` (whose a record was before) and of what users decided, so the order of syncs does
not matter: the record that moved is remembered whichever of the two customers is read first.
"""

import json
from typing import Any

import psycopg

from ams_etl.rules.contacts.customer_merges import SharedRecords, last_of_chain, merged_into
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.dirty_customers import mark_customers

_BENEATH = {
    "raw_ams360.policies": "policy_id",
    "raw_ams360.customer_contacts": "contact_id",
    "raw_ams360.customer_dependents": "dependent_id",
}


def refresh_merged_customers(connection: psycopg.Connection[Any], agency: str) -> int:
    """Work out again what the dirty customers were merged into, and which were merged into them.

    Customers whose answer changes become dirty, and so do the accounts that name them.

    Args:
        connection: inside the transaction that marked the dirty customers.
        agency: the agency id.

    Returns:
        How many answers changed.
    """
    if not _concerns_anybody(connection, agency):
        return 0
    scope = {"agency": agency}
    connection.execute("create temp table if not exists merging (customer_id text primary key) on commit delete rows")
    connection.execute("delete from merging")
    connection.execute(_ASKED, scope)
    asked = {row[0] for row in connection.execute("select customer_id from merging")}
    if not asked:
        return 0
    connection.execute("analyze merging")
    stored = {
        row[0]: (row[1], row[2], row[3])
        for row in connection.execute(
            "select customer_id, next_customer, merged_into, evidence from stage.merged_customers where agency = %s",
            (agency,),
        )
    }
    shared = [SharedRecords(*row) for row in connection.execute(_SHARED, scope)]
    confirmed, refused = _decisions(connection, agency)
    found = merged_into(shared, confirmed, refused)
    steps = {customer_id: step[0] for customer_id, step in stored.items() if customer_id not in asked}
    steps |= {customer_id: step[0] for customer_id, step in found.items()}
    live = _live(connection, agency, set(steps.values()))
    evidence = {customer_id: step[2] for customer_id, step in stored.items()} | {
        customer_id: step[1] for customer_id, step in found.items()
    }
    now = {
        customer_id: (step, last_of_chain(customer_id, steps, live), evidence[customer_id])
        for customer_id, step in steps.items()
    }
    changed = {
        customer_id for customer_id in stored.keys() | now.keys() if stored.get(customer_id) != now.get(customer_id)
    }
    if changed:
        _write(connection, agency, changed, now)
        ends = {step[1] for customer_id in changed for step in (stored.get(customer_id), now.get(customer_id)) if step}
        _mark(connection, agency, changed, {end for end in ends if end})
    return len(changed)


def _concerns_anybody(connection: psycopg.Connection[Any], agency: str) -> bool:
    """Whether any customer is gone: most agencies' syncs have nothing to do here."""
    row = connection.execute(
        """select exists (select from raw_ams360.customers where agency = %(agency)s and deleted_at is not null)
            or exists (select from stage.merged_customers where agency = %(agency)s)""",
        {"agency": agency},
    ).fetchone()
    return row == (True,)


CURRENT_OWNERS = " union all ".join(
    f"""select m.customer_id, r.customer_id as owner, '{evidence}' as evidence
    from ops.record_moves m join {table} r on (r.agency, r.entity_id) = (m.agency, m.entity_id)
    where m.agency = %(agency)s and m.entity = '{table}' and r.customer_id <> m.customer_id"""
    for table, evidence in _BENEATH.items()
)
"""Selects whose the records beneath a customer are now that were another's before; a pair may come more than once."""
_ASKED = f"""insert into merging
    with dirty as (select customer_id from stage.dirty_customers where agency = %(agency)s),
    owners as ({CURRENT_OWNERS})
    select d.customer_id from dirty d join raw_ams360.customers c
        on c.agency = %(agency)s and c.entity_id = d.customer_id and c.deleted_at is not null
    union select m.customer_id from stage.merged_customers m where m.agency = %(agency)s and exists (
        select from dirty d where d.customer_id in (m.customer_id, m.next_customer, m.merged_into))
    union select o.customer_id from owners o join dirty d on d.customer_id = o.owner
    union select mine.customer_id
        from raw_ams360.customers gone join raw_ams360.policies mine
            on (mine.agency, mine.customer_id) = (gone.agency, gone.entity_id)
        join raw_ams360.policies other on other.agency = %(agency)s
            and ops.policy_number_key(other.payload ->> 'PolicyNumber') = ops.policy_number_key(mine.payload ->> 'PolicyNumber')
        join dirty d on d.customer_id = other.customer_id
        where gone.agency = %(agency)s and gone.deleted_at is not null and other.customer_id <> mine.customer_id"""
_SHARED = f"""with owners as ({CURRENT_OWNERS}),
    gone as (
        select m.customer_id from merging m join raw_ams360.customers c on (c.agency, c.entity_id) = (%(agency)s, m.customer_id)
        where c.deleted_at is not null),
    shared as (
        select o.customer_id, o.owner, o.evidence, count(*) as records from owners o join gone using (customer_id) group by 1, 2, 3
        union all
        select mine.customer_id, other.customer_id, 'policy_number',
            count(distinct ops.policy_number_key(mine.payload ->> 'PolicyNumber'))
        from gone join raw_ams360.policies mine on mine.agency = %(agency)s and mine.customer_id = gone.customer_id
        join raw_ams360.policies other on other.agency = %(agency)s
            and ops.policy_number_key(other.payload ->> 'PolicyNumber') = ops.policy_number_key(mine.payload ->> 'PolicyNumber')
        where other.customer_id <> mine.customer_id and other.deleted_at is null
            and coalesce(other.payload ->> 'WritingCompanyCode' = mine.payload ->> 'WritingCompanyCode', true)
        group by 1, 2)
    select s.customer_id, s.owner, coalesce(c.deleted_at is null and c.entity_id is not null, false), s.evidence, s.records
    from shared s left join raw_ams360.customers c on (c.agency, c.entity_id) = (%(agency)s, s.owner)"""


def _decisions(connection: psycopg.Connection[Any], agency: str) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """What users decided of customers in `merging` that are gone."""
    confirmed: dict[str, str] = {}
    refused: set[tuple[str, str]] = set()
    for customer_id, owner_id, decided in connection.execute(
        """select d.customer_id, d.merged_into, d.decided from ops.customer_merge_decisions d join merging using (customer_id)
        join raw_ams360.customers c on (c.agency, c.entity_id) = (d.agency, d.customer_id)
        where d.agency = %s and c.deleted_at is not null""",
        (agency,),
    ):
        if decided == "confirmed":
            confirmed[customer_id] = owner_id
        else:
            refused.add((customer_id, owner_id))
    return confirmed, refused


def _live(connection: psycopg.Connection[Any], agency: str, customer_ids: set[str]) -> frozenset[str]:
    rows = connection.execute(
        "select entity_id from raw_ams360.customers where agency = %s and entity_id = any(%s) and deleted_at is null",
        (agency, list(customer_ids)),
    )
    return frozenset(row[0] for row in rows)


def _write(
    connection: psycopg.Connection[Any], agency: str, changed: set[str], now: dict[str, tuple[str, str | None, str]]
) -> None:
    connection.execute(
        "delete from stage.merged_customers where agency = %s and customer_id = any(%s)",
        (agency, list(changed - now.keys())),
    )
    rows = [{"c": key, "n": now[key][0], "m": now[key][1], "e": now[key][2]} for key in changed & now.keys()]
    connection.execute(
        """insert into stage.merged_customers (agency, customer_id, next_customer, merged_into, evidence)
        select %s, c, n, m, e from jsonb_to_recordset(%s::jsonb) as r (c text, n text, m text, e text)
        on conflict (agency, customer_id) do update set next_customer = excluded.next_customer,
            merged_into = excluded.merged_into, evidence = excluded.evidence""",
        (agency, json.dumps(rows)),
    )


def _mark(connection: psycopg.Connection[Any], agency: str, changed: set[str], ends: set[str]) -> None:
    """Have the records of the merged customers derived again, and accounts that name one of these evaluated."""
    mark_customers(AgencyDb(connection, agency), sorted(changed))
    connection.execute(
        "insert into stage.account_touches (agency, kind, id) select %s, 'customer', unnest(%s::text[])",
        (agency, sorted(changed | ends)),
    )
