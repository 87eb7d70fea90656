"""AMS360's operations that change something, with its own validations."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from ams_etl.sandbox.ams360.agency import Agency, Record
from ams_etl.sandbox.soap.service import ServiceFault, fault_details

Write = Callable[[Agency, Record], Record | None]


def _refuse(message: str, data_name: str, key: str = "") -> ServiceFault:
    return ServiceFault(
        "WSAPIBusinessFault", message, fault_details([{"Message": message, "DataName": data_name, "EntityKey": key}])
    )


def _known_customer(agency: Agency, record: Record) -> Record:
    key = record.get("CustomerId") or ""
    customer = agency.customers.get(key)
    if customer is None:
        raise _refuse("The customer was not found.", "CustomerId", key)
    return customer


def _known_employee(agency: Agency, record: Record, member: str = "EmployeeCode") -> None:
    code = record.get(member)
    if code and code not in agency.employees:
        raise _refuse("The employee was not found.", member, code)


def _argument(arguments: Record, name: str) -> Record:
    record: Record | None = arguments.get(name)
    if record is None:
        raise _refuse(f"{name} is required.", name)
    return dict(record)


def insert_customer(agency: Agency, arguments: Record) -> Record:
    """CustomerInsert: C, P or S, a name, a number of the service's own."""
    customer = _argument(arguments, "Customer")
    if customer.get("CustomerType") not in {"C", "P", "S"}:
        raise _refuse("CustomerType must be C, P or S.", "CustomerType")
    if not (customer.get("LastName") or customer.get("FirmName")):
        raise _refuse("LastName or FirmName is required.", "LastName")
    for member in ("AccountExecCode", "AccountRepCode"):
        _known_employee(agency, customer, member)
    customer["CustomerId"] = agency.new_id()
    customer["CustomerNumber"] = 1 + max((one["CustomerNumber"] for one in agency.customers.values()), default=0)
    customer.setdefault("IsActive", True)
    customer["DateCustomerAdded"] = f"{date.today()}T00:00:00"  # noqa: DTZ011
    agency.put("customers", customer)
    return {"CustomerId": customer["CustomerId"]}


def update_customer(agency: Agency, arguments: Record) -> None:
    """CustomerUpdate: the whole customer; what is left out is cleared; C and P never go back to S."""
    customer = _argument(arguments, "Customer")
    before = _known_customer(agency, customer)
    if customer.get("CustomerType") == "S" and before.get("CustomerType") in {"C", "P"}:
        raise _refuse("A customer or prospect cannot become a suspect.", "CustomerType", before["CustomerId"])
    for member in ("AccountExecCode", "AccountRepCode"):
        _known_employee(agency, customer, member)
    customer["CustomerNumber"] = before["CustomerNumber"]
    agency.put("customers", customer)


def insert_activity(agency: Agency, arguments: Record) -> Record:
    """CustomerActivityInsert: there is no reading, changing or deleting it afterwards."""
    activity = _argument(arguments, "CustomerActivity")
    _known_customer(agency, activity)
    _known_employee(agency, activity)
    if not activity.get("ActivityDate") or not activity.get("ActivityAction"):
        raise _refuse("ActivityDate and ActivityAction are required.", "ActivityAction")
    if activity.get("PolicyId"):
        if not activity.get("TransactionEffectiveDate"):
            raise _refuse("A policy needs its TransactionEffectiveDate.", "TransactionEffectiveDate")
        if agency.get("policies", activity["PolicyId"]) is None:
            raise _refuse("The policy was not found.", "PolicyId", activity["PolicyId"])
        activity["CompanyCode"] = None
    activity["ActivityId"] = agency.new_id()
    agency.put("activities", activity)
    return {"ActivityId": activity["ActivityId"]}


def insert_note(agency: Agency, arguments: Record) -> Record:
    """CustomerNoteInsert: a given NoteId is ignored; Priority N, C or L; PurgeDate today or later."""
    note = _argument(arguments, "CustomerNote")
    _known_customer(agency, note)
    if note.get("Priority") not in {None, "N", "C", "L"}:
        raise _refuse("Priority must be N, C or L.", "Priority")
    if note.get("PurgeDate") and note["PurgeDate"][:10] < date.today().isoformat():  # noqa: DTZ011
        raise _refuse("PurgeDate must be today or later.", "PurgeDate")
    note["NoteId"] = agency.new_id()
    agency.put("notes", note)
    return {"NoteId": note["NoteId"]}


