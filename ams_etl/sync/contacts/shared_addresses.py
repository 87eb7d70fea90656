"""What candidates that share an email address mean for each other, whether they become one contact or not."""

from collections.abc import Sequence
from typing import Any

import psycopg

from ams_etl.rules.contacts.shared_emails import is_over_shared
from ams_etl.store.agency_db import AgencyDb, column
from ams_etl.sync.candidate_documents import candidate_from

_REFUSES = "(c.document -> 'marks' ? 'do_not_contact' or c.document ->> 'suppressed_reason' = 'do_not_contact')"


def refused_in_plan(connection: psycopg.Connection[Any], agency: str) -> frozenset[str]:
    """M6: Return the refused addresses of `chosen_members`, which hold everybody who has one of them.

    What people of merged customers refused is in it, too (M9). Call it in the transaction that makes the plan.
    """
    emails_found = column(
        connection,
        f"""select distinct e.email from chosen_members p
        join stage.candidates c using (candidate_id)
        join stage.candidate_emails e using (agency, candidate_id)
        where c.agency = %(agency)s and {_REFUSES}
        union select distinct lower(given) from stage.merged_records c
        cross join jsonb_array_elements_text(c.document -> 'emails') given where c.agency = %(agency)s and {_REFUSES}""",
        {"agency": agency},
    )
    return frozenset(emails_found)


def refused_among(connection: psycopg.Connection[Any], agency: str, emails: Sequence[str]) -> frozenset[str]:
    """M6: Return which of these addresses anybody refuses."""
    emails_found = column(
        connection,
        f"""select distinct e.email from stage.candidate_emails e
        join stage.candidates c using (agency, candidate_id)
        where e.agency = %(agency)s and e.email = any(%(emails)s) and {_REFUSES}
        union select distinct lower(given) from stage.merged_records c
        cross join jsonb_array_elements_text(c.document -> 'emails') given
        where c.agency = %(agency)s and lower(given) = any(%(emails)s) and {_REFUSES}""",
        {"agency": agency, "emails": list(emails)},
    )
    return frozenset(emails_found)


def over_shared_in_plan(connection: psycopg.Connection[Any], agency: str, limit: int) -> list[str]:
    """M5: Return the addresses that bring nobody together, and write them to `stage.over_shared_emails`.

    Args:
        connection: inside the plan's transaction; `affected` holds everybody who has an address of one of them.
        agency: the agency id.
        limit: the setting `shared_email_limit`.
    """
    rows = connection.execute(
        """with many as (
            select e.email, count(distinct c.customer_id) as customers from stage.candidate_emails e
            join affected a using (candidate_id) join stage.candidates c using (agency, candidate_id)
            where e.agency = %(agency)s group by e.email having count(distinct c.customer_id) > %(limit)s)
        select m.email, m.customers, array_agg(c.document::text) from many m
        join stage.candidate_emails e on (e.agency, e.email) = (%(agency)s, m.email)
        join stage.candidates c using (agency, candidate_id) group by m.email, m.customers""",
        {"agency": agency, "limit": limit},
    ).fetchall()
    found = {
        email: customers
        for email, customers, documents in rows
        if is_over_shared(map(candidate_from, documents), limit)
    }
    connection.execute(
        """delete from stage.over_shared_emails o where o.agency = %(agency)s and o.email <> all(%(found)s)
            and (o.email in (select e.email from stage.candidate_emails e join affected using (candidate_id)
                    where e.agency = %(agency)s)
                or not exists (select from stage.candidate_emails e where (e.agency, e.email) = (o.agency, o.email)))""",
        {"agency": agency, "found": list(found)},
    )
    connection.execute(
        """insert into stage.over_shared_emails as o (agency, email, customers)
        select %(agency)s, * from unnest(%(emails)s::text[], %(customers)s::integer[])
        on conflict (agency, email) do update set customers = excluded.customers
        where o.customers <> excluded.customers""",
        {"agency": agency, "emails": list(found), "customers": list(found.values())},
    )
    return list(found)


def over_shared_among(connection: psycopg.Connection[Any], agency: str, emails: Sequence[str]) -> frozenset[str]:
    """M5: Return which of these addresses bring nobody together, by the last plan."""
    emails_found = column(
        connection,
        "select email from stage.over_shared_emails where agency = %s and email = any(%s)",
        (agency, list(emails)),
    )
    return frozenset(emails_found)


def touch_former_sharers(db: AgencyDb, customers: list[str]) -> None:
    """Mark the candidates that share an address which a candidate no longer has, by `derived_emails`.

    Their address may no longer be refused (M6), or no longer be over-shared (M5), and nothing else joins them to that
    candidate any more.

    Args:
        db: inside the transaction that stores what was derived, before it does.
        customers: the ids of those that were derived.
    """
    db.execute(
        """insert into stage.touched (agency, kind, id)
        select distinct c.agency, 'candidate', other.candidate_id::text
        from stage.candidates c
        join stage.candidate_emails mine on (mine.agency, mine.candidate_id) = (c.agency, c.candidate_id)
        join stage.candidate_emails other on (other.agency, other.email) = (mine.agency, mine.email)
        where c.agency = %(agency)s and c.customer_id = any(%(customers)b)
            and not exists (select from derived_emails d where (d.candidate_id, d.email) = (mine.candidate_id, mine.email))
        on conflict (agency, kind, id) do update set planned = false""",
        customers=customers,
    )
