"""Which candidates a plan looks at, and the contact of each: whole components over shared e-mails."""

from typing import Any
from uuid import UUID

import psycopg

from ams_etl.rules.merging import components, stable_id
from ams_etl.store.copy import copy_rows


def choose_members(connection: psycopg.Connection[Any], agency: str, *, merge_by_email: bool) -> None:
    """Fill `stage.planned_members`: the touched candidates, all who shared a contact or share an e-mail with them.

    Args:
        connection: inside the plan's transaction.
        agency: the agency id.
        merge_by_email: M1; otherwise every candidate is a contact of its own.
    """
    _find_affected(connection, agency, merge_by_email=merge_by_email)
    groups = _components(connection, agency) if merge_by_email else {}
    connection.execute(
        "create temp table if not exists grouped (candidate_id uuid primary key, contact_id uuid) on commit drop"
    )
    connection.execute("truncate grouped")
    copy_rows(connection, "grouped", {"candidate_id": "uuid", "contact_id": "uuid"}, groups.items())
    connection.execute(
        """insert into stage.planned_members (agency, candidate_id, contact_id)
        select %(agency)s, a.candidate_id, coalesce(g.contact_id, a.candidate_id)
        from affected a left join grouped g using (candidate_id)""",
        {"agency": agency},
    )
    connection.execute("analyze stage.planned_members")


def _find_affected(connection: psycopg.Connection[Any], agency: str, *, merge_by_email: bool) -> None:
    """Fill `affected`, round by round."""
    connection.execute(
        """create temp table if not exists affected (candidate_id uuid primary key) on commit drop;
        create temp table if not exists frontier (candidate_id uuid primary key) on commit drop"""
    )
    connection.execute("truncate affected, frontier")
    connection.execute(
        """insert into frontier
        select c.candidate_id from stage.candidates c
        join stage.touched t on t.agency = c.agency and t.kind = 'candidate'
            and c.candidate_id = case when t.kind = 'candidate' then t.id::uuid end
        where c.agency = %(agency)s
        union
        select c.candidate_id from stage.candidates c
        where c.agency = %(agency)s and c.contact_id in (
            select t.id::uuid from stage.touched t where t.agency = %(agency)s and t.kind = 'contact')""",
        {"agency": agency},
    )
    while merge_by_email:
        grown = _neighbours(connection, agency)
        if not grown:
            break
        connection.execute("insert into frontier select unnest(%s::uuid[])", (grown,))
    connection.execute("insert into affected select candidate_id from frontier on conflict do nothing")
    connection.execute("analyze affected")


def _neighbours(connection: psycopg.Connection[Any], agency: str) -> list[UUID]:
    """Empty the frontier into `affected`; who shares an e-mail with it and is not affected yet."""
    # Without its size known, a frontier of ten would have all addresses of an agency read.
    connection.execute("analyze frontier")
    connection.execute("insert into affected select candidate_id from frontier on conflict do nothing")
    rows = connection.execute(
        """with neighbours as (
            select distinct other.candidate_id from frontier f
            join stage.candidate_emails mine on mine.agency = %(agency)s and mine.candidate_id = f.candidate_id
            join stage.candidate_emails other on other.agency = %(agency)s and other.email = mine.email
            where not exists (select from affected a where a.candidate_id = other.candidate_id)),
        gone as (delete from frontier)
        select candidate_id from neighbours""",
        {"agency": agency},
    ).fetchall()
    return [row[0] for row in rows]


def _components(connection: psycopg.Connection[Any], agency: str) -> dict[UUID, UUID]:
    """Affected candidate -> contact, for those who share an e-mail."""
    shared = connection.execute(
        """select array_agg(e.candidate_id) from stage.candidate_emails e
        join affected a on a.candidate_id = e.candidate_id
        where e.agency = %s group by e.email having count(*) > 1""",
        (agency,),
    ).fetchall()
    seen = {
        row[0]: row[1]
        for row in connection.execute(
            "select candidate_id, first_seen_at from stage.candidates where agency = %s and candidate_id = any(%s)",
            (agency, list({one for row in shared for one in row[0]})),
        )
    }
    groups: dict[UUID, UUID] = {}
    for component in components(row[0] for row in shared):
        groups.update(dict.fromkeys(component, stable_id(component, seen)))
    return groups
