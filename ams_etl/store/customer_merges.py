"""Read which customers and contacts go on as another one (M9), for whoever has an old id of one."""

from collections.abc import Iterable
from typing import Any

import psycopg


def survivors_of(connection: psycopg.Connection[Any], agency: str, customer_ids: Iterable[str]) -> dict[str, str]:
    """Return for each of these customers that was merged the live one that it was merged into; ids in either case are found."""
    asked = sorted(set(customer_ids))
    if not asked:
        return {}
    rows = connection.execute(
        """select x.id, m.merged_into from unnest(%s::text[]) x (id)
        join stage.merged_customers m on m.agency = %s and m.customer_id in (x.id, lower(x.id), upper(x.id))
        where m.merged_into is not null""",
        (asked, agency),
    )
    return dict(rows.fetchall())


def survivors_of_numbers(connection: psycopg.Connection[Any], agency: str, numbers: Iterable[int]) -> dict[int, str]:
    """Return for each CustomerNumber of a merged customer the live one; a number that a live customer has is left out."""
    asked = sorted(set(numbers))
    if not asked:
        return {}
    rows = connection.execute(
        """select n, min(m.merged_into) from unnest(%(numbers)s::int[]) n
        join raw_ams360.customers c on c.agency = %(agency)s and (c.payload ->> 'CustomerNumber')::integer = n
        join stage.merged_customers m on (m.agency, m.customer_id) = (c.agency, c.entity_id)
        where c.deleted_at is not null and m.merged_into is not null and not exists (
            select from raw_ams360.customers l where l.agency = %(agency)s and l.deleted_at is null
                and (l.payload ->> 'CustomerNumber')::integer = n)
        group by n having count(distinct m.merged_into) = 1""",
        {"agency": agency, "numbers": asked},
    )
    return dict(rows.fetchall())


def survivors_of_contacts(
    connection: psycopg.Connection[Any], agency: str, contact_ids: Iterable[str]
) -> dict[str, str]:
    """Return for each former contact id the contact that it leads to now."""
    asked = sorted(set(contact_ids))
    if not asked:
        return {}
    rows = connection.execute(
        """select contact_id::text, merged_into::text from mart.contact_merges
        where agency = %s and contact_id = any(%s::uuid[])""",
        (agency, asked),
    )
    return dict(rows.fetchall())
