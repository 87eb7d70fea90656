"""BenefitPoint over LoginV2 and BrokerConnectV4: typed reads, and writes that are sent once.

Payloads are dicts keyed by BenefitPoint's own member names, JSON unchanged; `SECRETS` never leave the decoder.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from ams_etl.errors import DataError, PermanentError
from ams_etl.sources.benefitpoint.session import BenefitPointSession, is_refusal
from ams_etl.sources.calling.across_processes import AcrossProcesses, shared_gate, slots_of
from ams_etl.sources.calling.answers import Decoded, Listing, Record, Rejected, with_keys
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.faults import SoapFault
from ams_etl.sources.calling.login_gate import LoginGate
from ams_etl.sources.calling.probe import Probe, compare_clocks, probed
from ams_etl.sources.soap.client import SoapClient
from ams_etl.sources.soap.contract import Contract
from ams_etl.sources.soap.outline import compare_with_built
from ams_etl.sources.soap.published_address import is_usable
from ams_etl.sources.soap.transport import SoapTransport

SECRETS = {
    "PersonInfo": frozenset({"ssn"}),
    "RoleSpecificInformation": frozenset({"ssn"}),
    "CommonGroupAccountInfo": frozenset({"taxpayerID"}),
    "AgencyInfo": frozenset({"taxPayerID"}),
    "License": frozenset({"licenseNumber"}),
    # A custom field may be declared to hold an SSN, and its value does not say so.
    "CustomFieldValue": frozenset({"valueText"}),
}
"""Dropped at the edge: never decoded, stored or logged."""
LONGEST_WINDOW = timedelta(days=30)
"""How far back findChanges is ever asked; whoever was away longer reads everything."""
_REQUIRED = ("findAccounts", "getAccount", "findAccountContacts", "findProducts", "getProduct", "findChanges")
_LOGIN_REQUIRED = ("login", "echo", "logout")


@dataclass(frozen=True, slots=True)
class BenefitPointConnection:
    """How to reach one agency's BenefitPoint."""

    wsdl: str
    login_wsdl: str
    username: str
    password: str = field(repr=False)
    endpoint: str | None = None
    """Where BrokerConnect answers; None takes the WSDL's address, or the one beside the WSDL where that cannot be reached."""
    login_endpoint: str | None = None
    """Where LoginV2 answers; None as for `endpoint`."""
    max_concurrency: int = 4
    calls_per_second: float | None = None
    timeout_seconds: float = 60.0
    cache_folder: Path | None = None
    shared: AcrossProcesses | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ResultError:
    """One of a refused write's reasons; `code` is BenefitPoint's ErrorCode, such as `Validation_Error`."""

    code: str
    message: str


class WriteRefused(PermanentError):
    """BenefitPoint understood a write and did not carry it out.

    Attributes:
        errors: its reasons.
    """

    def __init__(self, operation: str, errors: tuple[ResultError, ...]) -> None:
        self.errors = errors
        reasons = "; ".join(f"{error.code}: {error.message}" for error in errors) or "without a reason"
        super().__init__(f"{operation} was refused: {reasons}")


class BenefitPointRefused(DataError):
    """BenefitPoint refuses a read by id: the record is gone, or not ours to see; it does not say which.

    Any other fault of a read is a `SoapFault`, which is raised after several tries.

    Attributes:
        fault: what it said, or None where it answered with nothing.
    """

    def __init__(self, message: str, fault: SoapFault | None = None) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Changes:
    """What findChanges tells: ids by kind (`Account`, `Account_Contact`, `Product`, `User`).

    `asked_at` is the server's time when it began to look: the next question's `since`, less an overlap.
    """

    asked_at: datetime
    modified: Mapping[str, frozenset[int]]
    deleted: Mapping[str, frozenset[int]]


