"""AMS360 over WSAPI v3: typed reads, and writes that are sent once.

Payloads are dicts keyed by AMS360's own member names, JSON as they stand; `SECRETS` never leave the decoder.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from ams_etl.errors import AmsEtlError, ConfigError, DataError, PermanentError, TransientError
from ams_etl.sources.soap.contract import Contract
from ams_etl.sources.soap.decoder import Decoded, Decoder, Record, Rejected, parse
from ams_etl.sources.soap.faults import BusinessFault, SecurityFault, fault_in
from ams_etl.sources.soap.template import RequestTemplate
from ams_etl.sources.soap.transport import CallCounts, Reply, SoapTransport

_log = logging.getLogger(__name__)
SECRETS = frozenset({"FederalTaxIdNumber", "SSN", "DriversLicense"})
"""Dropped at the edge: never decoded, stored or logged."""
_NAMESPACE = "http://www.WSAPI.AMS360.com/v3.0"
_REQUIRED = (
    "Login", "CustomerGetListByNamePrefix", "CustomerGetById", "CustomerContactGetList", "CustomerDependentGetList",
    "PolicyGetListByCustomerId", "PolicyGet", "EmployeeGetListAll",
)  # fmt: skip
_UNITS = {
    "division": ("GLDivisionGetListAll", "GLDivisionList"),
    "branch": ("GLBranchGetListAll", "GLBranchList"),
    "department": ("GLDepartmentGetListAll", "GLDepartmentList"),
    "group": ("GLGroupGetListAll", "GLGroupList"),
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


class Refused(DataError):
    """AMS360 answers a read by key with a business fault, or with nothing: most often the record is gone."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The records of a list, and those of them that could not be read."""

    records: list[Record]
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether one operation works for this login."""

    operation: str
    ok: bool
    message: str


class Ams360:
    """One agency's AMS360; get one from `open_ams360`."""

    def __init__(self, connection: Ams360Connection, contract: Contract, transport: SoapTransport) -> None:
        self._connection = connection
        self._contract = contract
        self._transport = transport
        self._decoder = Decoder(contract, drop=SECRETS)
        self._templates: dict[str, RequestTemplate] = {}
        self._ticket: str | None = None
        self._header = ""
        self._logging_in = asyncio.Lock()

    @property
    def counts(self) -> CallCounts:
        """What was asked so far."""
        return self._transport.counts

    async def customers_by_prefix(self, prefix: str) -> Listing:
        """CustomerInfo rows whose LastName, FirmName or DoingBusinessAs begins so; all types, inactive included."""
        return await self._list("CustomerGetListByNamePrefix", "CustomerInfoList", NamePrefix=prefix)

    async def customer(self, customer_id: str) -> Record:
        """The Customer.

        Raises:
            Refused: it is gone, or may not be read.
        """
        return await self._one("CustomerGetById", "Customer", CustomerId=customer_id)

    async def customer_by_number(self, number: int) -> Record:
        """The Customer of that CustomerNumber.

        Raises:
            Refused: there is none.
        """
        return await self._one("CustomerGetByNumber", "Customer", CustomerNumber=number)

    async def customer_contacts(self, customer_id: str) -> Listing:
        """The customer's CustomerContacts."""
        return await self._list("CustomerContactGetList", "CustomerContactList", CustomerId=customer_id)

    async def customer_dependents(self, customer_id: str) -> Listing:
        """The customer's CustomerDependents, without SSN and driver's licence."""
        return await self._list("CustomerDependentGetList", "CustomerDependentList", CustomerId=customer_id)

    async def policies(self, customer_id: str) -> Listing:
        """The customer's PolicyInfo rows: every status and sub-type, for the rules to choose from."""
        return await self._list(
            "PolicyGetListByCustomerId",
            "PolicyInfoList",
            CustomerId=customer_id,
            IncludeMultiEntity=True,
            IncludeAccountingSubType=True,
            IncludeSubmissionSubType=True,
            IncludePolicySubType=True,
        )

    async def policy(self, policy_id: str) -> Record:
        """The Policy with its lines of business, as of the last endorsement.

        Raises:
            Refused: it is gone, or may not be read.
        """
        return await self._one("PolicyGet", "Policy", PolicyId=policy_id)

    async def employees(self) -> Listing:
        """All EmployeeInfo rows, departed ones included."""
        return await self._list("EmployeeGetListAll", "EmployeeInfoList")

    async def companies(self) -> Listing:
        """All CompanyInfo rows (carriers)."""
        return await self._list("CompanyGetListAll", "CompanyInfoList")

    async def business_units(self, kind: str) -> Listing:
        """All GL units of a kind: `division`, `branch`, `department` or `group`."""
        operation, member = _UNITS[kind]
        return await self._list(operation, member)

    async def lines_of_business(self) -> Listing:
        """All LineOfBusinessInfo rows."""
        return await self._list("LineOfBusinessGetAllList", "LineOfBusinessInfoList")

    async def read(self, operation: str, **arguments: Any) -> Decoded:
        """Any operation that changes nothing, retried where that is safe.

        Raises:
            TransientError: no answer after several tries.
            PermanentError: a fault; for a missing right it says which.
        """
        template = self._templates.get(operation)
        if template is None:
            template = self._templates[operation] = RequestTemplate(self._contract, operation)
        action = self._contract.operation(operation).action
        used = ""

        async def envelope() -> bytes:
            nonlocal used
            used = await self._current_ticket()
            return template.render(arguments, self._header)

        def understand(reply: Reply) -> Decoded:
            return self._understand(operation, reply)

        try:
            return await self._transport.read(operation, action, envelope, understand)
        except SecurityFault:
            await self._renew(used)
        try:
            return await self._transport.read(operation, action, envelope, understand)
        except SecurityFault as fault:
            raise _right_denied(operation, fault) from None

    async def write(self, operation: str, **arguments: Any) -> Decoded:
        """An operation that changes something, sent once; only a refused ticket is worth a second try.

        Raises:
            ReplyLost: it may have been carried out.
            TransientError: it surely was not.
            PermanentError: a fault.
        """
        action = self._contract.operation(operation).action
        wrapper = self._contract.operation(operation).wrapper
        for attempt in (1, 2):
            ticket = await self._current_ticket()
            wrapped = {wrapper.name: arguments} if wrapper is not None else {}
            message = self._contract.message(operation, wrapped, {"WSAPISession": {"Ticket": ticket}})
            reply = await self._transport.write(operation, action, message)
            try:
                return self._understand(operation, reply)
            except SecurityFault as fault:
                if attempt == 2:
                    raise _right_denied(operation, fault) from None
                await self._renew(ticket)
        raise AssertionError("the second attempt returns or raises")

    async def probe(self) -> list[Probe]:
        """Ask one cheap question of every kind that a sync asks, and compare the clocks."""
        nobody = "00000000-0000-0000-0000-000000000000"
        questions: list[tuple[str, dict[str, Any]]] = [
            ("AgencyInfoGet", {}),
            ("EmployeeGetListAll", {}),
            ("CompanyGetListAll", {}),
            *((operation, {}) for operation, _ in _UNITS.values()),
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
            except BusinessFault:
                found.append(Probe(operation, True, "allowed (nothing there)"))
            except AmsEtlError as error:
                found.append(Probe(operation, False, str(error)))
            else:
                found.append(Probe(operation, True, "allowed"))
        found.append(self._compare_clocks())
        return found

    def _compare_clocks(self) -> Probe:
        if self._last_date is None:
            return Probe("clock", True, "the server does not tell its time")
        off = (datetime.now(UTC) - parsedate_to_datetime(self._last_date)).total_seconds()
        return Probe("clock", abs(off) < 120, f"our clock is {off:+.0f} s from the server's")

    _last_date: str | None = None

    async def _list(self, operation: str, member: str, **arguments: Any) -> Listing:
        decoded = await self.read(operation, **arguments)
        return Listing((decoded.value or {}).get(member) or [], decoded.rejected)

    async def _one(self, operation: str, member: str, **arguments: Any) -> Record:
        try:
            decoded = await self.read(operation, **arguments)
        except BusinessFault as fault:
            raise Refused(str(fault)) from None
        record: Record | None = (decoded.value or {}).get(member)
        if decoded.rejected:
            raise DataError(f"{operation}: {decoded.rejected[0].reason}")
        if record is None:
            raise Refused(f"{operation}: the answer is empty")
        return record

    def _understand(self, operation: str, reply: Reply) -> Decoded:
        self._last_date = reply.date
        if reply.status == 200:
            decoded_or_fault = self._decode_or_fault(operation, reply.body)
            if isinstance(decoded_or_fault, Decoded):
                return decoded_or_fault
            raise decoded_or_fault
        if not reply.body:
            raise TransientError(f"the server answers {reply.status} with nothing")
        fault = fault_in(operation, parse(reply.body))
        raise fault or PermanentError(f"{operation}: the server answers {reply.status}, without a SOAP fault")

    def _decode_or_fault(self, operation: str, body: bytes) -> Decoded | AmsEtlError:
        try:
            return self._decoder.decode(operation, body)
        except DataError as error:
            return fault_in(operation, parse(body)) or error

    async def _current_ticket(self) -> str:
        if self._ticket is None:
            await self._renew(None)
        if self._ticket is None:
            raise AssertionError("a login that did not raise gave a ticket")
        return self._ticket

    async def _renew(self, dead: str | None) -> None:
        """Log in unless somebody else did meanwhile: one login in flight."""
        async with self._logging_in:
            if self._ticket != dead:
                return
            self._ticket = await self._login()
            self._header = f'<s:Header><WSAPISession xmlns="{_NAMESPACE}"><Ticket>{self._ticket}</Ticket></WSAPISession></s:Header>'

    async def _login(self) -> str:
        connection = self._connection
        message = self._contract.message(
            "Login",
            {
                "Request": {
                    "AgencyNo": connection.agency_no,
                    "LoginId": connection.login_id,
                    "Password": connection.password,
                    "EmployeeCode": connection.employee_code,
                }
            },
            None,
        )

        async def envelope() -> bytes:
            return message

        self.counts.logins += 1
        try:
            return await self._transport.read("Login", self._contract.operation("Login").action, envelope, _ticket_in)
        except SecurityFault as fault:
            raise ConfigError(
                f"AMS360 refuses the login {connection.login_id!r} of agency {connection.agency_no} "
                f"({fault.reason}): check agency_no, login_id and the password in AMS360 under Administration > "
                "Web Service API"
            ) from None


def _ticket_in(reply: Reply) -> str:
    root = parse(reply.body)
    fault = fault_in("Login", root)
    if fault is not None:
        raise fault
    ticket = root.findtext(f".//{{{_NAMESPACE}}}WSAPISession/{{{_NAMESPACE}}}Ticket")
    if not ticket:
        raise DataError("Login: the answer's header has no WSAPISession/Ticket; is this AMS360's WSAPI v3?")
    from xml.sax.saxutils import escape

    return escape(str(ticket))


def _right_denied(operation: str, fault: SecurityFault) -> PermanentError:
    return PermanentError(
        f"AMS360 refuses {operation} although the login works ({fault.reason}): grant it to this login in AMS360 "
        "under Administration > Web Service API > Entity Access"
    )


@asynccontextmanager
async def open_ams360(connection: Ams360Connection) -> AsyncIterator[Ams360]:
    """An agency's AMS360, its connections closed afterwards.

    Raises:
        ConfigError: the WSDL is not AMS360's.
        TransientError: the server does not answer.
    """
    started = time.monotonic()
    contract = await asyncio.to_thread(
        Contract,
        connection.wsdl,
        cache_folder=connection.cache_folder,
        required=_REQUIRED,
        timeout_seconds=connection.timeout_seconds,
    )
    _log.debug("contract read in %.2f s", time.monotonic() - started)
    async with SoapTransport(
        contract.endpoint,
        max_concurrency=connection.max_concurrency,
        calls_per_second=connection.calls_per_second,
        timeout_seconds=connection.timeout_seconds,
    ) as transport:
        yield Ams360(connection, contract, transport)


def run(work: Any) -> Any:
    """Run a coroutine to its end, on uvloop where there is one."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)
