"""`mart.contact_merges`: former contact ids, and the contact that each leads to (M9, M1)."""

from datetime import datetime
from typing import Any

import psycopg


def work_out_merges(connection: psycopg.Connection[Any], agency: str) -> None:
    """Fill the temporary `contact_merges` with what the stored plan makes of former contact ids, and `former_ids` with its scope.

    Args:
        connection: inside the publish's transaction, before anything of the plan is applied.
        agency: the agency id.
    """
    connection.execute(
        """create temp table if not exists former_ids (contact_id uuid primary key) on commit delete rows;
        create temp table if not exists contact_merges (contact_id uuid primary key, merged_into uuid, evidence text)
            on commit delete rows"""
    )
    connection.execute("delete from former_ids")
    connection.execute("delete from contact_merges")
    scope = {"agency": agency}
    connection.execute(
        """insert into former_ids
        with evaluated as (
            select candidate_id from stage.planned_members where agency = %(agency)s
            union select id::uuid from stage.touched where agency = %(agency)s and kind = 'candidate' and planned)
        select candidate_id from evaluated
        union select r.candidate_id from stage.merged_records r join evaluated e on e.candidate_id = r.continues_as
            where r.agency = %(agency)s""",
        scope,
    )
    connection.execute("analyze former_ids")
    connection.execute(
        """insert into contact_merges
        with members as (
            select p.candidate_id, p.contact_id from stage.planned_members p
            where p.agency = %(agency)s and case when exists (
                select from stage.planned_contacts c where (c.agency, c.contact_id) = (p.agency, p.contact_id))
                then exists (select from stage.planned_contacts c
                    where (c.agency, c.contact_id) = (p.agency, p.contact_id) and c.op <> 'delete')
                else exists (select from stage.contacts c where (c.agency, c.contact_id) = (p.agency, p.contact_id)) end)
        select m.candidate_id, m.contact_id,
            case when coalesce(c.follows_candidate::text, c.follows_email) is null then 'email' else 'linked_account' end
        from members m join stage.candidates c on (c.agency, c.candidate_id) = (%(agency)s, m.candidate_id)
        where m.candidate_id <> m.contact_id
        union all
        select r.candidate_id, m.contact_id, g.evidence from stage.merged_records r
        join members m on m.candidate_id = r.continues_as
        join stage.merged_customers g on (g.agency, g.customer_id) = (r.agency, r.customer_id)
        where r.agency = %(agency)s""",
        scope,
    )


def write_merges(connection: psycopg.Connection[Any], agency: str, moment: datetime) -> None:
    """Bring `mart.contact_merges` up to date with what `work_out_merges` found; a row that stays as it was keeps its time."""
    connection.execute(
        """delete from mart.contact_merges m using former_ids f
        where m.agency = %s and m.contact_id = f.contact_id
            and not exists (select from contact_merges c where c.contact_id = m.contact_id)""",
        (agency,),
    )
    connection.execute(
        """insert into mart.contact_merges as m (agency, contact_id, merged_into, at, evidence)
        select %s, contact_id, merged_into, %s, evidence from contact_merges
        on conflict (agency, contact_id) do update set merged_into = excluded.merged_into, at = excluded.at,
            evidence = excluded.evidence
        where (m.merged_into, m.evidence) is distinct from (excluded.merged_into, excluded.evidence)""",
        (agency, moment),
    )
