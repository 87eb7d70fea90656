"""Edits as people in AMS360 make them, with the notifications that each should raise."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ams_etl.sync.raw.ams360_tables import ID_MEMBERS, OBJECT_TYPES
from ams_etl_tests.sandbox_process import Sandbox

CHILDREN = ("customer_contacts", "customer_dependents", "policies")
_TEXT = {"customer_contacts": "ContactName", "customer_dependents": "LastName", "policies": "PolicyNumber"}
TOLD = (*OBJECT_TYPES, "service_personnel")
"""The kinds of record whose notifications have the customer read."""
Raised = tuple[str, str, str]
"""Kind, op and key, as the sandbox names what it did not send."""


@dataclass(slots=True)
class Editor:
    """Edits an agency at random.

    Args:
        sandbox: the sandbox.
        rng: decides everything.
        raised: every notification that an edit should have raised, by the customer it is about.
    """

    sandbox: Sandbox
    rng: random.Random
    raised: dict[str, list[Raised]] = field(default_factory=dict)
    _made: int = 0
    _deleted: list[dict[str, Any]] = field(default_factory=list)

    def edit(self, customer_id: str) -> None:
        """Make one edit of this customer or of its dependent rows."""
        self._made += 1
        what = self.rng.choices(
            ("customer", "update", "insert", "delete", "no_customer", "silent"), (30, 25, 20, 15, 6, 4)
        )[0]
        kind = self.rng.choice(CHILDREN)
        there = self.sandbox.ask(f"state/{kind}?customer={customer_id}")
        if what == "no_customer":
            self.delete(customer_id)
        elif what == "insert":
            self._insert(kind, customer_id)
        elif what in {"update", "delete"} and there:
            key = self.rng.choice(there)[ID_MEMBERS[kind]]
            self._tell(customer_id, kind, what, key)
            fields = {_TEXT[kind]: f"Edit {self._made}"} if what == "update" else {}
            self.sandbox.edit(kind, what, key, **fields)
        elif what == "silent" and there and kind == "customer_contacts":
            key = self.rng.choice(there)[ID_MEMBERS[kind]]
            self.sandbox.edit(kind, "update", key, SortOrder=1000 + self._made)
        else:
            member = self.rng.choice(("City", "Occupation", "Email"))
            value = f"edit{self._made}@example.com" if member == "Email" else f"Edit {self._made}"
            self._tell(customer_id, "customers", "update", customer_id)
            self.sandbox.edit("customers", "update", customer_id, **{member: value})

    def delete(self, customer_id: str) -> None:
        """Delete a customer with all beneath; `undelete` brings it back alone."""
        self._deleted.append(self.sandbox.ask(f"state/customers/{customer_id}"))
        for kind in CHILDREN:
            for record in self.sandbox.ask(f"state/{kind}?customer={customer_id}"):
                self._tell(customer_id, kind, "delete", record[ID_MEMBERS[kind]])
        for record in self.sandbox.ask(f"state/service_personnel?customer={customer_id}"):
            key = f"{customer_id}/{record['EmployeeCode']}/{record['TypeOfEmployee']}"
            self._tell(customer_id, "service_personnel", "delete", key)
        self._tell(customer_id, "customers", "delete", customer_id)
        self.sandbox.edit("customers", "delete", customer_id)

    def undelete(self) -> None:
        """Bring back the customer that has been gone for longest, if there is one."""
        if self._deleted:
            record = self._deleted.pop(0)
            key = record["CustomerId"]
            self._tell(key, "customers", "insert", key)
            self.sandbox.edit("customers", "insert", key, **{name: value for name, value in record.items() if value})

    def new_customer(self) -> None:
        """A customer that nobody knows yet."""
        self._made += 1
        key = self.sandbox.edit("customers", "insert", LastName=f"Edit{self._made}", FirstName="Ann", IsActive=True)
        assert key is not None
        self._tell(key, "customers", "insert", key)

    def unsent(self) -> Counter[Raised]:
        """What the sandbox never sent, of what has a customer read."""
        told = self.sandbox.ask("notifications")["unsent"]
        return Counter((edit["entity"], edit["op"], edit["key"]) for edit in told if edit["entity"] in TOLD)

    def _insert(self, kind: str, customer_id: str) -> None:
        key = self.sandbox.edit(kind, "insert", CustomerId=customer_id, **{_TEXT[kind]: f"Edit {self._made}"})
        assert key is not None
        self._tell(customer_id, kind, "insert", key)

    def _tell(self, customer_id: str, kind: str, op: str, key: str) -> None:
        self.raised.setdefault(customer_id, []).append((kind, op, key))
