"""How an agency's writeback is doing, and whether there is something to do: for sensors, checks and people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import psycopg

from ams_etl.store.agency_db import AgencyDb

_OPEN = frozenset({"waiting", "pending", "claimed", "delivering"})


class WriteCount(NamedTuple):
    """How many writes there are of one kind and status, and the age of the oldest in minutes."""

    system: str
    kind: str
    status: str
    writes: int
    oldest_minutes: float


class EventCount(NamedTuple):
    """How many events are in one state."""

    state: str
    events: int


class HourCount(NamedTuple):
    """What one hour brought: writes created, and writes settled by their outcome."""

    hour: datetime
    created: int
    delivered: int
    failed: int
    uncertain: int


@dataclass(frozen=True, slots=True)
class Health:
    """Writes by kind and status, and what a person should know.

    Attributes:
        counts: writes by system, kind and status.
        events: those that are not planned or done.
        oldest_open_minutes: of writes that are neither delivered, failed nor uncertain; 0 where there are none.
        uncertain: writes that wait for a person.
        settled_today: delivered, failed or uncertain within the last 24 hours.
        failed_today: of these, failed ones.
        hours: the last 24 hours, in UTC.
    """

    counts: tuple[WriteCount, ...]
    events: tuple[EventCount, ...]
    oldest_open_minutes: float
    uncertain: int
    settled_today: int
    failed_today: int
    hours: tuple[HourCount, ...]

    @property
    def failed_share(self) -> float:
        """Of the last 24 hours' settled writes (0..1)."""
        return self.failed_today / self.settled_today if self.settled_today else 0.0


def health(connection: psycopg.Connection[Any], agency: str) -> Health:
    """Return how one agency's outbox is doing."""
    db = AgencyDb(connection, agency)
    counts = db.rows(
        WriteCount,
        """select system, kind, status, writebacks as writes,
            round((extract(epoch from now() - oldest) / 60)::numeric, 1)::float8 as oldest_minutes
        from ops.writeback_health where agency = %(agency)s order by 1, 2, 3""",
    )
    events = db.rows(
        EventCount,
        """select state, count(*) as events from ops.events
        where agency = %(agency)s and state in ('received', 'waiting', 'refused') group by state order by state""",
    )
    hours = db.rows(
        HourCount,
        """with hours as (select generate_series(date_trunc('hour', now()) - interval '23 hours', now(), '1 hour') as h),
        created as (select date_trunc('hour', created_at) h, count(*) n from ops.writebacks
            where agency = %(agency)s and created_at > now() - interval '24 hours' group by 1),
        settled as (select date_trunc('hour', settled_at) h, count(*) filter (where status = 'delivered') as delivered,
                count(*) filter (where status = 'failed') as failed, count(*) filter (where status = 'uncertain') as uncertain
            from ops.writebacks where agency = %(agency)s and settled_at > now() - interval '24 hours' group by 1)
        select h as hour, coalesce(n, 0) as created, coalesce(delivered, 0) as delivered, coalesce(failed, 0) as failed,
            coalesce(uncertain, 0) as uncertain
        from hours left join created using (h) left join settled using (h) order by h""",
    )
    return Health(
        counts=tuple(counts),
        events=tuple(events),
        oldest_open_minutes=max((count.oldest_minutes for count in counts if count.status in _OPEN), default=0.0),
        uncertain=sum(count.writes for count in counts if count.status == "uncertain"),
        settled_today=sum(hour.delivered + hour.failed + hour.uncertain for hour in hours),
        failed_today=sum(hour.failed for hour in hours),
        hours=tuple(hour._replace(hour=hour.hour.astimezone(UTC)) for hour in hours),
    )


def open_writes_by_age(connection: psycopg.Connection[Any], agency: str) -> list[tuple[str, int]]:
    """Return how many writes that are neither delivered nor given up are how old, the youngest first."""
    rows = connection.execute(
        """select place, count(w.age) from unnest(array['under a minute', 'an hour', 'a day', 'a week', 'longer'],
                array[0, 60, 3600, 86400, 604800], array[60, 3600, 86400, 604800, null]) as bucket (place, low, high)
        left join (select extract(epoch from now() - created_at) as age from ops.writebacks
            where agency = %s and status not in ('delivered', 'failed')) w
            on w.age >= low and (high is null or w.age < high)
        group by place, low order by low""",
        (agency,),
    ).fetchall()
    return [(str(place), int(count)) for place, count in rows]


def what_is_due(connection: psycopg.Connection[Any], agency: str, system: str = "ams360") -> str | None:
    """Return what a run would drain, as `due_by_agency` does for one agency; None: nothing is due now."""
    return due_by_agency(connection, [agency], system).get(agency)


def due_by_agency(
    connection: psycopg.Connection[Any], agencies: Sequence[str], system: str = "ams360"
) -> Mapping[str, str]:
    """Return what a run would drain, a text that stays the same while that does; agencies without anything due are left out.

    Args:
        connection: any.
        agencies: the agency ids; one statement asks for all.
        system: whose outbox; events that are not planned yet count for every system.
    """
    rows = connection.execute(
        """select asked.agency,
            (select max(seq) from ops.events
                where agency = asked.agency and state in ('received', 'waiting') and look_again_at <= now()),
            (select max(position) from ops.writebacks
                where agency = asked.agency and system = %(system)s and status = 'pending' and not_before <= now()),
            (select extract(epoch from max(not_before))::bigint from ops.writebacks
                where agency = asked.agency and system = %(system)s and status = 'pending' and not_before <= now()),
            (select count(*) from ops.writebacks
                where agency = asked.agency and system = %(system)s and status in ('claimed', 'delivering')
                    and claim_expires_at <= now())
        from unnest(%(agencies)s::text[]) asked (agency)""",
        {"agencies": list(agencies), "system": system},
    ).fetchall()
    return {agency: "-".join(str(part or 0) for part in found) for agency, *found in rows if any(found)}
