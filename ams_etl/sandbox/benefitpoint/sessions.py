"""LoginV2: sessions begun, asked after and ended. One user name."""

import secrets
from typing import Any

from ams_etl.sandbox.benefitpoint.book import Record
from ams_etl.sandbox.soap.contract import Operation
from ams_etl.sandbox.soap.scalars import BadValueError
from ams_etl.sandbox.soap.service import Answer, SoapFault

DEAD = "The session is not valid."


class Sessions:
    """The sessions given out.

    Args:
        username: the one there is.
        password: its password.
    """

    def __init__(self, username: str, password: str) -> None:
        self._username, self._password = username, password
        self._calls: dict[str, int] = {}
        self.calls_per_session: int | None = None
        self.logins = 0

    def carry_out(self, operation: Operation, header: Any, arguments: Record | None) -> Answer:
        """Carry out one call of LoginV2."""
        del header
        given = arguments or {}
        if operation.name == "login":
            return Answer({"result": {"sessionID": self._begin(given)}})
        session = given.get("sessionID") or ""
        if session not in self._calls:
            raise SoapFault(DEAD)
        if operation.name == "getCurrentUser":
            return Answer({"result": {"userID": 1, "username": self._username}})
        if operation.name == "logout":
            del self._calls[session]
            return Answer({})
        return Answer({"sessionID": session})

    def unreadable(self, operation: Operation, error: BadValueError) -> SoapFault:
        """A value that is not of its type."""
        return SoapFault(f"{operation.name}: not a valid {error}.")

    def use(self, session: str | None) -> None:
        """Check the session of a call.

        Raises:
            SoapFault: the session does not exist, or it has ended.
        """
        calls = self._calls.get(session or "")
        if calls is None:
            raise SoapFault(DEAD)
        if self.calls_per_session is not None and calls >= self.calls_per_session:
            del self._calls[session or ""]
            raise SoapFault(DEAD)
        self._calls[session or ""] = calls + 1

    def expire_all(self) -> None:
        """Every session is over from now on."""
        self._calls.clear()

    def _begin(self, given: Record) -> str:
        right = secrets.compare_digest((given.get("password") or "").encode(), self._password.encode())
        if not right or given.get("username") != self._username:
            raise SoapFault("Invalid username or password.")
        self.logins += 1
        session = secrets.token_hex(24)
        self._calls[session] = 0
        return session
