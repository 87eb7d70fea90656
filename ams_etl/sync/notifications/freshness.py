"""The numbers of `ops.freshness`, summed up for people."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg


@dataclass(frozen=True, slots=True)
class Freshness:
    """Some days of one agency.

    `p50_seconds` and `p95_seconds` are from a notification's arrival to its change in the mart; `missed_rate` is the share
    (0..1) of changed records that no notification announced.
    """

    missed: int
    missed_rate: float
    p50_seconds: float
    p95_seconds: float
    days: list[tuple[date, float, int]]
    by_type: list[tuple[str, int, int, int, str]]


def freshness_of(connection: psycopg.Connection[Any], agency: str, *, days: int = 28) -> Freshness:
    """The last days of an agency; zeros where nothing came.

    Args:
        connection: autocommit.
        agency: the agency id.
        days: how many days, today included.
    """
    scope = {"agency": agency, "days": days}
    whole = connection.execute(
        """select percentile_cont(0.5) within group (order by s), percentile_cont(0.95) within group (order by s)
        from (select extract(epoch from settled_at - received_at)::float as s from ops.notifications
              where agency = %(agency)s and state = 'done' and received_at > now() - make_interval(days => %(days)s)) x""",
        scope,
    ).fetchone()
    p50, p95 = whole or (None, None)
    by_type = connection.execute(
        """select object_type, sum(brought_by_notification)::bigint, sum(missed)::bigint, sum(silent)::bigint
        from ops.freshness where agency = %(agency)s and day > current_date - %(days)s group by 1 order by 1""",
        scope,
    ).fetchall()
    by_day = connection.execute(
        """select day, coalesce(max(staleness_p95_seconds), 0)::float, sum(missed)::int
        from ops.freshness where agency = %(agency)s and day > current_date - %(days)s group by 1 order by 1""",
        scope,
    ).fetchall()
    brought, missed = sum(brought for _, brought, _, _ in by_type), sum(missed for _, _, missed, _ in by_type)
    return Freshness(
        missed,
        _share(missed, brought),
        p50 or 0.0,
        p95 or 0.0,
        by_day,
        [
            (kind, of_kind, missed_of_kind, silent, f"{_share(missed_of_kind, of_kind):.2%}")
            for kind, of_kind, missed_of_kind, silent in by_type
        ],
    )


def notifications_by_state(connection: psycopg.Connection[Any], agency: str) -> list[tuple[str, int, str]]:
    """State, how many, and the reason where there is one; the most frequent first."""
    return connection.execute(
        """select state, count(*), coalesce(reason, '') from ops.notifications where agency = %s
        group by 1, 3 order by 2 desc, 1, 3 limit 30""",
        (agency,),
    ).fetchall()


def _share(missed: int, brought: int) -> float:
    return missed / (missed + brought) if missed else 0.0
