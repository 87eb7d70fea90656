"""An agency that changes by itself, as one does where people work in it."""

import asyncio
import contextlib
import random

from ams_etl.sandbox.ams360.agency import Agency, Record
from ams_etl.sandbox.ams360.directory import Directory
from ams_etl.sandbox.ams360.generation.people import add_contact
from ams_etl.sandbox.ams360.generation.policies import add_policy
from ams_etl.sandbox.generation import vocabulary as words
from ams_etl.sandbox.generation.draw import Draw

_EDITS = {
    "customer": 40, "policy": 15, "contact": 12, "new_contact": 8, "no_contact": 5, "new_customer": 8,
    "no_customer": 2, "employee": 2, "new_policy": 5, "silent": 3,
}  # fmt: skip


class _Whole(Record):
    """A record that has every member: what a customer lacks is None."""

    def __missing__(self, key: str) -> None:
        return None


class Drift:
    """Edits an agency at random.

    Args:
        agency: what is edited.
        directory: for the number of a new customer.
        seed: decides everything.
    """

    def __init__(self, agency: Agency, directory: Directory, seed: int) -> None:
        self._agency, self._directory = agency, directory
        self._draw = Draw(seed, agency.today)
        # Ids of new records must not repeat those that the agency began with.
        self._draw.rng = random.Random(f"drift {seed}")  # noqa: S311
        self.per_minute: float = 0.0
        self.made = 0
        self._changed = asyncio.Event()

    def configure(self, *, per_minute: float) -> None:
        """How many edits a minute; 0 stops.

        Raises:
            ValueError: below 0, or more than 60,000.
        """
        if not 0 <= per_minute <= 60_000:
            raise ValueError(per_minute)
        self.per_minute = per_minute
        self._changed.set()

    async def run(self) -> None:
        """Edit at that pace, for as long as the process lives."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), 60 / self.per_minute if self.per_minute else None)
            if self._changed.is_set():
                self._changed.clear()
            else:
                self.edit()

    def edit(self) -> None:
        """Make one edit."""
        draw = self._draw
        customers = list(self._agency.customers)
        if not customers:
            self._new_customer()
        else:
            customer = self._agency.customers[draw.of(customers)]
            match draw.weighted(list(_EDITS), list(_EDITS.values())):
                case "new_customer":
                    self._new_customer()
                case "no_customer":
                    self._agency.remove("customers", customer["CustomerId"])
                case "new_contact":
                    add_contact(self._agency, draw, _Whole(customer), draw.first(), draw.last())
                case "new_policy":
                    add_policy(self._agency, draw, _Whole(customer), commercial=bool(customer.get("FirmName")))
                case "employee":
                    code = draw.of(list(self._agency.employees))
                    self._change("employees", self._agency.employees[code], Email=f"{draw.first().lower()}@example.com")
                case "silent":
                    self._change("customers", customer, CustomerNotationId=draw.guid())
                case "customer":
                    self._change_customer(customer)
                case what:
                    self._change_child(what, customer)
        self.made += 1

    def _change_customer(self, customer: Record) -> None:
        draw = self._draw
        named = "LastName" if customer.get("LastName") else "Occupation"
        edits: tuple[Record, ...] = (
            {"Email": draw.email(draw.first(), draw.last())},
            {"AddressLine1": f"{draw.between(1, 9999)} {draw.of(words.STREETS)}"},
            {"AccountRepCode": draw.of(words.REPRESENTATIVE_CODES)},
            {"IsActive": not customer.get("IsActive")},
            {named: draw.last()},
        )
        self._change("customers", customer, **draw.of(edits))

    def _change_child(self, what: str, customer: Record) -> None:
        kind = "policies" if what == "policy" else "customer_contacts"
        found = self._agency.under(kind, customer["CustomerId"])
        if not found:
            self._change_customer(customer)
        elif what == "policy":
            self._change(kind, self._draw.of(found), PolicyStatus=self._draw.of("AACN"))
        elif what == "contact":
            self._change(kind, self._draw.of(found), ContactName=f"{self._draw.first()} {self._draw.last()}")
        else:
            self._agency.remove(kind, self._draw.of(found)["CustomerContactId"])

    def _new_customer(self) -> None:
        draw = self._draw
        first, last = draw.first(), draw.last()
        customer: Record = {
            "CustomerId": draw.guid(), "CustomerNumber": self._directory.next_number(), "IsActive": True,
            "CustomerType": draw.of("CP"), "FirstName": first, "LastName": last, "Email": draw.email(first, last),
            "AccountExecCode": draw.of(words.EXECUTIVE_CODES), "AccountRepCode": draw.of(words.REPRESENTATIVE_CODES),
            "DateCustomerAdded": draw.day(0), "IsPersonal": True, "IsCommercial": False, "GLDivisionCode": "D0",
            "GLBranchCode": f"B{draw.between(0, 2)}", "GLDepartmentCode": "D0", "GLGroupCode": f"G{draw.between(0, 1)}",
        }  # fmt: skip
        self._agency.put("customers", customer)
        add_policy(self._agency, draw, _Whole(customer), commercial=False)

    def _change(self, kind: str, record: Record, **members: object) -> None:
        self._agency.put(kind, {**record, **members})
