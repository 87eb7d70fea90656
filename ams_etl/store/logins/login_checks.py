"""`ops.login_checks`: whether each login works, and when that was asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg


@dataclass(frozen=True, slots=True)
class LoginCheck:
    """What is known of an agency's login to a system; `problem` None: it works."""

    agency: str
    system: str
    checked_at: datetime | None
    problem: str | None


def claim_due(
    connection: psycopg.Connection[Any], logins: Sequence[tuple[str, str]], *, hours: float, hours_of_bad: float
) -> tuple[str, str] | None:
    """Take one login that is due to be asked for, or None; of several processes one gets it.

    Args:
        connection: autocommit.
        logins: agency and system of each that there is.
        hours: after which one that works, or whose system was away, is due again.
        hours_of_bad: the same of one that does not work, so that its mending is noticed.
    """
    row = connection.execute(
        """insert into ops.login_checks as known (agency, system)
        select l.agency, l.system from unnest(%(agencies)s::text[], %(systems)s::text[]) l (agency, system)
        left join ops.login_checks c using (agency, system)
        where c.agency is null or c.claimed_at < now() - make_interval(secs => 3600 * case
            when c.problem is null then %(hours)s::float8 else %(hours_of_bad)s::float8 end)
        order by c.claimed_at nulls first, l.agency limit 1
        on conflict (agency, system) do update set claimed_at = now() where known.claimed_at < now() - interval '1 minute'
        returning agency, system""",
        {
            "agencies": [agency for agency, _ in logins], "systems": [system for _, system in logins],
            "hours": hours, "hours_of_bad": hours_of_bad,
        },
    ).fetchone()  # fmt: skip
    if row is None:
        return None
    agency, system = row
    return agency, system


def store_check(connection: psycopg.Connection[Any], agency: str, system: str, problem: str | None) -> None:
    """Remember what a system answered about a login; `problem` None: it works."""
    connection.execute(
        """insert into ops.login_checks (agency, system, checked_at, problem) values (%s, %s, now(), %s)
        on conflict (agency, system) do update set checked_at = now(), problem = excluded.problem""",
        (agency, system, problem),
    )


def login_checks(connection: psycopg.Connection[Any], agency: str) -> list[LoginCheck]:
    """Return what is known of an agency's logins."""
    rows = connection.execute(
        "select agency, system, checked_at, problem from ops.login_checks where agency = %s order by system", (agency,)
    )
    return [LoginCheck(*row) for row in rows]


def problems(connection: psycopg.Connection[Any], agencies: Sequence[str]) -> list[LoginCheck]:
    """Return the logins of these agencies that do not work: found by a check, or refused to any process."""
    rows = connection.execute(
        """select agency, system, coalesce(c.checked_at, r.refused_at),
            coalesce(c.problem, 'The login was refused.') from ops.login_checks c
        full join ops.login_refusals r using (agency, system)
        where agency = any(%s) and (c.problem is not null or r.agency is not null) order by agency, system""",
        (list(agencies),),
    )
    return [LoginCheck(*row) for row in rows]
