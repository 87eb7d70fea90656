"""Sync log: runs with their trigger, counts and failures; notifications; what people did on these pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ams_etl.pages.lists.list_answers import show_list
from ams_etl.pages.lists.listing import Column, Filter, Listing
from ams_etl.pages.people.roles import Role
from ams_etl.pages.screens.job import run_link
from ams_etl.pages.visit import Answer, Screen, Visit
from ams_etl.store.agency_db import scalar

_RUNS = Listing(
    "syncs",
    [
        Column("started_at", "Started", "started_at"),
        Column("trigger", "Trigger", "trigger"),
        Column("mode", "Mode", "mode"),
        Column("state", "State", "state"),
        Column("seconds", "Took", "seconds", numeric=True),
        Column("counts", "Counts"),
        Column("error", "Why it failed"),
        Column("run_id", "Run"),
    ],
    """select * from (select started_at, trigger, mode, state, counts, error, run_id, sync_id,
            extract(epoch from coalesce(published_at, extracted_at) - started_at)::float8 as seconds
        from ops.sync_runs where agency = %(agency)s) r where true""",
    "-started_at",
    "sync_id",
    [
        Filter("trigger", "Trigger", "trigger = %(trigger)s",
               [(trigger, trigger.replace("_", " ")) for trigger in ("notification", "daily_sweep", "weekly_resync", "manual")]),
        Filter("state", "State", "state = %(state)s",
               [(state, state) for state in ("running", "extracted", "published", "failed")]),
    ],
)  # fmt: skip
_NOTIFICATIONS = Listing(
    "notifications",
    [
        Column("notification_id", "Number", "notification_id", numeric=True),
        Column("received_at", "Received"),
        Column("state", "State"),
        Column("object_type", "Record"),
        Column("change", "Change"),
        Column("keys", "Keys"),
        Column("reason", "Reason"),
    ],
    """select notification_id, received_at, state, object_type, change, keys, reason from ops.notifications
    where agency = %(agency)s""",
    "-notification_id",
    "notification_id",
    [
        Filter("state", "State", "state = %(state)s",
               [(state, state) for state in ("received", "pending", "parked", "ignored", "done")]),
    ],
)  # fmt: skip
_ACTS = Listing(
    "acts",
    [
        Column("at", "When", "act_id"),
        Column("user_name", "Who", "user_name"),
        Column("act", "What", "act"),
        Column("subject", "To what"),
        Column("before", "Before"),
        Column("after", "After"),
    ],
    "select at, user_name, act, subject, before, after from ops.page_acts where agency = %(agency)s",
    "-at",
    "act_id",
    [
        Filter("user", "Who", "user_name = lower(%(user)s)"),
        Filter("act", "What", "act = %(act)s"),
    ],
)

_ACCESSES = Listing(
    "accesses",
    [
        Column("day", "Day", "day"),
        Column("person", "Who", "person"),
        Column("way", "Through"),
        Column("what", "What"),
        Column("reads", "Times", "reads", numeric=True),
        Column("records", "Rows", "records", numeric=True),
        Column("last_at", "Last"),
    ],
    "select day, person, way, what, reads, records, last_at from ops.accesses where agency = %(agency)s",
    "-day",
    "person, way, what",
    [
        Filter("person", "Who", "person = %(person)s"),
        Filter(
            "way", "Through", "way = %(way)s", [(way, way) for way in ("page", "export", "command", "frames", "feed")]
        ),
    ],
)


def show_runs(visit: Visit) -> Answer:
    """Show the syncs, newest first, with a link to each run for engineers."""
    return _list(visit, _RUNS, "log", run_link=lambda run_id: run_link(visit, run_id), described=described)


@dataclass(frozen=True, slots=True)
class Described:
    """A sync's counts in words, and its calls in all and by operation, the most frequent first."""

    counts: list[str]
    total: int
    calls: list[tuple[str, int]]


def described(counts: Mapping[str, Any]) -> Described:
    """Return what a sync did, without what it did not do."""
    said = [f"{counts[name]:,} {label}" for name, label in _COUNTS if counts.get(name)]
    calls: Mapping[str, int] = counts.get("calls_by_operation") or {}
    return Described(said, counts.get("calls") or sum(calls.values()), sorted(calls.items(), key=lambda call: -call[1]))


_COUNTS = (
    ("customers_read", "customers read"), ("inserted", "contacts appeared"), ("updated", "changed"), ("deleted", "disappeared"),
    ("quarantined", "records could not be read"), ("unlisted", "customers that no list names"),
)  # fmt: skip


def show_notifications(visit: Visit) -> Answer:
    """Show the notifications, newest first, without their bodies, and how many there are in each state."""
    counts = visit.connection.execute(
        """select state, count(*), count(*) filter (where part > 0) from ops.notifications where agency = %s
        and received_at > now() - interval '28 days' group by 1 order by 2 desc""",
        (visit.agency.id,),
    ).fetchall()
    doubled = scalar(visit.connection, _DOUBLED, (visit.agency.id,))
    return _list(visit, _NOTIFICATIONS, "notifications", counts=counts, doubled=doubled)


_DOUBLED = """select count(*) from (
    select received_at - lag(received_at) over (
            partition by hashtextextended(object_type || change || keys::text, 0) order by received_at) as after
    from ops.notifications where agency = %s and received_at > now() - interval '1 day' and object_type is not null) n
where after < interval '10 minutes'"""
"""Counts notifications that say what another one said shortly before: AMS360 sends again where an answer was late."""


def show_activity(visit: Visit) -> Answer:
    """Show who did what on these pages."""
    return _list(visit, _ACTS, "activity")


def show_accesses(visit: Visit) -> Answer:
    """Show who read personal data, counted per person and day."""
    return _list(visit, _ACCESSES, "accesses")


def _list(visit: Visit, listing: Listing, name: str, **values: object) -> Answer:
    return show_list(visit, listing, name, {"agency": visit.agency.id}, **values)


SCREENS = [
    Screen("GET", "/log", Role.VIEWER, show_runs, shows_people=False),
    Screen("GET", "/log/notifications", Role.VIEWER, show_notifications, shows_people=False),
    Screen("GET", "/activity", Role.OPERATOR, show_activity),
    Screen("GET", "/activity/accesses", Role.ADMIN, show_accesses, shows_people=False),
]
