"""What an operation is given: the caller's agency, its records' index, the arguments, the service's habits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ams_etl.sandbox.ams360.agency import Agency, Record
from ams_etl.sandbox.ams360.directory import Directory
from ams_etl.sandbox.ams360.refusals import business


@dataclass(slots=True)
class Habits:
    """What nobody knows of the real service, as switches."""

    empty_prefix: Literal["fault", "all", "none"] = "fault"
    """What CustomerGetListByNamePrefix answers to an empty prefix."""
    row_limit: int | None = None
    """Lists of customers end here, without a word."""
    gzip: bool = False
    """Answers are compressed for clients that accept it."""
    us_dates: bool = False
    """Dates at midnight are written as `5/4/2013 12:00:00 AM`."""
    vanishing: set[str] = field(default_factory=set)
    """Customers and policies that are deleted as soon as a list has shown them."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one operation."""

    agency: Agency
    directory: Directory
    arguments: Record
    habits: Habits
    employee_code: str | None = None

    def record(self, name: str) -> Record:
        """The record that a write brings, as a copy of its own.

        Raises:
            SoapFault: it is missing.
        """
        given = self.arguments.get(name)
        if given is None:
            raise business(f"{name} is required.", name)
        return dict(given)

    def customer(self, record: Record) -> Record:
        """The customer that a record names.

        Raises:
            SoapFault: the customer does not exist.
        """
        key = record.get("CustomerId") or ""
        found = self.agency.customers.get(key)
        if found is None:
            raise business("The customer was not found.", "CustomerId", key)
        return found

    def must_be_employees(self, record: Record, *members: str) -> None:
        """Check that the codes given are employees' codes.

        Raises:
            SoapFault: one is not.
        """
        for member in members:
            code = record.get(member)
            if code and code not in self.agency.employees:
                raise business("The employee was not found.", member, code)

    def found(self, kind: str, key: str | None, member: str) -> Record:
        """A record by its key.

        Raises:
            SoapFault: the record does not exist.
        """
        record = self.agency.get(kind, key or "")
        if record is None:
            raise business("The record was not found.", member, key)
        return record


Carry = Callable[[Call], Record | None]
Table = Mapping[str, Carry]


def required(record: Record, *members: str) -> None:
    """Check that members have a value.

    Raises:
        SoapFault: one has none.
    """
    for member in members:
        if record.get(member) in {None, ""}:
            raise business(f"{member} is required.", member)
