"""`ops.user_mappings`: which platform user stands for which employee in which role (O1, X3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg


@dataclass(frozen=True, slots=True)
class UserMapping:
    """An employee in a role, and the platform user."""

    connection_type: str
    employee_code: str
    user_id: str
    user_name: str | None = None


@dataclass(frozen=True, slots=True)
class MappedEmployee:
    """An employee in a role as people need to see it: mapped or not, here or gone, and how many contacts they hold.

    `mapped_name` is the name that the code had when the mapping was made, where it has another one now: the code may have been
    given to somebody else, and the user keeps the contacts until a person maps it again.
    """

    connection_type: str
    employee_code: str
    employee_name: str
    employee_status: str | None
    user_id: str | None
    user_name: str | None
    contacts: int
    mapped_name: str | None


_EMPLOYEES = """select employee_code as code, nullif(concat_ws(' ', first_name, last_name), '') as name, employee_status as status
            from ams360.employees where agency = %(agency)s
        union all select entity_id, nullif(concat_ws(' ', payload ->> 'first_name', payload ->> 'last_name'), ''),
            case when deleted_at is not null or lower(payload ->> 'active') in ('false', '0', 'no', 'n') then 'I' else 'A' end
            from raw_mycase.staff where agency = %(agency)s"""
"""Selects the employees of the agency's system, where it lists them; an agency has one system."""
MAPPED_EMPLOYEES = f"""with held as (
            select connection_type, employee_code, max(employee_name) as employee_name,
                count(*) as contacts
            from mart.connections where agency = %(agency)s group by 1, 2)
        select connection_type, employee_code, coalesce(e.name, h.employee_name, '') as employee_name,
            e.status as employee_status, m.user_id, m.user_name, coalesce(h.contacts, 0) as contacts,
            case when lower(m.employee_name) <> lower(coalesce(e.name, h.employee_name)) then m.employee_name end as mapped_name
        from held h
        full join (select * from ops.user_mappings where agency = %(agency)s) m
            using (connection_type, employee_code)
        left join ({_EMPLOYEES}) e on e.code = employee_code"""
"""Selects every employee that is mapped or that a contact is connected to, with the columns of `MappedEmployee`."""


def store_mappings(connection: psycopg.Connection[Any], agency: str, mappings: Sequence[UserMapping]) -> int:
    """Add, replace or confirm mappings; a trigger marks the contacts of these employees.

    Each remembers the name that its employee code has now.

    Returns:
        How many were new, changed or confirmed under another name.
    """
    changed = connection.execute(
        f"""insert into ops.user_mappings as m (agency, connection_type, employee_code, user_id, user_name, employee_name)
        select %(agency)s, g.connection_type, g.employee_code, g.user_id, g.user_name, coalesce(
            (select e.name from ({_EMPLOYEES}) e where e.code = g.employee_code),
            (select max(c.employee_name) from mart.connections c where c.agency = %(agency)s
                and c.connection_type = g.connection_type and c.employee_code = g.employee_code))
        from unnest(%(types)s::text[], %(codes)s::text[], %(users)s::text[], %(names)s::text[])
            as g (connection_type, employee_code, user_id, user_name)
        on conflict (agency, connection_type, employee_code) do update
        set user_id = excluded.user_id, user_name = excluded.user_name, employee_name = excluded.employee_name, updated_at = now()
        where (m.user_id, m.user_name, m.employee_name)
            is distinct from (excluded.user_id, excluded.user_name, excluded.employee_name)""",
        {
            "agency": agency,
            "types": [mapping.connection_type for mapping in mappings],
            "codes": [mapping.employee_code for mapping in mappings],
            "users": [mapping.user_id for mapping in mappings],
            "names": [mapping.user_name for mapping in mappings],
        },
    )
    return changed.rowcount


def remember_names(connection: psycopg.Connection[Any], agency: str) -> None:
    """Remember the employees' names for mappings that were made before the first sync had read any."""
    connection.execute(
        f"""update ops.user_mappings m set employee_name = e.name from ({_EMPLOYEES}) e
        where m.agency = %(agency)s and m.employee_code = e.code and m.employee_name is null and e.name is not null""",
        {"agency": agency},
    )


def remove_mappings(connection: psycopg.Connection[Any], agency: str, employees: Sequence[tuple[str, str]]) -> int:
    """Remove the mappings of employees, each a connection type and a code; a trigger marks their contacts.

    Returns:
        How many there were.
    """
    return connection.execute(
        """delete from ops.user_mappings where agency = %s
            and (connection_type, employee_code) in (select * from unnest(%s::text[], %s::text[]))""",
        (agency, [kind for kind, _ in employees], [code for _, code in employees]),
    ).rowcount


def list_mappings(
    connection: psycopg.Connection[Any],
    agency: str,
    *,
    connection_type: str | None = None,
    unmapped: bool = False,
) -> list[MappedEmployee]:
    """Every employee that is mapped or that a contact is connected to, most contacts first."""
    rows = connection.execute(
        f"""{MAPPED_EMPLOYEES}
        where (%(type)s::text is null or lower(connection_type) = lower(%(type)s))
            and (not %(unmapped)s or m.user_id is null)
        order by contacts desc, connection_type, employee_code""",
        {"agency": agency, "type": connection_type, "unmapped": unmapped},
    ).fetchall()
    return [MappedEmployee(*row) for row in rows]