class BenefitPoint:
    """One agency's BenefitPoint; get one from `open_benefitpoint`."""

    def __init__(
        self,
        contract: Contract,
        transport: SoapTransport,
        session: BenefitPointSession,
        gate: tuple[LoginGate, str] | None = None,
    ) -> None:
        self._contract = contract
        self._client = SoapClient(contract, transport, session, SECRETS, gate)

    @property
    def counts(self) -> CallCounts:
        """What was asked so far, logins aside."""
        return self._client.counts

    async def accounts(self, *, name: str | None = None, active: bool | None = None) -> Listing:
        """AccountSummary rows of all classifications; they carry no link to AMS360.

        Args:
            name: only those whose name holds this.
            active: only these; None for both.
        """
        return await self._keyed(
            "findAccounts", "result", "accountID", criteria={"accountNameMatch": name, "active": active}
        )

    async def account(self, account_id: int) -> Record:
        """The Account, without SSNs and tax ids.

        Raises:
            BenefitPointRefused: it is gone, or may not be seen.
        """
        return await self._one("getAccount", "account", accountID=account_id)

    async def account_to_change(self, account_id: int) -> Record:
        """The whole Account, its tax ids included, because updateAccount replaces what it is not given.

        Only for writing it back at once: never store or log it.

        Raises:
            BenefitPointRefused: it is gone, or may not be seen.
        """
        return await self._one("getAccount", "account", whole=True, accountID=account_id)

    async def contacts(self, account_id: int) -> Listing:
        """The account's AccountContact records.

        Raises:
            BenefitPointRefused: the account is gone, or may not be seen.
        """
        listing = await self._list("findAccountContacts", "contacts", criteria={"accountID": str(account_id)})
        found = [record for record in listing.records if (record.get("contact") or {}).get("contactID")]
        without = len(listing.records) - len(found)
        missing = [Rejected("AccountContact", None, "contact.contactID is missing")] * min(without, 1)
        return Listing(found, [*listing.rejected, *missing])

    async def contact(self, contact_id: int) -> Record:
        """The AccountContact.

        Raises:
            BenefitPointRefused: it is gone, or may not be seen.
        """
        return await self._one("getAccountContact", "contact", contactID=contact_id)

    async def products(self, account_id: int) -> Listing:
        """The account's ProductSummary rows (its plans); they carry no link to AMS360.

        Raises:
            BenefitPointRefused: the account is gone, or may not be seen.
        """
        return await self._keyed("findProducts", "summaries", "productID", criteria={"accountID": account_id})

    async def product(self, product_id: int) -> Record:
        """The Product; the contract spells its `continousPolicy` so.

        Raises:
            BenefitPointRefused: it is gone, or may not be seen.
        """
        return await self._one("getProduct", "result", productID=product_id)

    async def product_types(self) -> Listing:
        """All ProductType records."""
        return await self._keyed("getProductTypes", "productTypes", "productTypeID")

    async def offices(self) -> Listing:
        """All Office records."""
        return await self._keyed("findOffices", "offices", "officeID", criteria={})

    async def users(self) -> Listing:
        """All UserSummary rows."""
        return await self._keyed("findUsers", "summaries", "ID", criteria={})

    async def carriers(self) -> Listing:
        """All CarrierSummary rows."""
        return await self._keyed("getAvailableCarriers", "carriers", "carrierID")

    async def changes(self, since: datetime) -> Changes:
        """What was changed or deleted since a moment.

        Args:
            since: with a zone, at most `LONGEST_WINDOW` ago by our clock.

        Raises:
            ValueError: it is longer ago: read everything instead.
        """
        if datetime.now(UTC) - since > LONGEST_WINDOW:
            raise ValueError(f"findChanges looks back {LONGEST_WINDOW.days} days at most")
        moment = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
        decoded = await self._client.read("findChanges", {"criteria": {"sinceLastModifiedOn": moment}})
        if decoded.rejected:
            raise DataError(f"findChanges: {decoded.rejected[0].reason}")
        found = (decoded.value or {}).get("changes")
        if found is None:
            raise DataError("findChanges: the answer is empty")
        return Changes(
            datetime.fromisoformat(found["processStartedOn"]).replace(tzinfo=UTC),
            _by_kind(found["modifications"]),
            _by_kind(found["deletions"]),
        )

    async def create_account(self, account: Mapping[str, Any]) -> int:
        """Create an Account and give its accountID.

        Raises:
            WriteRefused: with BenefitPoint's reasons.
            ReplyLost: it may have been created.
            TransientError: it surely was not.
            DataError: the record does not fit the contract.
        """
        return await self._write("createAccount", account=account)

    async def update_account(self, account: Mapping[str, Any]) -> int:
        """Replace an Account: give the whole of it, from `account_to_change`. Raises as `create_account`."""
        return await self._write("updateAccount", update=account)

    async def create_contact(self, contact: Mapping[str, Any]) -> int:
        """Create an AccountContact and give its contactID. Raises as `create_account`."""
        return await self._write("createAccountContact", contact=contact)

    async def update_contact(self, contact: Mapping[str, Any]) -> int:
        """Replace an AccountContact. Raises as `create_account`."""
        return await self._write("updateAccountContact", update=contact)

    async def create_product(self, product: Mapping[str, Any], attribute_view_level_id: int = 1) -> int:
        """Create a Product with standard attributes and give its productID. Raises as `create_account`."""
        options = {"AttributeValueOptions": {"standard": True}, "attributeViewLevelID": attribute_view_level_id}
        return await self._write("createProduct", product=product, planConfigurationOptions=options)

    async def probe(self) -> list[Probe]:
        """Ask one cheap question of every kind that a sync asks, as far as they need no id."""
        found = [
            await probed("findOffices", self.offices()),
            await probed("findUsers", self.users()),
            await probed("getAvailableCarriers", self.carriers()),
            await probed("getProductTypes", self.product_types()),
            await probed("findAccounts", self.accounts(name="\u2063")),
            await probed("findChanges", self.changes(datetime.now(UTC) - timedelta(minutes=1))),
        ]
        return [*found, compare_with_built(self._contract, "benefitpoint"), compare_clocks(self._client.last_date)]

    async def _keyed(self, operation: str, member: str, key: str, **arguments: Any) -> Listing:
        listing = await self._list(operation, member, **arguments)
        return with_keys(listing.records, key, listing.rejected)

    async def _list(self, operation: str, member: str, **arguments: Any) -> Listing:
        decoded = await self._read(operation, arguments)
        return Listing(decoded.value[member] if decoded.value else [], decoded.rejected)

    async def _one(self, operation: str, member: str, *, whole: bool = False, **arguments: Any) -> Record:
        decoded = await self._read(operation, arguments, whole=whole)
        if decoded.rejected:
            raise DataError(f"{operation}: {decoded.rejected[0].reason}")
        record: Record | None = decoded.value[member] if decoded.value else None
        if record is None:
            raise BenefitPointRefused(f"{operation}: the answer is empty")
        return record

    async def _read(self, operation: str, arguments: Mapping[str, Any], *, whole: bool = False) -> Decoded:
        try:
            return await self._client.read(operation, arguments, whole=whole)
        except SoapFault as fault:
            if is_refusal(fault):
                raise BenefitPointRefused(str(fault), fault) from None
            raise

    async def _write(self, operation: str, **arguments: Any) -> int:
        decoded = await self._client.write(operation, arguments)
        result = (decoded.value or {}).get("result") or {}
        errors = tuple(ResultError(error["errorCode"], error["message"] or "") for error in result.get("errors") or ())
        if not result.get("success") or errors or result.get("ID") is None:
            raise WriteRefused(operation, errors)
        return int(result["ID"])


