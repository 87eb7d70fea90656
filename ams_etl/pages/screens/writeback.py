"""Writeback: writes that failed or whose outcome nobody knows, to resolve and replay; what each event became."""

from uuid import UUID

from ams_etl.pages.jobs.queue import ask_for
from ams_etl.pages.lists.list_answers import show_list
from ams_etl.pages.lists.listing import Column, Filter, Listing
from ams_etl.pages.people.roles import Role
from ams_etl.pages.visit import Answer, Missing, Moved, Refused, Screen, Visit, uuids
from ams_etl.writeback.people.stuck_writes import replay, resolve

_STATUSES = ("uncertain", "failed", "waiting", "pending", "claimed", "delivering", "delivered")
_STUCK = ("uncertain", "failed")
_WRITES = Listing(
    "writes",
    [
        Column("created_at", "Since", "position"),
        Column("status", "Status", "status"),
        Column("kind", "From", "kind"),
        Column("operation", "Write", "operation"),
        Column("system", "To", "system"),
        Column("customer_id", "Customer or account"),
        Column("attempts", "Tries", "attempts", numeric=True),
        Column("target_id", "Id there"),
        Column("error", "Why"),
        Column("writeback_id", "Id"),
    ],
    """select created_at, status, kind, operation, system, customer_id, attempts, target_id,
        coalesce(error, note) as error, writeback_id, event_id
    from ops.writebacks where agency = %(agency)s and status = any(%(statuses)s)""",
    "created_at",
    "position",
    [
        Filter("customer", "Customer or account id", "customer_id = %(customer)s"),
        Filter("status", "Status", "true", [(status, status) for status in _STATUSES], "needs a decision"),
    ],
)
_EVENTS = Listing(
    "events",
    [
        Column("received_at", "Received", "received_at"),
        Column("kind", "Kind", "kind"),
        Column("state", "State", "state"),
        Column("became", "Became"),
        Column("error", "Why"),
        Column("event_id", "Id"),
    ],
    """select received_at, kind, state, error, event_id, (
            select string_agg(w.operation || ': ' || w.status, ', ' order by w.position) from ops.writebacks w
            where (w.agency, w.event_id) = (e.agency, e.event_id)) as became
    from ops.events e where agency = %(agency)s""",
    "-received_at",
    "event_id",
    [
        Filter("state", "State", "state = %(state)s",
               [(status, status) for status in ("received", "waiting", "planned", "done", "refused")]),
    ],
)  # fmt: skip


def show_writes(visit: Visit) -> Answer:
    """Show writes: those that need a person, unless the URL names another status."""
    asked = visit.query.get("status", "")
    scope = {"agency": visit.agency.id, "statuses": [asked] if asked in _STATUSES else list(_STUCK)}
    return show_list(visit, _WRITES, "writeback", scope)


def show_events(visit: Visit) -> Answer:
    """Show the platform's events and the writes that each became."""
    return show_list(visit, _EVENTS, "events", {"agency": visit.agency.id})


def resolve_write(visit: Visit) -> Answer:
    """Say what became of an uncertain write, after looking into the other system."""
    decision = visit.form.get("decision", "")
    target = visit.form.get("target_id", "").strip()
    if decision not in {"delivered", "again"} or len(target) > 100:
        return Refused("Say whether it is there or not.")
    for writeback_id in uuids(visit.place["writeback_id"]):
        resolve(
            visit.connection, visit.agency.id, UUID(writeback_id), "again" if decision == "again" else "delivered",
            target_id=target or None,
        )  # fmt: skip
        visit.record("resolve_write", writeback_id, after={"decision": decision, "target_id": target or None})
        return Moved(
            f"{visit.home}/writeback",
            "Sent again by the next delivery." if decision == "again" else "Resolved: delivered.",
        )
    return Missing("such write")


def replay_writes(visit: Visit) -> Answer:
    """Let failed writes be sent again: one, or all."""
    given = visit.form.get("writeback_id", "")
    ids = [UUID(writeback_id) for writeback_id in uuids(given)]
    if given and not ids:
        return Refused("There is no such write.")
    count = replay(visit.connection, visit.agency, visit.agencies.schedule.chosen_zone, ids or None)
    if not count:
        return Refused("No such write has failed; load the page again.", 409)
    visit.record("replay_writes", given or "all failed", after=count)
    return Moved(f"{visit.home}/writeback", f"{count:,} writes wait to be sent again; the next delivery takes them.")


def deliver_now(visit: Visit) -> Answer:
    """Deliver in the background what waits."""
    job_id = ask_for(visit.connection, visit.agency.id, "deliver", (), visit.person.name)
    visit.record("deliver", str(job_id))
    return Moved(f"{visit.home}/jobs/{job_id}")


SCREENS = [
    Screen("GET", "/writeback", Role.VIEWER, show_writes),
    Screen("GET", "/writeback/events", Role.VIEWER, show_events),
    Screen("POST", "/writeback/deliver", Role.OPERATOR, deliver_now),
    Screen("POST", "/writeback/replay", Role.OPERATOR, replay_writes, long=True),
    Screen("POST", "/writeback/{writeback_id}/resolve", Role.OPERATOR, resolve_write),
]
