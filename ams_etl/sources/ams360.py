"""AMS360 over WSAPI v3: typed reads, and writes that are sent once.

Payloads are dicts keyed by AMS360's own member names, JSON unchanged; `SECRETS` never leave the decoder.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ams_etl.errors import AmsEtlError, ConfigError, DataError, LoginRefused, PermanentError
from ams_etl.sources.calling.across_processes import AcrossProcesses, shared_gate, slots_of, ticket_of
from ams_etl.sources.calling.answers import Decoded, Listing, Record, with_keys
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.faults import BusinessFault, GeneralFault, SecurityFault, SoapFault
from ams_etl.sources.calling.probe import Probe, compare_clocks, failed
from ams_etl.sources.soap.client import SoapClient
from ams_etl.sources.soap.contract import Contract
from ams_etl.sources.soap.outline import compare_with_built
from ams_etl.sources.soap.template import text_of
from ams_etl.sources.soap.transport import SoapTransport

SECRETS = {
    "Customer": frozenset({"FederalTaxIdNumber"}),
    "CustomerDependent": frozenset({"SSN", "DriversLicense"}),
}
"""Dropped at the edge: never decoded, stored or logged."""
_NAMESPACE = "http://www.WSAPI.AMS360.com/v3.0"
_REQUIRED = (
    "Login", "CustomerGetListByNamePrefix", "CustomerGetById", "CustomerContactGetList", "CustomerDependentGetList",
    "PolicyGetListByCustomerId", "PolicyGet", "EmployeeGetListAll",
)  # fmt: skip
_UNITS = {
    "division": ("GLDivisionGetListAll", "GLDivisionList", "GLDivisionCode"),
    "branch": ("GLBranchGetListAll", "GLBranchList", "GLBranchCode"),
    "department": ("GLDepartmentGetListAll", "GLDepartmentList", "GLDepartmentCode"),
    "group": ("GLGroupGetListAll", "GLGroupList", "GLGroupCode"),
}


@dataclass(frozen=True, slots=True)
class Ams360Connection:
    """How to reach one agency's AMS360."""

    wsdl: str
    agency_no: str
    login_id: str
    password: str = field(repr=False)
    employee_code: str = ""
    max_concurrency: int = 8
    calls_per_second: float | None = None
    timeout_seconds: float = 60.0
    cache_folder: Path | None = None
    shared: AcrossProcesses | None = field(default=None, repr=False, compare=False)


class Ams360Refused(DataError):
    """AMS360 answers a read by key with a business fault, or with nothing: most often the record is gone.

    Attributes:
        fault: what it said, or None where it answered with nothing.
    """

    def __init__(self, message: str, fault: BusinessFault | None = None) -> None:
        super().__init__(message)
        self.fault = fault


