"""BrokerConnectV4's operations by name, behind the session that every one needs."""

from typing import Any

from ams_etl.sandbox.benefitpoint import accounts, directory, products
from ams_etl.sandbox.benefitpoint.book import Book, Record
from ams_etl.sandbox.benefitpoint.results import RefusedError, refused, unauthorized
from ams_etl.sandbox.benefitpoint.sessions import Sessions
from ams_etl.sandbox.soap.contract import Operation
from ams_etl.sandbox.soap.scalars import BadValueError
from ams_etl.sandbox.soap.service import Answer, SoapFault

_TABLE = {**accounts.OPERATIONS, **products.OPERATIONS, **directory.OPERATIONS}
_WRITES = ("create", "update", "delete")


class BrokerOperations:
    """What BenefitPoint does.

    Args:
        book: the records.
        sessions: who may.
        namespace: of the session header.
    """

    def __init__(self, book: Book, sessions: Sessions, namespace: str) -> None:
        self._book, self._sessions = book, sessions
        self._session_paths = [f"{{{namespace}}}SessionIdHeader/sessionId"]
        self.denied: frozenset[str] = frozenset()
        self.writes: list[dict[str, Any]] = []

    def speak(self, namespace: str) -> None:
        """Take the session header of a later minor version, too."""
        self._session_paths.append(f"{{{namespace}}}SessionIdHeader/sessionId")

    def carry_out(self, operation: Operation, header: Any, arguments: Record | None) -> Answer:
        """Carry out one call; see `Operations`."""
        texts = () if header is None else (header.findtext(path) for path in self._session_paths)
        self._sessions.use(next(filter(None, texts), None))
        if operation.name in self.denied:
            raise unauthorized()
        carry = _TABLE.get(operation.name)
        if carry is None:
            raise SoapFault(f"{operation.name} is not implemented by the sandbox.", code="s:Server")
        if not operation.name.startswith(_WRITES):
            return Answer(carry(self._book, arguments or {}))
        try:
            result = carry(self._book, arguments or {})
        except RefusedError as error:
            result = refused(error)
        self.writes.append({"operation": operation.name, "result": result["result"]})
        return Answer(result)

    def unreadable(self, operation: Operation, error: BadValueError) -> SoapFault:
        """A value that is not of its type, or an element in the wrong place."""
        return SoapFault(f"{operation.name}: the request does not fit the schema: not a valid {error}.")
