"""Incidents in Postgres: one per thing that is wrong, from its beginning to its end."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from ams_etl.settings.alerts import AlertChannel, Severity

ANY_AGENCY = ""
"""The agency of what concerns all of them."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is wrong now; `key` names what it is about, so that seeing it again is the same incident.

    The texts hold no personal data.
    """

    key: str
    agency: str
    kind: str
    severity: Severity
    title: str
    detail: str
    what_to_do: str
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """A stored incident, as an announcement says it."""

    incident_id: int
    agency: str
    kind: str
    severity: Severity
    title: str
    detail: str
    what_to_do: str
    run_id: str | None
    occurrences: int
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a channel has not been sent yet: that an incident began (`opened`), lasts (`reminded`) or is over (`closed`)."""

    incident: Incident
    what: str


def open_incidents(connection: psycopg.Connection[Any], conditions: Sequence[Condition]) -> None:
    """Open an incident for each condition that has none, and count a new run of one that has."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """insert into ops.incidents (agency, incident_key, kind, severity, title, detail, what_to_do, run_id)
            values (%s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (incident_key) where closed_at is null do update set last_seen_at = now(),
                detail = excluded.detail, run_id = excluded.run_id, occurrences = incidents.occurrences
                    + (incidents.run_id is distinct from excluded.run_id)::integer""",
            [
                (found.agency, found.key, found.kind, found.severity, found.title, found.detail, found.what_to_do, found.run_id)
                for found in conditions
            ],
        )  # fmt: skip


def close_incidents(connection: psycopg.Connection[Any], keys: Collection[str]) -> None:
    """Close the open incidents of these keys."""
    connection.execute(
        "update ops.incidents set closed_at = now() where closed_at is null and incident_key = any(%s)", (list(keys),)
    )


def close_all_but(connection: psycopg.Connection[Any], kind: str, keys: Collection[str]) -> None:
    """Close the open incidents of a kind whose conditions are no longer there."""
    connection.execute(
        "update ops.incidents set closed_at = now() where closed_at is null and kind = %s and incident_key <> all(%s)",
        (kind, list(keys)),
    )


def due(connection: psycopg.Connection[Any], channel: AlertChannel, gather_seconds: float) -> list[Announcement]:
    """Return what to send to a channel now; nothing while a burst of new incidents is still being gathered.

    An incident that was over before the channel was notified is not announced at all.
    """
    rows = connection.execute(
        """with mine as (
            select i.*, o.sent_at as opened_sent_at, r.sent_at as reminded_sent_at, c.sent_at as closed_sent_at
            from ops.incidents i
            left join ops.alerts o on (o.agency, o.incident_id, o.channel, o.announcement)
                = (i.agency, i.incident_id, %(channel)s, 'opened')
            left join ops.alerts r on (r.agency, r.incident_id, r.channel, r.announcement)
                = (i.agency, i.incident_id, %(channel)s, 'reminded')
            left join ops.alerts c on (c.agency, c.incident_id, c.channel, c.announcement)
                = (i.agency, i.incident_id, %(channel)s, 'closed')
            where (i.severity = 'error' or %(warnings)s)
                and (i.agency = any(%(agencies)s) or %(agencies)s = '{}')
                and (i.kind = any(%(kinds)s) or %(kinds)s = '{}')),
        announced as (
            select mine.*, case
                when opened_sent_at is null and closed_at is null then 'opened'
                when opened_sent_at is not null and closed_at is not null and closed_sent_at is null then 'closed'
                when opened_sent_at is not null and closed_at is null and %(repeat)s > 0
                    and greatest(opened_sent_at, reminded_sent_at) < now() - make_interval(secs => %(repeat)s * 3600)
                    then 'reminded'
                end as what
            from mine)
        select what, incident_id, agency, kind, severity, title, detail, what_to_do, run_id, occurrences, opened_at,
            closed_at,
            -- A burst has ended when nothing new came for a while; it is not waited for forever.
            extract(epoch from now() - max(coalesce(closed_at, opened_at)) over ())::float8 as quiet_for,
            extract(epoch from now() - min(coalesce(closed_at, opened_at)) over ())::float8 as waiting_for
        from announced where what is not null order by severity, opened_at, incident_id""",
        {
            "channel": channel.name,
            "warnings": channel.severity == "warning",
            "agencies": list(channel.agencies),
            "kinds": list(channel.kinds),
            "repeat": channel.repeat_hours,
        },
    ).fetchall()
    # Every row has how long it is since the newest and since the oldest of them.
    if any(quiet_for < gather_seconds and waiting_for < 4 * gather_seconds for *_, quiet_for, waiting_for in rows):
        return []
    return [Announcement(Incident(*incident), kind) for kind, *incident, _, _ in rows]


def mark_announced(connection: psycopg.Connection[Any], channel: str, announcements: Sequence[Announcement]) -> None:
    """Remember what a channel has taken."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """insert into ops.alerts (agency, incident_id, channel, announcement) values (%s, %s, %s, %s)
            on conflict (agency, incident_id, channel, announcement) do update set sent_at = now()""",
            [
                (announcement.incident.agency, announcement.incident.incident_id, channel, announcement.what)
                for announcement in announcements
            ],
        )
