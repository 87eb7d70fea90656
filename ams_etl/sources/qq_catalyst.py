"""QQ Catalyst's API, version 1: typed reads.

Contacts and policies come in windows of days and in pages; agent and CSR are only in each contact's AccountInfo,
one call per contact. AccountInfo also carries the login of a customer portal, which is dropped while it is parsed.

QQ Catalyst reports some errors with status 200: in the header QQ-Error-Message, or by IsSuccess or ErrorCode in the body.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from ams_etl.errors import ConfigError, DataError, LoginRefused
from ams_etl.scrubbing import scrubbed
from ams_etl.sources.calling.answers import Rejected
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.login_gate import LoginGate, gate_of
from ams_etl.sources.calling.probe import Probe, compare_clocks, probed
from ams_etl.sources.calling.source_record import SourceRecord
from ams_etl.sources.rest.bearer import Bearer
from ams_etl.sources.rest.client import RestClient, RestRefused, RestResponse
from ams_etl.sources.rest.many import each
from ams_etl.sources.rest.rows import keyed_rows, too_long, whole_number
from ams_etl.sources.rest.with_login import WithLogin, open_with_login

PAGE = 500
BEGINNING = date(1990, 1, 1)
"""Nothing was changed before: a window from here holds everything."""
_DROPPED = frozenset({"UserID", "UserPassword"})
_KNOWN = frozenset((
    "Data", "PageNumber", "PagesTotal", "TotalItems", "IsSuccess", "ErrorCode", "ErrorMessage", "DisplayMessage",
    "EntityID", "CustomerNo", "ContactSubType", "Status", "LocationID", "isAPerson", "CreatedOn", "DateLastModified",
    "DOB", "DisplayName", "BusinessName", "FirstName", "MiddleName", "LastName", "PrimaryContact", "Phone",
    "PhoneType", "Email", "Line1", "Line2", "City", "State", "County", "Zip", "Country", "CustomerID", "AgentID",
    "Agent", "CsrID", "CSR", "PolicyId", "PolicyNumber", "CustomerId", "LOB", "WritingCarrier", "EffectiveDate",
    "ExpirationDate", "PriorPolicyID", "IsDeleted", "BusinessType",
))  # fmt: skip
_NOT_TRUE = frozenset({"false", "0", "no", "n", "none", "null", ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class QQCatalystConnection(WithLogin):
    """How to reach one agency's QQ Catalyst."""

    username: str
    client_id: str
    password: str = field(repr=False)
    client_secret: str = field(repr=False)
    base: str = "https://api.qqcatalyst.com/v1"
    login_base: str = "https://login.qqcatalyst.com"
    login_gate: LoginGate | None = field(default=None, repr=False)
    grant_type: Literal["password", "password_credentials"] = "password"


@dataclass(frozen=True, slots=True)
class QQCatalystPage:
    """One page of a window; every page says in `total` how many records the window holds."""

    records: list[SourceRecord]
    total: int
    rejected: list[Rejected]


