"""Logins, tickets and rights."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from ams_etl.sandbox.ams360.agency import Agency, Record
from ams_etl.sandbox.ams360.refusals import security

_TICKET_LETTERS = 128


@dataclass(slots=True)
class Session:
    """The login that a ticket belongs to."""

    agency: Agency
    employee_code: str | None
    calls: int = 0


class Sessions:
    """The tickets given out. One login for all agencies; a ticket belongs to one of them.

    Args:
        agencies: by agency number.
        login_id: the one login there is.
        password: its password.
    """

    def __init__(self, agencies: Mapping[str, Agency], login_id: str, password: str) -> None:
        self._agencies, self._login_id, self._password = agencies, login_id, password
        self._by_ticket: dict[str, Session] = {}
        self.denied: frozenset[str] = frozenset()
        self.calls_per_ticket: int | None = None
        self.one_session = False
        """A login ends the session that its agency had."""

    def begin(self, arguments: Record) -> str:
        """Check agency, login and password, and return a ticket.

        Raises:
            SoapFault: one answer for whatever is wrong.
        """
        agency = self._agencies.get(arguments.get("AgencyNo") or "")
        right = secrets.compare_digest((arguments.get("Password") or "").encode(), self._password.encode())
        employee = arguments.get("EmployeeCode")
        if (
            agency is None
            or not right
            or arguments.get("LoginId") != self._login_id
            or (employee and employee not in agency.employees)
        ):
            raise security("Login failure - contact your administrator")
        if self.one_session:
            for other in [other for other, session in self._by_ticket.items() if session.agency is agency]:
                del self._by_ticket[other]
        ticket = secrets.token_urlsafe(_TICKET_LETTERS)[:_TICKET_LETTERS]
        self._by_ticket[ticket] = Session(agency, employee)
        return ticket

    def find(self, ticket: str | None, operation: str) -> Session:
        """The session of a call.

        Raises:
            SoapFault: no such ticket, it is worn out, or the login may not do this.
        """
        session = self._by_ticket.get(ticket or "")
        if session is None:
            raise security("The session ticket is missing, unknown or expired.")
        if self.calls_per_ticket is not None and session.calls >= self.calls_per_ticket:
            del self._by_ticket[ticket or ""]
            raise security("The session ticket is missing, unknown or expired.")
        session.calls += 1
        if operation in self.denied:
            raise security(f"The login has no right to {operation}.")
        return session

    def end(self, ticket: str | None) -> None:
        """Forget a ticket."""
        self._by_ticket.pop(ticket or "", None)

    def expire_all(self) -> None:
        """Every ticket is dead from now on."""
        self._by_ticket.clear()