def insert_suspense(agency: Agency, arguments: Record) -> Record:
    """CustomerSuspenseInsert: a given id, CompletedBy and CompletedDate are ignored."""
    suspense = _argument(arguments, "Suspense")
    _known_customer(agency, suspense)
    _known_employee(agency, suspense, "AssignedToEmployeeCode")
    if not suspense.get("DueDate"):
        raise _refuse("DueDate is required.", "DueDate")
    suspense["SuspenseId"] = agency.new_id()
    agency.put("suspenses", _completed(suspense))
    return {"SuspenseId": suspense["SuspenseId"]}


def update_suspense(agency: Agency, arguments: Record) -> None:
    """CustomerSuspenseUpdate: completion's person and day are AMS360's own to set."""
    suspense = _argument(arguments, "Suspense")
    _known_customer(agency, suspense)
    if agency.get("suspenses", suspense.get("SuspenseId") or "") is None:
        raise _refuse("The suspense was not found.", "SuspenseId", suspense.get("SuspenseId") or "")
    agency.put("suspenses", _completed(suspense))


def _completed(suspense: Record) -> Record:
    done = bool(suspense.get("IsCompleted"))
    suspense["CompletedBy"] = suspense.get("AssignedToEmployeeCode") if done else None
    suspense["CompletedDate"] = f"{date.today()}T00:00:00" if done else None  # noqa: DTZ011
    return suspense


def insert_policy(agency: Agency, arguments: Record) -> Record:
    """PolicyInsert: stored with status A at once."""
    policy = _argument(arguments, "Policy")
    _known_customer(agency, policy)
    for member in ("PolicyNumber", "PolicyEffectiveDate"):
        if not policy.get(member):
            raise _refuse(f"{member} is required.", member)
    policy["PolicyId"] = agency.new_id()
    policy["PolicyStatus"], policy["PolicySubType"] = "A", policy.get("PolicySubType") or "P"
    agency.put("policies", policy)
    return {"PolicyId": policy["PolicyId"]}


def _insert_child(kind: str, argument: str, key: str) -> Write:
    def insert(agency: Agency, arguments: Record) -> Record:
        record = _argument(arguments, argument)
        _known_customer(agency, record)
        record[key] = agency.new_id()
        agency.put(kind, record)
        return {key: record[key]}

    return insert


def _update_child(kind: str, argument: str, key: str) -> Write:
    def update(agency: Agency, arguments: Record) -> None:
        record = _argument(arguments, argument)
        _known_customer(agency, record)
        if agency.get(kind, record.get(key) or "") is None:
            raise _refuse(f"The {argument} was not found.", key, record.get(key) or "")
        agency.put(kind, record)

    return update


def _delete_child(kind: str, key: str) -> Write:
    def delete(agency: Agency, arguments: Record) -> None:
        if not agency.remove(kind, arguments.get(key) or ""):
            raise _refuse("The record was not found.", key, arguments.get(key) or "")

    return delete


WRITES: Mapping[str, Write | Any] = {
    "CustomerInsert": insert_customer,
    "CustomerUpdate": update_customer,
    "CustomerActivityInsert": insert_activity,
    "CustomerNoteInsert": insert_note,
    "CustomerSuspenseInsert": insert_suspense,
    "CustomerSuspenseUpdate": update_suspense,
    "PolicyInsert": insert_policy,
    "CustomerContactInsert": _insert_child("customer_contacts", "CustomerContact", "CustomerContactId"),
    "CustomerContactUpdate": _update_child("customer_contacts", "CustomerContact", "CustomerContactId"),
    "CustomerContactDelete": _delete_child("customer_contacts", "CustomerContactId"),
    "CustomerDependentInsert": _insert_child("customer_dependents", "CustomerDependent", "DependentId"),
    "CustomerDependentUpdate": _update_child("customer_dependents", "CustomerDependent", "DependentId"),
    "CustomerDependentDelete": _delete_child("customer_dependents", "DependentId"),
}