class Ams360:
    """One agency's AMS360; get one from `open_ams360`."""

    def __init__(self, connection: Ams360Connection, contract: Contract, transport: SoapTransport) -> None:
        self._contract = contract
        self._client = SoapClient(
            contract,
            transport,
            _Ams360Session(connection),
            SECRETS,
            shared_gate(connection.shared, connection.password),
            ticket_of(connection.shared, _identity(connection)),
        )

    @property
    def counts(self) -> CallCounts:
        """What was asked so far."""
        return self._client.counts

    def restart_counts(self) -> None:
        """Begin to count again, for the next use of a client that stays open."""
        self._client.restart_counts()

    async def customers_by_prefix(self, prefix: str) -> Listing:
        """CustomerInfo rows whose LastName, FirmName or DoingBusinessAs begins so; all types, inactive included."""
        return await self._list("CustomerGetListByNamePrefix", "CustomerInfoList", "CustomerId", NamePrefix=prefix)

    async def customer(self, customer_id: str) -> Record:
        """The Customer.

        Raises:
            Ams360Refused: it is gone, or may not be read.
        """
        return await self._one("CustomerGetById", "Customer", CustomerId=customer_id)

    async def customer_to_change(self, customer_id: str) -> Record:
        """The whole Customer, its tax number included, because CustomerUpdate clears what it is not given.

        Only for writing it back at once: never store or log it.

        Raises:
            Ams360Refused: it is gone, or may not be read.
        """
        return await self._one("CustomerGetById", "Customer", whole=True, CustomerId=customer_id)

    async def customer_by_number(self, number: int) -> Record:
        """The Customer of that CustomerNumber.

        Raises:
            Ams360Refused: there is none.
        """
        return await self._one("CustomerGetByNumber", "Customer", CustomerNumber=number)

    async def customer_contacts(self, customer_id: str) -> Listing:
        """The customer's CustomerContacts."""
        return await self._list(
            "CustomerContactGetList", "CustomerContactList", "CustomerContactId", CustomerId=customer_id
        )

    async def customer_dependents(self, customer_id: str) -> Listing:
        """The customer's CustomerDependents, without SSN and driver's licence."""
        return await self._list(
            "CustomerDependentGetList", "CustomerDependentList", "DependentId", CustomerId=customer_id
        )

    async def policies(self, customer_id: str) -> Listing:
        """The customer's PolicyInfo rows: every status and sub-type, for the rules to choose from."""
        return await self._list(
            "PolicyGetListByCustomerId",
            "PolicyInfoList",
            "PolicyId",
            CustomerId=customer_id,
            IncludeMultiEntity=True,
            IncludeAccountingSubType=True,
            IncludeSubmissionSubType=True,
            IncludePolicySubType=True,
        )

    async def policy(self, policy_id: str) -> Record:
        """The Policy with its lines of business, as of the last endorsement.

        Raises:
            Ams360Refused: it is gone, or may not be read.
        """
        return await self._one("PolicyGet", "Policy", PolicyId=policy_id)

    async def employees(self) -> Listing:
        """All EmployeeInfo rows, departed ones included."""
        return await self._list("EmployeeGetListAll", "EmployeeInfoList", "EmployeeCode")

    async def companies(self) -> Listing:
        """All CompanyInfo rows (carriers)."""
        return await self._list("CompanyGetListAll", "CompanyInfoList", "CompanyCode")

    async def business_units(self, kind: str) -> Listing:
        """All GL units of a kind: `division`, `branch`, `department` or `group`."""
        operation, member, key = _UNITS[kind]
        return await self._list(operation, member, key)

    async def lines_of_business(self) -> Listing:
        """All LineOfBusinessInfo rows."""
        return await self._list("LineOfBusinessGetAllList", "LineOfBusinessInfoList", "LineOfBusinessCode")

    async def read(self, operation: str, **arguments: Any) -> Decoded:
        """Any operation that changes nothing, retried where that helps.

        Raises:
            TransientError: no answer after several tries.
            PermanentError: a fault; for a missing right it says which.
            ConfigError: the login is refused.
        """
        return await self._client.read(operation, arguments)

    async def write(self, operation: str, **arguments: Any) -> Decoded:
        """An operation that changes something, sent once; records and lists as reads give them.

        Raises:
            ReplyLost: it may have been carried out.
            TransientError: it surely was not.
            PermanentError: a fault.
            DataError: the arguments do not fit the contract.
        """
        return await self._client.write(operation, arguments)

    async def probe(self) -> list[Probe]:
        """Ask one cheap question of every kind that a sync asks, and compare the clocks."""
        nobody = "00000000-0000-0000-0000-000000000000"
        questions: list[tuple[str, dict[str, Any]]] = [
            ("AgencyInfoGet", {}),
            ("EmployeeGetListAll", {}),
            ("CompanyGetListAll", {}),
            *((operation, {}) for operation, _, _ in _UNITS.values()),
            ("LineOfBusinessGetAllList", {}),
            ("CustomerGetListByNamePrefix", {"NamePrefix": "Q"}),
            ("CustomerGetById", {"CustomerId": nobody}),
            ("CustomerGetByNumber", {"CustomerNumber": "1"}),
            ("CustomerContactGetList", {"CustomerId": nobody}),
            ("CustomerDependentGetList", {"CustomerId": nobody}),
            ("PolicyGetListByCustomerId", {"CustomerId": nobody}),
            ("PolicyGet", {"PolicyId": nobody}),
        ]
        found = []
        for operation, arguments in questions:
            try:
                await self.read(operation, **arguments)
            except LoginRefused:
                raise
            except BusinessFault:
                found.append(Probe(operation, True, "allowed (nothing there)"))
            except AmsEtlError as error:
                found.append(failed(operation, error))
            else:
                found.append(Probe(operation, True, "allowed"))
        found.append(compare_with_built(self._contract, "ams360"))
        found.append(compare_clocks(self._client.last_date))
        return found

    async def _list(self, operation: str, member: str, key: str, **arguments: Any) -> Listing:
        decoded = await self._client.read(operation, arguments)
        return with_keys((decoded.value or {}).get(member) or [], key, decoded.rejected)

    async def _one(self, operation: str, member: str, *, whole: bool = False, **arguments: Any) -> Record:
        try:
            decoded = await self._client.read(operation, arguments, whole=whole)
        except BusinessFault as fault:
            raise Ams360Refused(str(fault), fault) from None
        if decoded.rejected:
            raise DataError(f"{operation}: {decoded.rejected[0].reason}")
        record: Record | None = (decoded.value or {}).get(member)
        if record is None:
            raise Ams360Refused(f"{operation}: the answer is empty")
        for name, asked in arguments.items():
            if str(record.get(name)).lower() != str(asked).lower():
                raise DataError(f"{operation}: the answer's {name} is not the one that was asked for")
        return record