class QQCatalyst:
    """One agency's QQ Catalyst; get one from `open_qq_catalyst`."""

    def __init__(self, connection: QQCatalystConnection, client: RestClient, login: RestClient) -> None:
        self._connection, self._client, self._login = connection, client, login
        self._authorization = Bearer(
            self._log_in,
            "QQ Catalyst refuses its own new token: check qq_catalyst.base and qq_catalyst.login_base in agencies.yaml",
            "QQ Catalyst refuses access to this agency: it must grant the application in QQ Catalyst's settings",
            gate_of(connection.login_gate, connection.password + connection.client_secret),
        )

    @property
    def counts(self) -> CallCounts:
        """What was asked so far, tokens aside."""
        return self._client.counts

    @property
    def logins(self) -> int:
        """How many tokens were asked for."""
        return self._login.counts.logins

    async def ping(self) -> None:
        """Check that a token can be had and is taken.

        Raises:
            ConfigError, PermanentError, TransientError: it cannot, or is not.
        """
        await self._client.ask("Ping", "/BusinessLogic/Ping", authorization=self._authorization)

    def contacts(self, start: date = BEGINNING, end: date | None = None) -> AsyncIterator[QQCatalystPage]:
        """Contact rows created or changed from `start` to `end`, deleted ones too.

        Without `end` to tomorrow: no documentation says whether the last day counts.
        """
        return self._window("Contacts", "EntityID", "EntityID", start, end)

    def policies(self, start: date = BEGINNING, end: date | None = None) -> AsyncIterator[QQCatalystPage]:
        """Policy rows created or changed from `start` to `end`, as `contacts` returns them."""
        return self._window("Policies", "PolicyId", "CustomerId", start, end)

    async def account_infos(
        self, contact_ids: Iterable[str]
    ) -> AsyncIterator[tuple[str, SourceRecord | DataError | None]]:
        """Return each contact's account information, in no order.

        None where the contact has none; the error where its answer reports one or is about somebody else.
        """
        async for found in each(contact_ids, self._account_info, self._connection.max_concurrency):
            yield found

    async def probe(self) -> list[Probe]:
        """Whether a token can be had, and what a sync asks answers."""
        tomorrow = _tomorrow()
        return [
            await probed("Ping", self.ping()),
            await probed("Contacts", _first(self.contacts(tomorrow, tomorrow))),
            await probed("Policies", _first(self.policies(tomorrow, tomorrow))),
            await probed("AccountInfo", self._account_info("0")),
            compare_clocks(self._client.last_date),
        ]

    async def _account_info(self, contact_id: str) -> tuple[str, SourceRecord | DataError | None]:
        try:
            answer = await self._client.ask(
                "AccountInfo", f"/Contacts/{int(contact_id)}/AccountInfo", authorization=self._authorization
            )
        except RestRefused as refusal:
            return contact_id, None if refusal.status == 404 else refusal
        except DataError as error:
            return contact_id, error
        if not isinstance(answer.value, dict) or whole_number(answer.value.get("CustomerID")) != int(contact_id):
            told = f"QQ Catalyst AccountInfo: expected a record with this CustomerID, got {answer.described()}"
            return contact_id, DataError(told)
        why = too_long(answer.value)
        if why is not None:
            return contact_id, DataError(f"QQ Catalyst AccountInfo: {why}")
        return contact_id, SourceRecord(contact_id, contact_id, answer.value)

    async def _window(
        self, kind: str, key: str, customer_key: str, start: date, end: date | None
    ) -> AsyncIterator[QQCatalystPage]:
        asked = {
            "startDate": start.isoformat(), "endDate": (end or _tomorrow()).isoformat(), "pageSize": PAGE,
        }  # fmt: skip
        number = 1
        while True:
            envelope = await self._page(kind, {**asked, "pageNumber": number})
            rows = envelope["Data"] or []
            total, pages = whole_number(envelope.get("TotalItems")), whole_number(envelope.get("PagesTotal"))
            if total is None:
                raise DataError(f"QQ Catalyst {kind}: TotalItems is not a number")
            records, rejected = keyed_rows(
                kind, rows, key, lambda row, own: own if customer_key == key else _owner(row, customer_key)
            )
            yield QQCatalystPage(records, total, rejected)
            last = -(-total // PAGE) if pages is None else pages
            if not rows or number >= last:
                return
            number += 1

    async def _page(self, kind: str, asked: dict[str, Any]) -> dict[str, Any]:
        answer = await self._client.ask(kind, f"/{kind}/LastModifiedCreated", asked, authorization=self._authorization)
        envelope = answer.value
        if not isinstance(envelope, dict) or not isinstance(envelope.get("Data", ""), list | None):
            raise DataError(f"QQ Catalyst {kind}: expected a page with a list Data, got {answer.described()}")
        return envelope

    async def _log_in(self) -> str:
        connection = self._connection
        given = {
            "grant_type": connection.grant_type, "username": connection.username, "password": connection.password,
            "client_id": connection.client_id, "client_secret": connection.client_secret,
        }  # fmt: skip
        try:
            answer = await self._login.ask_for_token(
                "/oauth/token", "application/x-www-form-urlencoded", urlencode(given).encode(), again=True
            )
        except RestRefused as refusal:
            raise LoginRefused(
                f"QQ Catalyst refuses a token to {connection.username!r} ({refusal.status}): check qq_catalyst.username, "
                "client_id, grant_type and the environment variables that password_env and client_secret_env name"
            ) from None
        token = answer.value.get("access_token") if isinstance(answer.value, dict) else None
        if not isinstance(token, str) or not token:
            raise ConfigError("QQ Catalyst: the token answer holds no access_token; check qq_catalyst.login_base")
        return token


def soft_error(answer: RestResponse) -> str | None:
    """Return what an answer of status 200 reports as its error, or None."""
    header = answer.header("qq-error-message")
    if header and header.strip():
        return f"QQ-Error-Message: {scrubbed(header.strip())[:200]}"
    if not isinstance(answer.value, dict):
        return None
    said = {name.lower(): value for name, value in answer.value.items()}
    code = said.get("errorcode")
    failed = "issuccess" in said and str(said["issuccess"]).strip().lower() in _NOT_TRUE
    if failed or (code is not None and str(code).strip().lower() not in _NOT_TRUE):
        return f"IsSuccess {said.get('issuccess')}, ErrorCode {scrubbed(str(code))[:40]}"
    return None


def _owner(row: Mapping[str, Any], member: str) -> str | None:
    number = whole_number(row.get(member))
    return str(number) if number else None


def _tomorrow() -> date:
    return datetime.now(UTC).date() + timedelta(days=1)


async def _first(pages: AsyncIterator[QQCatalystPage]) -> None:
    async for _ in pages:
        return


@asynccontextmanager
async def open_qq_catalyst(connection: QQCatalystConnection) -> AsyncIterator[QQCatalyst]:
    """Open an agency's QQ Catalyst, and close its connections afterwards.

    Raises:
        ConfigError: an address is not valid.
    """
    async with open_with_login(
        connection, system="QQ Catalyst", dropped=_DROPPED, known=_KNOWN, soft_error=soft_error
    ) as (client, login):
        yield QQCatalyst(connection, client, login)
