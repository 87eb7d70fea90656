"""One agency's records: the records of each customer, found by key. The state lives as long as the process."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

Record = dict[str, Any]
Change = Callable[[str, Record | None, Record | None], None]
"""Called with the kind of record, and the record before and after the change; None when it did not exist."""

CHILDREN = (
    "customer_contacts", "customer_dependents", "policies", "service_personnel", "profile_answers", "suspenses",
    "activities", "notes",
)  # fmt: skip
KEYS: dict[str, tuple[str, ...]] = {
    "customers": ("CustomerId",), "customer_contacts": ("CustomerContactId",), "customer_dependents": ("DependentId",),
    "policies": ("PolicyId",), "suspenses": ("SuspenseId",), "activities": ("ActivityId",), "notes": ("NoteId",),
    "service_personnel": ("CustomerId", "EmployeeCode", "TypeOfEmployee"),
    "profile_answers": ("CustomerId", "QuestionId"), "employees": ("EmployeeCode",),
}  # fmt: skip
TYPES = {
    "customers": "Customer", "customer_contacts": "CustomerContact", "customer_dependents": "CustomerDependent",
    "policies": "Policy", "suspenses": "CustomerSuspense", "activities": "CustomerActivity", "notes": "CustomerNote",
    "service_personnel": "CustomerServicePersonnel", "profile_answers": "CustomerProfileAnswer",
    "employees": "EmployeeWithBusinessUnits",
}  # fmt: skip
"""The contract's type of each kind of record."""


@dataclass(slots=True)
class Agency:
    """All records of one agency by AMS360's member names."""

    agency_no: str
    today: date = field(default_factory=date.today)
    customers: dict[str, Record] = field(default_factory=dict)
    by_customer: dict[str, dict[str, dict[str, Record]]] = field(
        default_factory=lambda: {kind: defaultdict(dict) for kind in CHILDREN}
    )
    owner_of: dict[str, dict[str, str]] = field(default_factory=lambda: {kind: {} for kind in CHILDREN})
    employees: dict[str, Record] = field(default_factory=dict)
    companies: list[Record] = field(default_factory=list)
    lines_of_business: list[Record] = field(default_factory=list)
    units: dict[str, list[Record]] = field(default_factory=dict)
    value_lists: dict[str, list[Record]] = field(default_factory=dict)
    watchers: list[Change] = field(default_factory=list)
    issued: int = 0

    def new_id(self) -> str:
        """Return the next id that the service assigns; never a generated one."""
        self.issued += 1
        return str(UUID(int=(0xA360 << 112) | (4 << 76) | (2 << 62) | self.issued))

    def put(self, kind: str, record: Record) -> None:
        """Add or replace a record."""
        key = key_of(kind, record)
        before = self.get(kind, key)
        if kind == "customers":
            self.customers[key] = record
        elif kind == "employees":
            self.employees[key] = record
        else:
            owner = record["CustomerId"]
            if before is not None and before["CustomerId"] != owner:
                self.by_customer[kind][before["CustomerId"]].pop(key)
            self.by_customer[kind][owner][key] = record
            self.owner_of[kind][key] = owner
        self._changed(kind, before, record)

    def get(self, kind: str, key: str) -> Record | None:
        """A record, or None.

        Raises:
            KeyError: there are no such records.
        """
        if kind == "customers":
            return self.customers.get(key)
        if kind == "employees":
            return self.employees.get(key)
        owner = self.owner_of[kind].get(key)
        return self.by_customer[kind][owner].get(key) if owner else None

    def remove(self, kind: str, key: str) -> bool:
        """Take a record away; a customer takes everything beneath it along."""
        before = self.get(kind, key)
        if before is None:
            return False
        if kind == "customers":
            for child in CHILDREN:
                for inner in list(self.by_customer[child].get(key, ())):
                    self.remove(child, inner)
            del self.customers[key]
        elif kind == "employees":
            del self.employees[key]
        else:
            self.by_customer[kind][self.owner_of[kind].pop(key)].pop(key)
        self._changed(kind, before, None)
        return True

    def under(self, kind: str, customer_id: str) -> list[Record]:
        """A customer's records of a kind."""
        return list(self.by_customer[kind].get(customer_id, {}).values())

    def all_of(self, kind: str) -> list[Record]:
        """Every record of a kind."""
        if kind == "customers":
            return list(self.customers.values())
        if kind == "employees":
            return list(self.employees.values())
        return [record for rows in self.by_customer[kind].values() for record in rows.values()]

    def _changed(self, kind: str, before: Record | None, after: Record | None) -> None:
        for watcher in self.watchers:
            watcher(kind, before, after)


def key_of(kind: str, record: Record) -> str:
    """What a record is found by; several members are joined by a slash."""
    return "/".join(record[name] for name in KEYS[kind])
