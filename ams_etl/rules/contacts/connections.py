"""Connections (X): who at the agency has which role for a contact, and who sends."""

from collections.abc import Iterable

from ams_etl.rules.model import Connection, Contact
from ams_etl.rules.records.ams360 import Customer, Reference
from ams_etl.rules.settings import SourceSystem

EXECUTIVE, REPRESENTATIVE = "Executive", "Representative"
PRODUCER, CSR = "Producer", "CSR"
LEAD, ORIGINATING = "Lead Attorney", "Originating Attorney"
CONNECTION_TYPE_OF_ROLE = {
    "executive": EXECUTIVE, "representative": REPRESENTATIVE, "producer": PRODUCER, "csr": CSR,
    "lead_attorney": LEAD, "originating_attorney": ORIGINATING,
}  # fmt: skip
ROLES = {
    "ams360": ("executive", "representative"),
    "hawksoft": ("producer", "csr"),
    "qq_catalyst": ("producer", "csr"),
    "mycase": ("lead_attorney", "originating_attorney"),
}
"""Each system's roles as settings name them; the first answers to AMS360's executive, the second to its representative."""
CONNECTION_TYPES = {
    "ams360": (EXECUTIVE, REPRESENTATIVE),
    "hawksoft": (CSR, PRODUCER),
    "qq_catalyst": (CSR, PRODUCER),
    "mycase": (LEAD, ORIGINATING),
}
"""X1: the connection types of each source system."""


def connection_type_named(system: SourceSystem, name: str) -> str | None:
    """Return a system's connection type (X1) by its name, whatever its case; None where the system has none so named."""
    return next((kind for kind in CONNECTION_TYPES[system] if kind.lower() == name.strip().lower()), None)


def no_such_type(system: SourceSystem, name: str) -> str:
    """Return the sentence for a name that is not a connection type of a system."""
    return f"{name!r} is not a connection type of {system}; expected one of {', '.join(CONNECTION_TYPES[system])}"


def connections_of(customer: Customer, reference: Reference) -> tuple[Connection, ...]:
    """X1: the customer's Executive and Representative; a type changes no ownership.

    Those of single policies are left out: a sender chosen by type would no longer be the customer's own.
    """
    codes = ((EXECUTIVE, customer.executive_code), (REPRESENTATIVE, customer.representative_code))
    return tuple(
        [
            Connection(kind, code, employee.name if (employee := reference.employees.get(code)) else None)
            for kind, code in codes
            if code
        ]
    )


def sender_for(contact: Contact, connection_type: str) -> str | None:
    """X2: the platform user of the contact's connection of that type, else its owner.

    Of several connections of one type the lowest rank sends, then the lowest employee code. For sends and single
    automation steps; the birthday and renewal automations do not ask. `mart.sender_for` is the same in SQL.
    """
    mapped = sorted(
        (connection.rank, len(connection.employee_code), connection.employee_code, connection.user_id)
        for connection in of_type(contact.connections, connection_type)
        if connection.user_id
    )
    return mapped[0][3] if mapped else contact.owner_user_id


def of_type(connections: Iterable[Connection], connection_type: str) -> list[Connection]:
    """X3: the connections, or mappings, of one type only."""
    return [connection for connection in connections if connection.connection_type.lower() == connection_type.lower()]
