"""Choose the candidates that a plan evaluates, and the contact of each: whole components over shared emails, and followers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.rules.contacts.merging import components, stable_id
from ams_etl.store.agency_db import column
from ams_etl.store.loading.copy import copy_rows
from ams_etl.sync.contacts.shared_addresses import over_shared_in_plan


def choose_members(
    connection: psycopg.Connection[Any], agency: str, *, merge_by_email: bool, shared_email_limit: int, followers: bool
) -> None:
    """Fill `stage.planned_members`: the touched candidates, and all who shared a contact with them, share one, or will.

    The temporary table `chosen_members` has the same rows until the transaction ends, for the rest of the plan: analyzing the
    shared table would hold a lock that makes every other agency's plan wait for this one.

    Everybody who shares an address is evaluated even if nothing merges, because a refusal belongs to the address (M6).

    Args:
        connection: inside the plan's transaction.
        agency: the agency id.
        merge_by_email: M1; otherwise every candidate is a contact of its own.
        shared_email_limit: M5; an address of more unrelated groups of customers brings nobody together.
        followers: whether there may be candidates that only go with others (B11).
    """
    _find_affected(connection, agency, [_SHARED_EMAILS, *(_FOLLOWING if followers else [])])
    over_shared = over_shared_in_plan(connection, agency, shared_email_limit) if merge_by_email else []
    together = _sharing_an_email(connection, agency, over_shared) if merge_by_email else []
    if followers:
        together += _followed(connection, agency, over_shared, by_email=merge_by_email)
    groups = _components(connection, agency, together)
    connection.execute(
        "create temp table if not exists grouped (candidate_id uuid primary key, contact_id uuid) on commit drop"
    )
    connection.execute("truncate grouped")
    copy_rows(connection, "grouped", {"candidate_id": "uuid", "contact_id": "uuid"}, groups.items())
    connection.execute(
        """create temp table if not exists chosen_members (candidate_id uuid primary key, contact_id uuid not null) on commit drop;
        truncate chosen_members;
        insert into chosen_members select a.candidate_id, coalesce(g.contact_id, a.candidate_id)
        from affected a left join grouped g using (candidate_id);
        analyze chosen_members"""
    )
    connection.execute(
        """insert into stage.planned_members (agency, candidate_id, contact_id)
        select %s, candidate_id, contact_id from chosen_members""",
        (agency,),
    )


def _find_affected(connection: psycopg.Connection[Any], agency: str, edges: Sequence[str]) -> None:
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
            select t.id::uuid from stage.touched t where t.agency = %(agency)s and t.kind = 'contact')
        union
        select c.candidate_id from stage.candidates c
        join stage.merged_records r on r.agency = c.agency and r.continues_as = c.candidate_id
        join stage.touched t on t.agency = c.agency and t.kind = 'candidate' and t.id = r.candidate_id::text
        where c.agency = %(agency)s""",
        {"agency": agency},
    )
    while edges:
        grown = _neighbours(connection, agency, edges)
        if not grown:
            break
        connection.execute("insert into frontier select unnest(%s::uuid[])", (grown,))
    connection.execute("insert into affected select candidate_id from frontier on conflict do nothing")
    connection.execute("analyze affected")


_SHARED_EMAILS = """select other.candidate_id from frontier f
    join stage.candidate_emails mine on mine.agency = %(agency)s and mine.candidate_id = f.candidate_id
    join stage.candidate_emails other on other.agency = %(agency)s and other.email = mine.email"""
_FOLLOWING = [
    # Candidates that follow one of the frontier, and those that one of the frontier follows; likewise by email.
    """select other.candidate_id from frontier f
    join stage.candidates other on other.agency = %(agency)s and other.follows_candidate = f.candidate_id""",
    """select other.candidate_id from frontier f
    join stage.candidates mine on mine.agency = %(agency)s and mine.candidate_id = f.candidate_id
    join stage.candidates other on other.agency = %(agency)s and other.candidate_id = mine.follows_candidate""",
    """select other.candidate_id from frontier f
    join stage.candidate_emails mine on mine.agency = %(agency)s and mine.candidate_id = f.candidate_id
    join stage.candidates other on other.agency = %(agency)s and other.follows_email = mine.email""",
    """select other.candidate_id from frontier f
    join stage.candidates mine on mine.agency = %(agency)s and mine.candidate_id = f.candidate_id
    join stage.candidate_emails other on other.agency = %(agency)s and other.email = mine.follows_email""",
]
"""What makes candidates neighbours, as queries for those of `frontier`."""


def _neighbours(connection: psycopg.Connection[Any], agency: str, edges: Sequence[str]) -> list[UUID]:
    """Empty the frontier into `affected`; its neighbours that are not affected yet."""
    # Without its size known, a frontier of ten would have all addresses of an agency read.
    connection.execute("analyze frontier")
    connection.execute("insert into affected select candidate_id from frontier on conflict do nothing")
    return column(
        connection,
        f"""with neighbours as (
            select distinct candidate_id from ({" union all ".join(edges)}) near
            where not exists (select from affected a where a.candidate_id = near.candidate_id)),
        gone as (delete from frontier)
        select candidate_id from neighbours""",
        {"agency": agency},
    )


def _sharing_an_email(connection: psycopg.Connection[Any], agency: str, over_shared: Sequence[str]) -> list[list[UUID]]:
    """M1: the affected candidates that share an address, a list for each address."""
    return column(
        connection,
        """select array_agg(e.candidate_id) from stage.candidate_emails e
        join affected a on a.candidate_id = e.candidate_id
        where e.agency = %s and e.email <> all(%s) group by e.email having count(*) > 1""",
        (agency, list(over_shared)),
    )


def _followed(
    connection: psycopg.Connection[Any], agency: str, over_shared: Sequence[str], *, by_email: bool
) -> list[list[UUID]]:
    """B11: each candidate that goes with another one, with that one; a pair never brings two others together."""
    rows = connection.execute(
        """select f.candidate_id, coalesce(c.candidate_id, e.candidate_id)
        from affected a
        join stage.candidates f on f.agency = %(agency)s and f.candidate_id = a.candidate_id
        left join stage.candidates c on c.agency = f.agency and c.candidate_id = f.follows_candidate
        left join lateral (
            select m.candidate_id from stage.candidate_emails m
            where %(by_email)s and m.agency = f.agency and m.email = f.follows_email and m.email <> all(%(over_shared)s)
            order by m.candidate_id limit 1) e on true
        where coalesce(c.candidate_id, e.candidate_id) is not null""",
        {"agency": agency, "by_email": by_email, "over_shared": list(over_shared)},
    )
    return [list(row) for row in rows]


def _components(
    connection: psycopg.Connection[Any], agency: str, together: Sequence[Sequence[UUID]]
) -> dict[UUID, UUID]:
    """The contact of every candidate that is not alone."""
    seen: dict[UUID, datetime] = dict(
        connection.execute(
            "select candidate_id, first_seen_at from stage.candidates where agency = %s and candidate_id = any(%s)",
            (agency, list({member for members in together for member in members})),
        ).fetchall()
    )
    groups: dict[UUID, UUID] = {}
    for component in components(together):
        groups.update(dict.fromkeys(component, stable_id(component, seen)))
    return groups