def _by_kind(rows: list[Record]) -> dict[str, frozenset[int]]:
    kinds = {row["entityType"] for row in rows}
    return {kind: frozenset(row["entityID"] for row in rows if row["entityType"] == kind) for kind in kinds}


def endpoint_of(wsdl: str) -> str:
    """Where a service answers: `…/NAME.wsdl` lies beside `…/services/NAMESOAP`; `…?wsdl` is the address itself."""
    address, _, query = wsdl.partition("?")
    folder, _, name = address.rpartition("/")
    if query or not name.endswith(".wsdl"):
        return address
    return f"{folder}/services/{name.removesuffix('.wsdl')}SOAP"


@lru_cache(maxsize=4)
def _contracts(
    wsdls: tuple[str, str], endpoints: tuple[str | None, str | None], cache_folder: Path | None, timeout_seconds: float
) -> tuple[Contract, Contract]:
    """Read the broker's and the login's WSDL, once per process: the broker's is a big one."""
    broker, login = (
        Contract(
            wsdl,
            cache_folder=cache_folder,
            required=required,
            timeout_seconds=timeout_seconds,
            endpoint=endpoint or partial(_chosen, wsdl),
        )
        for wsdl, endpoint, required in zip(wsdls, endpoints, (_REQUIRED, _LOGIN_REQUIRED), strict=True)
    )
    return broker, login


def _chosen(wsdl: str, published: str | None) -> str:
    return published if published and is_usable(published, wsdl) else endpoint_of(wsdl)


@asynccontextmanager
async def open_benefitpoint(connection: BenefitPointConnection) -> AsyncIterator[BenefitPoint]:
    """An agency's BenefitPoint, logged out and its connections closed afterwards.

    Raises:
        ConfigError: a WSDL is not BenefitPoint's.
        TransientError: the server does not answer.
    """
    contract, login_contract = await asyncio.to_thread(
        _contracts,
        (connection.wsdl, connection.login_wsdl),
        (connection.endpoint, connection.login_endpoint),
        connection.cache_folder,
        connection.timeout_seconds,
    )
    open_transport = partial(
        SoapTransport, calls_per_second=connection.calls_per_second, timeout_seconds=connection.timeout_seconds
    )
    slots = slots_of(connection.shared)
    # A session is logged out in the end, so each process has one of its own: `shared` has no ticket of BenefitPoint.
    async with (
        open_transport(login_contract.endpoint, max_concurrency=1) as login,
        open_transport(contract.endpoint, max_concurrency=connection.max_concurrency, slots=slots) as transport,
    ):
        session = BenefitPointSession(connection.username, connection.password, login_contract, login, contract)
        try:
            yield BenefitPoint(contract, transport, session, shared_gate(connection.shared, connection.password))
        finally:
            await session.log_out()
