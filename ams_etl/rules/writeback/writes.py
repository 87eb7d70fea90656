"""From a happening to the records that are written because of it (W1, W5 to W8), in order."""

from collections.abc import Mapping
from dataclasses import replace

from ams_etl.rules.writeback.activities import activities
from ams_etl.rules.writeback.customers import new_customer
from ams_etl.rules.writeback.model import CONVERSATIONS, Employees, Happening, Write, moment
from ams_etl.rules.writeback.policies import policy_shell
from ams_etl.rules.writeback.properties import customer_members
from ams_etl.rules.writeback.settings import WritebackSettings
from ams_etl.rules.writeback.texts import texts_for
from ams_etl.rules.writeback.tickets import suspense


def plan_writes(
    happening: Happening,
    *,
    employees: Employees,
    marker: str,
    actions: Mapping[str, str],
    settings: WritebackSettings,
    country: str = "US",
    email: str | None = None,
) -> tuple[Write, ...]:
    """W1: notes become Notes, conversations Activities; tickets, deals and contacts as W5 to W8 say.

    Args:
        happening: what happened.
        employees: AMS360 codes of the acting user and of a ticket's assignee.
        marker: what this event's suspense or policy is found by again.
        actions: the setting `activity_actions`.
        settings: the agency's choices.
        country: of phone numbers without one.
        email: the contact's, as the event refers to it.
    """
    kind = happening.kind
    if kind == "note":
        return tuple(
            Write("note", {"CustomerNote": {"NoteText": text, "NoteDate": moment(happening.at), "Priority": "N"}})
            for text in texts_for("CustomerNote.NoteText", happening, settings)
        )
    if kind in CONVERSATIONS:
        return (*_activities(happening, employees, actions, settings), *_update(happening, settings, country))
    if kind == "ticket_created":
        due = Write("suspense", {"Suspense": suspense(happening, employees, marker, settings), "marker": marker})
        talk = happening.conversation
        return (due, *(_activities(talk, employees, actions, settings) if talk else ()))
    if kind == "ticket_completed":
        return (Write("complete_suspense", {}),)
    if kind in {"contact_updated", "properties_found"}:
        return _update(happening, settings, country)
    if kind in _TYPE_BY_KIND:
        # A customer that exists already gets of these what is empty there.
        given = sorted(customer_members(happening.properties, settings.properties, country))
        record = new_customer(happening, _TYPE_BY_KIND[kind], country, email)
        customer = Write("customer", {"Customer": record, "given": given})
        if kind != "deal_won":
            return (customer,)
        return (customer, Write("policy", {"Policy": policy_shell(happening, marker, settings)}, after=0))
    return ()


_TYPE_BY_KIND = {"contact_created": "S", "deal_created": "P", "deal_won": "C"}


def _activities(
    happening: Happening, employees: Employees, actions: Mapping[str, str], settings: WritebackSettings
) -> tuple[Write, ...]:
    """Files belong to the first record; those that are left out are named in the text."""
    taken, left = _attachments(happening, settings)
    if left:
        happening = replace(happening, text=f"{happening.text}\n\nNot attached: {', '.join(left)}")
    records = activities(happening, employees.actor, actions, settings)
    return tuple(
        Write("activity", {"CustomerActivity": record, **({"attachments": taken} if taken and number == 0 else {})})
        for number, record in enumerate(records)
    )


def _attachments(happening: Happening, settings: WritebackSettings) -> tuple[list[int], list[str]]:
    """Numbers of the files to upload; names of those that are too large, empty or of a type the agency does not want."""
    taken: list[int] = []
    left: list[str] = []
    total = 0
    for number, file in enumerate(happening.attachments):
        size = int(file.get("bytes") or 0)
        wanted = not settings.attachment_types or file.get("content_type") in settings.attachment_types
        if wanted and 0 < size <= settings.attachment_max_bytes and total + size <= settings.attachments_max_bytes:
            taken.append(number)
            total += size
        else:
            left.append(f"{file.get('file_name')} ({size:,} bytes)")
    return taken, left


def _update(happening: Happening, settings: WritebackSettings, country: str) -> tuple[Write, ...]:
    members = customer_members(happening.properties, settings.properties, country)
    return (Write("update_customer", {"Customer": members}),) if members else ()
