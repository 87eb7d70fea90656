"""How fresh the mart is, for all agencies in one look: hundreds of separate looks an hour would be more work than an hour has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from ams_etl.sync.notifications.missed_changes import HABIT, Silence, silence_of

_BY_AGENCY = """with received as (
    select agency, received_at, state, part, settled_at,
        received_at - lag(received_at) over (partition by agency, part = 0 order by received_at) as gap
    from ops.notifications where agency = any(%(agencies)s) and received_at > now() - %(habit)s::interval),
notified as (
    select agency, count(*) as notifications,
        percentile_cont(0.95) within group (order by extract(epoch from settled_at - received_at))
            filter (where state = 'done') as p95,
        max(received_at) filter (where part = 0) as newest, max(gap) filter (where part = 0) as longest_gap,
        count(*) filter (where part = 0) as requests
    from received group by agency),
parked as (
    select agency, count(*) as parked from ops.notifications
    where agency = any(%(agencies)s) and state = 'parked' group by agency),
brought as (
    select agency, sum(changed) filter (where trigger = 'notification') as by_notification, sum(missed) as missed
    from ops.trigger_changes where agency = any(%(agencies)s) and at > now() - interval '7 days' group by agency)
select asked.agency, coalesce(notifications, 0), coalesce(p95, 0)::float8, coalesce(missed, 0)::bigint,
    coalesce(by_notification, 0)::bigint, coalesce(parked, 0), newest, now() - newest, longest_gap, coalesce(requests, 0)
from unnest(%(agencies)s::text[]) asked (agency)
left join notified using (agency) left join parked using (agency) left join brought using (agency)
order by 4 desc, 3 desc, 1"""
_BY_DAY = """select received_at::date,
    coalesce(percentile_cont(0.95) within group (order by extract(epoch from settled_at - received_at))
        filter (where state = 'done'), 0)::float8,
    count(*)
from ops.notifications where agency = any(%(agencies)s) and received_at > now() - %(habit)s::interval
group by 1 order by 1"""

_MISSED_BY_DAY = """select at::date, (coalesce(sum(missed), 0) / nullif(sum(missed)
        + coalesce(sum(changed) filter (where trigger = 'notification'), 0), 0))::float8 as share, sum(missed)
from ops.trigger_changes where agency = any(%(agencies)s) and at > now() - %(habit)s::interval
group by 1 having sum(missed) + coalesce(sum(changed) filter (where trigger = 'notification'), 0) > 0 order by 1"""


@dataclass(frozen=True, slots=True)
class AgencyFreshness:
    """One agency: staleness over four weeks, and over one week which changes AMS360 never announced.

    `p95_seconds` is from a notification's arrival to its change in the mart; `missed_rate` is the share (0..1) of changed
    records without a notification.
    """

    agency: str
    notifications: int
    p95_seconds: float
    missed: int
    missed_rate: float
    parked: int
    silence: Silence


def freshness_by_agency(connection: psycopg.Connection[Any], agencies: Sequence[str]) -> list[AgencyFreshness]:
    """Return these agencies, those that missed most first, then the slowest."""
    rows = connection.execute(_BY_AGENCY, {"agencies": list(agencies), "habit": HABIT})
    return [_row(*row) for row in rows]


def notifications_by_day(connection: psycopg.Connection[Any], agencies: Sequence[str]) -> list[tuple[date, float, int]]:
    """Return the last four weeks of these agencies together: day, p95 of staleness in seconds, notifications."""
    return connection.execute(_BY_DAY, {"agencies": list(agencies), "habit": HABIT}).fetchall()


def last_syncs(connection: psycopg.Connection[Any], agencies: Sequence[str]) -> dict[str, datetime]:
    """Return when each agency's newest sync that asked for all of it, or for all that changed, was published."""
    return dict(
        connection.execute(
            """select agency, max(published_at) from ops.sync_runs
            where agency = any(%s) and mode <> 'customers' and published_at is not null group by agency""",
            (list(agencies),),
        ).fetchall()
    )


def missed_by_day(connection: psycopg.Connection[Any], agencies: Sequence[str]) -> list[tuple[date, float, int]]:
    """Return the last four weeks of these agencies together: day, share (0..1) of changes without a notification, their number."""
    return connection.execute(_MISSED_BY_DAY, {"agencies": list(agencies), "habit": HABIT}).fetchall()


def _row(
    agency: str,
    notifications: int,
    p95: float,
    missed: int,
    announced: int,
    parked: int,
    newest: datetime | None,
    lasting: timedelta | None,
    longest_gap: timedelta | None,
    requests: int,
) -> AgencyFreshness:
    changed = missed + announced
    return AgencyFreshness(
        agency,
        notifications,
        p95,
        missed,
        missed / changed if changed else 0.0,
        parked,
        silence_of(newest, lasting, longest_gap, requests),
    )
