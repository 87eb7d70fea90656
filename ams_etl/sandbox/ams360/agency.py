"""One agency's records: who hangs on whom, found by key; the state that lives as long as the process."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

Record = dict[str, Any]
CHILDREN = ("customer_contacts", "customer_dependents", "policies", "suspenses", "activities", "notes")
KEYS = {
    "customers": "CustomerId", "customer_contacts": "CustomerContactId", "customer_dependents": "DependentId",
    "policies": "PolicyId", "suspenses": "SuspenseId", "activities": "ActivityId", "notes": "NoteId",
    "employees": "EmployeeCode",
}  # fmt: skip


@dataclass(slots=True)
class Agency:
    """All records of one agency by AMS360's member names."""

    agency_no: str
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
    version: int = 0
    """Moves with every edit, so that what was rendered before is rendered anew."""
    issued: int = 0

    def new_id(self) -> str:
        """The next id that the service gives; never one of the generated ones."""
        self.issued += 1
        return str(UUID(int=(0xA360 << 112) | (4 << 76) | (2 << 62) | self.issued))

    def put(self, kind: str, record: Record) -> None:
        """Add or replace a record."""
        self.version += 1
        key = record[KEYS[kind]]
        if kind == "customers":
            self.customers[key] = record
        elif kind == "employees":
            self.employees[key] = record
        else:
            self.remove(kind, key)
            self.by_customer[kind][record["CustomerId"]][key] = record
            self.owner_of[kind][key] = record["CustomerId"]

    def get(self, kind: str, key: str) -> Record | None:
        """A record, or None."""
        if kind in {"customers", "employees"}:
            found: dict[str, Record] = getattr(self, kind)
            return found.get(key)
        owner = self.owner_of[kind].get(key)
        return self.by_customer[kind][owner].get(key) if owner else None

    def remove(self, kind: str, key: str) -> bool:
        """Take a record away; a customer takes everything beneath it along."""
        self.version += 1
        if kind == "customers":
            for child in CHILDREN:
                for inner in self.by_customer[child].pop(key, {}):
                    self.owner_of[child].pop(inner, None)
            return self.customers.pop(key, None) is not None
        if kind == "employees":
            return self.employees.pop(key, None) is not None
        owner = self.owner_of[kind].pop(key, None)
        return bool(owner and self.by_customer[kind][owner].pop(key, None))

    def under(self, kind: str, customer_id: str) -> list[Record]:
        """A customer's records of a kind."""
        return list(self.by_customer[kind].get(customer_id, {}).values())
