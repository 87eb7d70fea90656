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
    """An employee in a role as people need to see it: mapped or not, here or gone, and how many contacts they hold."""

    connection_type: str
    employee_code: str
    employee_name: str
    employee_status: str | None
    user_id: str | None
    user_name: str | None
    contacts: int


def store_mappings(connection: psycopg.Connection[Any], agency: str, mappings: Sequence[UserMapping]) -> int:
    """Add or replace mappings; a trigger marks the contacts of these employees.

    Returns:
        How many were new or changed.
    """
    changed = connection.execute(
        """insert into ops.user_mappings as m (agency, connection_type, employee_code, user_id, user_name)
        select %s, * from unnest(%s::text[], %s::text[], %s::text[], %s::text[])
        on conflict (agency, connection_type, employee_code) do update
        set user_id = excluded.user_id, user_name = excluded.user_name, updated_at = now()
        where (m.user_id, m.user_name) is distinct from (excluded.user_id, excluded.user_name)""",
        (
            agency,
            [mapping.connection_type for mapping in mappings],
            [mapping.employee_code for mapping in mappings],
            [mapping.user_id for mapping in mappings],
            [mapping.user_name for mapping in mappings],
        ),
    )
    return changed.rowcount


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


MAPPED_EMPLOYEES = """with held as (
            select connection_type, employee_code, max(employee_name) as employee_name,
                count(*) as contacts
            from mart.connections where agency = %(agency)s group by 1, 2)
        select connection_type, employee_code,
            coalesce(h.employee_name, nullif(concat_ws(' ', e.first_name, e.last_name), ''), s.name, '') as employee_name,
            coalesce(e.employee_status, s.status) as employee_status, m.user_id, m.user_name, coalesce(h.contacts, 0) as contacts
        from held h
        full join (select * from ops.user_mappings where agency = %(agency)s) m
            using (connection_type, employee_code)
        left join (select employee_code as code, first_name, last_name, employee_status from ams360.employees
            where agency = %(agency)s) e on e.code = employee_code
        left join (select entity_id as code,
                nullif(concat_ws(' ', payload ->> 'first_name', payload ->> 'last_name'), '') as name,
                case when deleted_at is not null or lower(payload ->> 'active') in ('false', '0', 'no', 'n')
                    then 'I' else 'A' end as status
            from raw_mycase.staff where agency = %(agency)s) s on s.code = employee_code"""
"""Selects every employee that is mapped or that a contact is connected to, with the columns of `MappedEmployee`."""


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
