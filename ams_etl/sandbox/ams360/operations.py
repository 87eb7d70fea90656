"""The service's operations by name, behind the session that every one but Login needs."""

from collections.abc import Mapping
from typing import Any

from ams_etl.sandbox.ams360 import activities, customers, notes, people, policies, reference, suspenses
from ams_etl.sandbox.ams360.agency import Agency, Record
from ams_etl.sandbox.ams360.call import Call, Habits
from ams_etl.sandbox.ams360.directory import Directory
from ams_etl.sandbox.ams360.refusals import business, general
from ams_etl.sandbox.ams360.sessions import Sessions
from ams_etl.sandbox.ams360.uploads import Uploads
from ams_etl.sandbox.soap.contract import Contract, Operation
from ams_etl.sandbox.soap.scalars import BadValueError
from ams_etl.sandbox.soap.service import Answer, SoapFault
from ams_etl.sandbox.soap.writer import Writer

_WRITES = ("Insert", "Update", "Delete")


class Ams360Operations:
    """What AMS360 does.

    Args:
        agencies: those it serves.
        sessions: who may.
        contract: the types.
        writer: for the session header and for records that are kept as XML.
    """

    def __init__(self, agencies: list[Agency], sessions: Sessions, contract: Contract, writer: Writer) -> None:
        self._sessions, self._writer = sessions, writer
        self._directories = {agency.agency_no: Directory(agency, contract, writer) for agency in agencies}
        self._session_member = contract.elements[f"{{{contract.namespace}}}WSAPISession"]
        self._ticket_path = f"{self._session_member.tag}/{{{contract.namespace}}}Ticket"
        uploads = Uploads()
        self._table = {
            **customers.OPERATIONS, **people.OPERATIONS, **policies.OPERATIONS, **reference.OPERATIONS,
            **suspenses.OPERATIONS, **notes.OPERATIONS, **activities.operations(uploads), **uploads.operations(),
        }  # fmt: skip
        self.habits = Habits()
        self.refused: frozenset[str] = frozenset()
        self.logins = 0
        self.writes: list[dict[str, Any]] = []

    def carry_out(self, operation: Operation, header: Any, arguments: Record | None) -> Answer:
        """Carry out one call; see `Operations`."""
        if operation.name == "Login":
            if arguments is None:
                raise general("Login: the argument Request is null.")
            ticket = self._sessions.begin(arguments)
            self.logins += 1
            return Answer(header=self._writer.element(self._session_member, {"Ticket": ticket}))
        found = None if header is None else header.findtext(self._ticket_path)
        session = self._sessions.find(found, operation.name)
        if operation.name == "Logout":
            self._sessions.end(found)
            return Answer()
        if operation.name in self.refused:
            raise business("The record was not found.", operation.name)
        carry = self._table.get(operation.name)
        if carry is None:
            raise general(f"{operation.name} is not implemented by the sandbox.")
        if arguments is None:
            wrapper = operation.argument.name if operation.argument else ""
            raise general(f"{operation.name}: the argument {wrapper} is null.")
        agency = session.agency
        directory = self._directories[agency.agency_no]
        result = carry(Call(agency, directory, arguments, self.habits, session.employee_code))
        if operation.name.endswith(_WRITES):
            self._log(operation.name, agency, arguments, result)
        return Answer(result)

    def unreadable(self, operation: Operation, error: BadValueError) -> SoapFault:
        """A value that is not of its type."""
        return general(f"{operation.name}: there was an error deserializing the argument: not a valid {error}.")

    def directory(self, agency: Agency) -> Directory:
        """The index of an agency."""
        return self._directories[agency.agency_no]

    def _log(self, operation: str, agency: Agency, arguments: Mapping[str, Any], result: Record | None) -> None:
        """What was written to and which members had a value; the values themselves are in the agency's state."""
        record = next((value for value in arguments.values() if isinstance(value, dict)), arguments)
        customer = record.get("CustomerId") or (result or {}).get("CustomerId")
        self.writes.append(
            {
                "operation": operation, "agency_no": agency.agency_no, "customer_id": customer,
                "members": sorted(name for name, value in record.items() if value is not None), "result": result or {},
            }
        )  # fmt: skip
