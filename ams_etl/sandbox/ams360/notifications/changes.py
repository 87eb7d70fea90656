"""Which edits raise a notification, and of what."""

from dataclasses import dataclass, field
from typing import Any

from ams_etl.sandbox.ams360.agency import KEYS, TYPES, Record, key_of

SILENT_KINDS = frozenset({"profile_answers"})
SILENT_MEMBERS = {
    "customers": frozenset({"CustomerNotationId"}),
    "policies": frozenset({"PolicyNotationId"}),
    "customer_contacts": frozenset({"SortOrder"}),
}
"""An edit of nothing but these raises none; neither does a profile answer. Only a full sync sees them."""


@dataclass(frozen=True, slots=True)
class Change:
    """One record that was inserted, updated or deleted."""

    agency_no: str
    kind: str
    op: str
    key: str
    keys: dict[str, str]
    data: Record = field(default_factory=dict)

    @property
    def object_type(self) -> str:
        """What the notification calls it."""
        return TYPES[self.kind].removesuffix("WithBusinessUnits")

    def as_dict(self) -> dict[str, Any]:
        """For JSON: what was lost, or given up."""
        return {"entity": self.kind, "op": self.op, "key": self.key, "customer_id": self.keys.get("CustomerId")}


def change_of(agency_no: str, kind: str, before: Record | None, after: Record | None) -> Change | None:
    """The change that an edit is, or None where AMS360 says nothing of it."""
    record = after or before
    if record is None or kind in SILENT_KINDS:
        return None
    if before is not None and after is not None:
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        if changed <= SILENT_MEMBERS.get(kind, frozenset()):
            return None
        op = "update"
    else:
        op = "delete" if after is None else "insert"
    keys = {name: str(record[name]) for name in (*KEYS[kind], "CustomerId") if record.get(name)}
    data = {name: value for name, value in record.items() if isinstance(value, (str, int, bool)) and name not in keys}
    return Change(agency_no, kind, op, key_of(kind, record), keys, {} if op == "delete" else data)
