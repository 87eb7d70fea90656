"""What candidates that share an email address mean for each other, whether they become one contact or not."""

from collections.abc import Sequence
from typing import Any

import psycopg

_REFUSES = "(c.document -> 'marks' ? 'do_not_contact' or c.document ->> 'suppressed_reason' = 'do_not_contact')"


def refused_in_plan(connection: psycopg.Connection[Any], agency: str) -> frozenset[str]:
    """M6: Return the refused addresses of `stage.planned_members`, which hold everybody who has one of them."""
    rows = connection.execute(
        f"""select distinct e.email from stage.planned_members p
        join stage.candidates c using (agency, candidate_id)
        join stage.candidate_emails e using (agency, candidate_id)
        where p.agency = %s and {_REFUSES}""",
        (agency,),
    )
    return frozenset(row[0] for row in rows)


def refused_among(connection: psycopg.Connection[Any], agency: str, emails: Sequence[str]) -> frozenset[str]:
    """M6: Return which of these addresses anybody refuses."""
    rows = connection.execute(
        f"""select distinct e.email from stage.candidate_emails e
        join stage.candidates c using (agency, candidate_id)
        where e.agency = %s and e.email = any(%s) and {_REFUSES}""",
        (agency, list(emails)),
    )
    return frozenset(row[0] for row in rows)


def touch_former_sharers(connection: psycopg.Connection[Any], scope: dict[str, Any]) -> None:
    """Mark the candidates that share an address which a candidate of `derived_candidates` no longer has.

    Their address may no longer be refused, and nothing else joins them to that candidate any more.

    Args:
        connection: inside the transaction that stores what was derived, before it does.
        scope: `agency`, and the ids of the `customers` that were derived.
    """
    connection.execute(
        """insert into stage.touched (agency, kind, id)
        select distinct c.agency, 'candidate', other.candidate_id::text
        from stage.candidates c
        left join derived_candidates d on d.candidate_id = c.candidate_id
        join stage.candidate_emails mine on (mine.agency, mine.candidate_id) = (c.agency, c.candidate_id)
        join stage.candidate_emails other on (other.agency, other.email) = (mine.agency, mine.email)
        where c.agency = %(agency)s and c.customer_id = any(%(customers)s)
            and mine.email <> all(coalesce(d.emails, '{}'))
        on conflict (agency, kind, id) do update set planned = false""",
        scope,
    )