class _Ams360Session:
    """Login answers with a ticket in its own SOAP header, and every other request carries it in the same place."""

    def __init__(self, connection: Ams360Connection) -> None:
        self._connection = connection

    async def log_in(self, client: SoapClient) -> str:
        connection = self._connection
        try:
            root = await client.call_without_session(
                "Login",
                {
                    "AgencyNo": connection.agency_no,
                    "LoginId": connection.login_id,
                    "Password": connection.password,
                    "EmployeeCode": connection.employee_code,
                },
            )
        except SecurityFault as fault:
            raise LoginRefused(
                f"AMS360 refuses the login {connection.login_id!r} of agency {connection.agency_no} "
                f"({fault.reason}): check ams360.agency_no, ams360.login_id and the environment variable that "
                "ams360.password_env names, in agencies.yaml, against AMS360's Administration > Web Service API"
            ) from None
        ticket = root.findtext(f".//{{{_NAMESPACE}}}WSAPISession/{{{_NAMESPACE}}}Ticket")
        if not ticket:
            raise ConfigError("Login: the answer's header has no WSAPISession/Ticket; is this AMS360's WSAPI v3?")
        return str(ticket)

    def header_xml(self, ticket: str) -> str:
        return (
            f'<s:Header><WSAPISession xmlns="{_NAMESPACE}"><Ticket>{text_of(ticket)}</Ticket></WSAPISession></s:Header>'
        )

    def headers(self, ticket: str) -> dict[str, Any]:
        return {"WSAPISession": {"Ticket": ticket}}

    async def refuses_ticket(self, fault: SoapFault, ticket: str) -> bool:
        del ticket
        return isinstance(fault, SecurityFault)

    def may_pass(self, operation: str, fault: SoapFault) -> bool:
        del operation
        return isinstance(fault, GeneralFault)

    def denied(self, operation: str, fault: SoapFault) -> PermanentError:
        return PermanentError(
            f"AMS360 refuses {operation} although the login works ({fault.reason}): grant it to this login in AMS360 "
            "under Administration > Web Service API > Entity Access"
        )


def _identity(connection: Ams360Connection) -> str:
    """Return all that decides whose session a login begins."""
    return "\n".join(
        (connection.wsdl, connection.agency_no, connection.login_id, connection.employee_code, connection.password)
    )


@lru_cache(maxsize=4)
def _contract(wsdl: str, cache_folder: Path | None, timeout_seconds: float) -> Contract:
    """Read once a process: a run opens AMS360 for the reference lists and again for the customers."""
    return Contract(wsdl, cache_folder=cache_folder, required=_REQUIRED, timeout_seconds=timeout_seconds)


@asynccontextmanager
async def open_ams360(connection: Ams360Connection) -> AsyncIterator[Ams360]:
    """An agency's AMS360, its connections closed afterwards.

    Raises:
        ConfigError: the WSDL is not AMS360's.
        TransientError: the server does not answer.
    """
    contract = await asyncio.to_thread(_contract, connection.wsdl, connection.cache_folder, connection.timeout_seconds)
    async with SoapTransport(
        contract.endpoint,
        max_concurrency=connection.max_concurrency,
        calls_per_second=connection.calls_per_second,
        timeout_seconds=connection.timeout_seconds,
        slots=slots_of(connection.shared),
    ) as transport:
        yield Ams360(connection, contract, transport)
