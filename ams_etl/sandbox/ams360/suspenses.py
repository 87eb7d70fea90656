"""Suspenses of a customer: things to do, with a due date. They can be listed, unlike activities and notes."""

from ams_etl.sandbox.ams360.agency import Record
from ams_etl.sandbox.ams360.call import Call, Table, required
from ams_etl.sandbox.ams360.refusals import business


def _list(call: Call) -> Record:
    wanted = call.arguments.get("IsComplete")
    rows = call.agency.under("suspenses", call.arguments.get("CustomerId") or "")
    shown = [row for row in rows if wanted is None or bool(row.get("IsCompleted")) == wanted]
    return {"SuspenseList": {"CustomerSuspenseInfo": shown}}


def _get(call: Call) -> Record:
    return {"Suspense": call.found("suspenses", call.arguments.get("SuspenseId"), "SuspenseId")}


def _insert(call: Call) -> Record:
    suspense = call.record("Suspense")
    _check(call, suspense)
    suspense["SuspenseId"] = call.agency.new_id()
    call.agency.put("suspenses", _settled(call, suspense, None))
    return {"SuspenseId": suspense["SuspenseId"]}


def _update(call: Call) -> None:
    suspense = call.record("Suspense")
    before = call.found("suspenses", suspense.get("SuspenseId"), "SuspenseId")
    if suspense.get("CustomerId") != before["CustomerId"]:
        raise business("The suspense belongs to another customer.", "CustomerId", suspense.get("CustomerId"))
    _check(call, suspense)
    call.agency.put("suspenses", _settled(call, suspense, before))


def _check(call: Call, suspense: Record) -> None:
    call.customer(suspense)
    call.must_be_employees(suspense, "InitiatedByEmployeeCode", "AssignedToEmployeeCode")
    required(suspense, "DueDate")
    if suspense.get("PolicyId"):
        required(suspense, "PolicyEffectiveDate")
        call.found("policies", suspense["PolicyId"], "PolicyId")


def _settled(call: Call, suspense: Record, before: Record | None) -> Record:
    """Set who completed it and when from IsCompleted, as AMS360 does. Values from the caller are ignored."""
    suspense["IsCompleted"] = bool(suspense.get("IsCompleted"))
    if not suspense["IsCompleted"]:
        suspense["CompletedBy"] = suspense["CompletedDate"] = None
    elif before is not None and before["IsCompleted"]:
        suspense["CompletedBy"], suspense["CompletedDate"] = before["CompletedBy"], before["CompletedDate"]
    else:
        suspense["CompletedBy"] = call.employee_code or suspense.get("AssignedToEmployeeCode")
        suspense["CompletedDate"] = f"{call.agency.today}T00:00:00"
    return suspense


OPERATIONS: Table = {
    "CustomerSuspenseGetListByCustomerId": _list,
    "CustomerSuspenseGetBySuspenseId": _get,
    "CustomerSuspenseInsert": _insert,
    "CustomerSuspenseUpdate": _update,
}
