"""Queries for the checks of accounts; their column `id` names a row without personal data."""

from typing import Any

import psycopg

SHARED_IDS = """select key as id, count(*) as accounts from (
    select 'ams360 ' || ams360_customer_id as key from mart.accounts
        where agency = %(agency)s and ams360_customer_id is not null
    union all select 'benefitpoint ' || benefitpoint_account_id from mart.accounts
        where agency = %(agency)s and benefitpoint_account_id is not null) held group by key"""
"""6.6: of each id, how many accounts have it."""
ACCOUNTED = """select * from (with live as (
    select 'ams360' as system, entity_id from raw_ams360.customers where agency = %(agency)s and deleted_at is null
    union all select 'benefitpoint', entity_id from raw_benefitpoint.accounts
        where agency = %(agency)s and deleted_at is null),
listed as (
    select 'ams360' as system, ams360_customer_id as entity_id, account_id from mart.accounts
        where agency = %(agency)s and ams360_customer_id is not null
    union all select 'benefitpoint', benefitpoint_account_id::text, account_id from mart.accounts
        where agency = %(agency)s and benefitpoint_account_id is not null)
select coalesce(l.system, t.system) || ' ' || coalesce(l.entity_id, t.entity_id) as id,
    case when l.entity_id is null then 0 else count(t.account_id) end as accounts
from live l full join listed t using (system, entity_id)
group by l.system, l.entity_id, t.system, t.entity_id) accounted"""
"""6.6: Query, for every live record in either system, the number of accounts built from it (must be 1). 0 also marks an
    account whose record is deleted.
    """
VALUES = """select a.account_id::text as id, (a.name, a.is_active, a.email, a.phone, a.address1, a.address2, a.city, a.state,
        a.postal_code) is not distinct from (c.document ->> 'name', (c.document ->> 'is_active')::boolean,
        c.document ->> 'email', c.document ->> 'phone', c.document #>> '{address,address1}',
        c.document #>> '{address,address2}', c.document #>> '{address,city}', c.document #>> '{address,state}',
        c.document #>> '{address,postal_code}') as is_ams360s
from mart.accounts a left join stage.account_customers c
    on c.agency = a.agency and c.customer_key = lower(a.ams360_customer_id)
where a.agency = %(agency)s and a.ams360_synced and a.benefitpoint_synced"""
"""B4: whether a linked account's values are AMS360's."""


def coverage(connection: psycopg.Connection[Any], agency: str) -> list[tuple[str, int]]:
    """Query BenefitPoint's live accounts by their relation to AMS360; each is in exactly one row."""
    rows = connection.execute(
        """select coalesce(
            (select 'linked by ' || evidence from ops.account_links l where l.agency = r.agency
                and l.benefitpoint_account_id = r.entity_id::int and state = 'confirmed'),
            (select 'suggested, for a person to confirm' from ops.account_links l where l.agency = r.agency
                and l.benefitpoint_account_id = r.entity_id::int and state = 'suggested' limit 1),
            'BenefitPoint alone'), count(*)
        from raw_benefitpoint.accounts r where agency = %s and deleted_at is null group by 1 order by 2 desc, 1""",
        (agency,),
    ).fetchall()
    return [(str(name), int(count)) for name, count in rows]
