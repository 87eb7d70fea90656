"""Tickets as suspenses (W5)."""

from typing import Any

from ams_etl.rules.writeback.model import Employees, Happening, moment
from ams_etl.rules.writeback.settings import WritebackSettings
from ams_etl.rules.writeback.texts import texts_for


def suspense(happening: Happening, employees: Employees, marker: str, settings: WritebackSettings) -> dict[str, Any]:
    """W5: due at the ticket's own date and time; the marker in its description tells it from every other (W9)."""
    if happening.due is None:
        raise ValueError("a ticket has a due date")
    (text,) = texts_for("CustomerSuspense.Description", happening, settings, tail=marker)
    record: dict[str, Any] = {
        "InitiatedDate": moment(happening.at),
        "DueDate": moment(happening.due),
        "Description": text,
        "IsCompleted": False,
    }
    if settings.suspense_action:
        record["SuspenseAction"] = settings.suspense_action
    if employees.actor:
        record["InitiatedByEmployeeCode"] = employees.actor
    assigned = employees.assignee or employees.actor
    if assigned:
        record["AssignedToEmployeeCode"] = assigned
    return record
