"""One contact: what it is and why, who would send, its history, and its name in the platform (N12)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from ams_etl.errors import ConfigError
from ams_etl.pages.people.roles import Role
from ams_etl.pages.screens.contacts.sending import said_by, sending_of
from ams_etl.pages.screens.job import run_link
from ams_etl.pages.visit import Answer, Missing, Moved, Refused, Screen, Shown, Visit, uuids
from ams_etl.rules.contacts.connections import CONNECTION_TYPES
from ams_etl.store.agency_db import scalar
from ams_etl.store.name_overrides import NameGiven, clear_name, set_name
from ams_etl.sync.contacts.plan_report import differences
from ams_etl.sync.contacts.why import survivor_of, why

HISTORY = 50
LONGEST_NAME = 200
_PARTS = ("first_name", "last_name", "nickname")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who would send a message: a user, and whether it is the owner because no connection of the type fits."""

    user_id: str | None
    user_name: str | None
    is_fallback: bool


def show_contact(visit: Visit) -> Answer:
    """Show a contact with everything that is known of it."""
    for contact_id in uuids(visit.place["contact_id"]):
        contact = _contact(visit, contact_id)
        if contact is None:
            return _moved_on(visit, contact_id)
        settings = visit.agency.settings
        types = CONNECTION_TYPES[visit.agency.system]
        asked = visit.query.get("sender", "")
        asked = asked if asked in types else ""
        return Shown(
            "contact.html",
            {
                "contact": contact, "types": types, "asked": asked, "sender": _sender(visit, contact, asked),
                "sending": sending_of(visit, contact_id), "said_by": said_by, "waits": _waits(visit, contact_id),
                "override": _override(visit, contact_id), "history": _history(visit, contact_id),
                "answers": why(visit.connection, visit.agency.id, contact_id, settings, visit.today),
                **{name: _rows(visit, table, contact_id) for name, table in _TABLES.items()},
            },
        )  # fmt: skip
    return Missing("contact of this id")


def _moved_on(visit: Visit, contact_id: str) -> Answer:
    """Lead to the contact that this one became part of: people keep addresses, and the platform keeps ids."""
    survivor = survivor_of(visit.connection, visit.agency.id, UUID(contact_id))
    if survivor is None:
        return Missing("contact of this id")
    return Moved(f"{visit.home}/contacts/{survivor}", "The contact that you asked for became part of this one.")


def _waits(visit: Visit, contact_id: str) -> str | None:
    """Return a customer to refresh where a decision about the contact is not published yet; None where nothing waits."""
    customer: str | None = scalar(
        visit.connection,
        """select min(s.customer_id) from mart.contact_sources s
        where s.agency = %(agency)s and s.contact_id = %(contact)s and exists (
            select from stage.touched t join stage.candidates c on c.agency = t.agency and c.candidate_id::text = t.id
            where t.agency = %(agency)s and t.kind = 'candidate' and c.contact_id = %(contact)s)""",
        {"agency": visit.agency.id, "contact": contact_id},
    )
    return customer


_TABLES = {
    "emails": "select email, is_primary from mart.contact_emails {of} order by is_primary desc, email",
    "phones": "select phone, kind, extension, is_primary from mart.contact_phones {of} order by is_primary desc, phone, kind",
    "tags": "select tag, category from mart.contact_tags {of} order by category, tag",
    "key_facts": "select kind, fact_date, label, is_continuous from mart.key_facts {of} order by kind, fact_date, label",
    "connections": "select connection_type, employee_code, employee_name, user_id from mart.connections {of} order by 1, 2",
    "sources": "select system, entity, entity_id, customer_id, role from mart.contact_sources {of} order by role, 1, 2, 3",
}


def _rows(visit: Visit, query: str, contact_id: str) -> list[dict[str, Any]]:
    with visit.connection.cursor(row_factory=dict_row) as cursor:
        scope = "where agency = %s and contact_id = %s"
        return cursor.execute(query.format(of=scope), (visit.agency.id, contact_id)).fetchall()


def _contact(visit: Visit, contact_id: str) -> dict[str, Any] | None:
    found = _rows(visit, "select * from mart.contacts {of}", contact_id)
    return found[0] if found else None


def _sender(visit: Visit, contact: dict[str, Any], connection_type: str) -> Sender:
    """Ask `mart.sender_for` (X2), as the platform does; without a type it is the owner."""
    scope = {"agency": visit.agency.id, "contact": contact["contact_id"], "type": connection_type}
    row = visit.connection.execute(
        """select sender, (select max(user_name) from ops.user_mappings where agency = %(agency)s and user_id = sender),
            not exists (select from mart.connections where agency = %(agency)s and contact_id = %(contact)s
                and lower(connection_type) = lower(%(type)s) and user_id is not null)
        from (select mart.sender_for(%(contact)s, %(type)s) as sender) x""",
        scope,
    ).fetchone()
    user_id, user_name, is_fallback = row or (None, None, True)
    return Sender(user_id, user_name, is_fallback and bool(connection_type))


def _override(visit: Visit, contact_id: str) -> dict[str, str]:
    row = visit.connection.execute(
        "select first_name, last_name, nickname, set_by from ops.name_overrides where agency = %s and contact_id = %s",
        (visit.agency.id, contact_id),
    ).fetchone()
    return dict(zip((*_PARTS, "set_by"), (value or "" for value in row), strict=True)) if row else {}


def _history(visit: Visit, contact_id: str) -> list[dict[str, Any]]:
    """Return the contact's newest changes, each with the fields that changed."""
    rows = visit.connection.execute(
        """select at, op, run_id, before, after from mart.changes
        where agency = %s and entity = 'contact' and entity_id = %s order by seq desc limit %s""",
        (visit.agency.id, contact_id, HISTORY),
    )
    return [
        {"at": at, "op": op, "link": run_link(visit, run_id),
         "fields": list(differences(before or {}, after or {})) if op == "update" else []}
        for at, op, run_id, before, after in rows
    ]  # fmt: skip


def rename(visit: Visit) -> Answer:
    """Give the contact another name, which no sync overwrites, unless somebody else renamed it meanwhile."""
    given = {part: visit.form.get(part, "").strip() for part in _PARTS}
    if any(len(value) > LONGEST_NAME for value in given.values()):
        return Refused(f"A name has at most {LONGEST_NAME} characters.")
    for contact_id in uuids(visit.place["contact_id"]):
        before = _locked_override(visit.connection, visit.agency.id, contact_id)
        if stale := _stale(visit, before):
            return stale
        first, last, nickname = (given[part] or None for part in _PARTS)
        name = NameGiven(UUID(contact_id), first, last, nickname, visit.person.name)
        set_name(visit.connection, visit.agency.id, name)
        visit.record("rename_contact", contact_id, before=before or None, after=given)
        return Moved(f"{visit.home}/contacts/{contact_id}", "Renamed. The next sync publishes the name.")
    return Missing("contact of this id")


def undo_rename(visit: Visit) -> Answer:
    """Let the contact have its derived name again."""
    for contact_id in uuids(visit.place["contact_id"]):
        before = _locked_override(visit.connection, visit.agency.id, contact_id)
        if stale := _stale(visit, before):
            return stale
        if not clear_name(visit.connection, visit.agency.id, UUID(contact_id)):
            return Refused("There is no rename of this contact to undo.")
        visit.record("undo_rename", contact_id, before=before or None)
        return Moved(f"{visit.home}/contacts/{contact_id}", "The next sync publishes the name from AMS360 again.")
    return Missing("contact of this id")


def _stale(visit: Visit, before: dict[str, str]) -> Refused | None:
    if any(visit.form.get(f"had_{part}", "") != before.get(part, "") for part in _PARTS):
        known = " ".join(before.get(part, "") for part in _PARTS).strip() or "its derived name"
        return Refused(
            f"Somebody renamed this contact meanwhile; it has now: {known}. Load its page and decide again.", 409
        )
    return None


def _locked_override(connection: psycopg.Connection[Any], agency: str, contact_id: str) -> dict[str, str]:
    """Return the name given so far; nobody else can rename the contact until this transaction ends."""
    connection.execute("select pg_advisory_xact_lock(hashtextextended('ops.name_overrides ' || %s, 0))", (contact_id,))
    row = connection.execute(
        "select first_name, last_name, nickname from ops.name_overrides where agency = %s and contact_id = %s",
        (agency, contact_id),
    ).fetchone()
    return dict(zip(_PARTS, (value or "" for value in row), strict=True)) if row else {}


def show_why(visit: Visit) -> Answer:
    """Explain a contact id, a CustomerNumber or an email; one that is a single contact leads to its page."""
    asked = visit.query.get("q", "").strip()[:320]
    answers, problem = [], None
    if asked:
        try:
            answers = why(visit.connection, visit.agency.id, asked, visit.agency.settings, visit.today)
        except ConfigError as error:
            problem = str(error)
    if len(answers) == 1 and answers[0].contact_id:
        return Moved(f"{visit.home}/contacts/{answers[0].contact_id}#why")
    return Shown("why.html", {"asked": asked, "answers": answers, "problem": problem})


SCREENS = [
    Screen("GET", "/why", Role.VIEWER, show_why),
    Screen("GET", "/contacts/{contact_id}", Role.VIEWER, show_contact),
    Screen("POST", "/contacts/{contact_id}/name", Role.OPERATOR, rename),
    Screen("POST", "/contacts/{contact_id}/name/undo", Role.OPERATOR, undo_rename),
]
