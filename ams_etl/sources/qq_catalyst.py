"""QQ Catalyst's API, version 1: typed reads.

Contacts and policies come in windows of days and in pages; agent and CSR stand only in each contact's AccountInfo,
one call a contact. AccountInfo also carries the login of a customer portal, which is dropped while it is parsed.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from ams_etl.errors import ConfigError, DataError, PermanentError
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.probe import Probe, compare_clocks, probed
from ams_etl.sources.calling.source_record import SourceRecord
from ams_etl.sources.rest.bearer import Bearer
from ams_etl.sources.rest.client import Refused, RestClient
from ams_etl.sources.rest.many import each
from ams_etl.sources.rest.with_login import WithLogin, open_with_login

PAGE = 500
BEGINNING = date(1990, 1, 1)
"""Nothing was changed before: a window from here holds everything."""
_DROPPED = frozenset({"UserID", "UserPassword"})


@dataclass(frozen=True, slots=True, kw_only=True)
class QQCatalystConnection(WithLogin):
    """How to reach one agency's QQ Catalyst."""

    username: str
    client_id: str
    password: str = field(repr=False)
    client_secret: str = field(repr=False)
    base: str = "https://api.qqcatalyst.com/v1"
    login_base: str = "https://login.qqcatalyst.com"
    grant_type: Literal["password", "password_credentials"] = "password"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a window; `total` is how many records the window holds, told with every page."""

    records: list[SourceRecord]
    total: int


class QQCatalyst:
    """One agency's QQ Catalyst; get one from `open_qq_catalyst`."""

    def __init__(self, connection: QQCatalystConnection, client: RestClient, login: RestClient) -> None:
        self._connection, self._client, self._login = connection, client, login
        self._authorization = Bearer(
            self._log_in,
            "QQ Catalyst refuses its own new token: check qq_catalyst.base and qq_catalyst.login_base in agencies.yaml",
            "QQ Catalyst refuses access to this agency: it must grant the application in QQ Catalyst's settings",
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

    def contacts(self, start: date = BEGINNING, end: date | None = None) -> AsyncIterator[Page]:
        """Contact rows created or changed from `start` to `end`, deleted ones too.

        Without `end` to tomorrow: whether the last day counts is not told.
        """
        return self._window("Contacts", "EntityID", "EntityID", start, end)

    def policies(self, start: date = BEGINNING, end: date | None = None) -> AsyncIterator[Page]:
        """Policy rows created or changed from `start` to `end`, as `contacts` gives them."""
        return self._window("Policies", "PolicyId", "CustomerId", start, end)

    async def account_infos(self, contact_ids: Iterable[str]) -> AsyncIterator[tuple[str, SourceRecord | None]]:
        """Each contact's account information, in no order; None where there is none."""
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

    async def _account_info(self, contact_id: str) -> tuple[str, SourceRecord | None]:
        try:
            answer = await self._client.ask(
                "AccountInfo", f"/Contacts/{int(contact_id)}/AccountInfo", authorization=self._authorization
            )
        except Refused as refusal:
            if refusal.status != 404:
                raise
            return contact_id, None
        if not isinstance(answer.value, dict):
            raise DataError("QQ Catalyst AccountInfo: expected a record")
        return contact_id, SourceRecord(contact_id, contact_id, answer.value)

    async def _window(
        self, kind: str, key: str, customer_key: str, start: date, end: date | None
    ) -> AsyncIterator[Page]:
        asked = {
            "startDate": start.isoformat(), "endDate": (end or _tomorrow()).isoformat(), "pageSize": PAGE,
        }  # fmt: skip
        number = 1
        while True:
            envelope = await self._page(kind, {**asked, "pageNumber": number})
            rows = envelope.get("Data") or []
            records = []
            for row in rows:
                if not isinstance(row, dict) or not isinstance(row.get(key), int):
                    raise DataError(f"QQ Catalyst {kind}: expected records with {key}")
                owner = row.get(customer_key)
                records.append(SourceRecord(str(row[key]), str(owner) if owner else None, row))
            yield Page(records, int(envelope.get("TotalItems") or 0))
            if not rows or number >= int(envelope.get("PagesTotal") or 0):
                return
            number += 1

    async def _page(self, kind: str, asked: dict[str, Any]) -> dict[str, Any]:
        answer = await self._client.ask(kind, f"/{kind}/LastModifiedCreated", asked, authorization=self._authorization)
        envelope = answer.value
        if not isinstance(envelope, dict) or "Data" not in envelope:
            raise DataError(f"QQ Catalyst {kind}: expected a page")
        if envelope.get("IsSuccess") is False:
            raise PermanentError(f"QQ Catalyst {kind}: the answer says that it failed ({envelope.get('ErrorCode')})")
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
        except Refused as refusal:
            raise ConfigError(
                f"QQ Catalyst refuses a token to {connection.username!r} ({refusal.status}): check qq_catalyst.username, "
                "client_id, grant_type and the environment variables that password_env and client_secret_env name"
            ) from None
        token = answer.value.get("access_token") if isinstance(answer.value, dict) else None
        if not isinstance(token, str) or not token:
            raise ConfigError("QQ Catalyst: the token answer holds no access_token; check qq_catalyst.login_base")
        return token


def _tomorrow() -> date:
    return datetime.now(UTC).date() + timedelta(days=1)


async def _first(pages: AsyncIterator[Page]) -> None:
    async for _ in pages:
        return


@asynccontextmanager
async def open_qq_catalyst(connection: QQCatalystConnection) -> AsyncIterator[QQCatalyst]:
    """An agency's QQ Catalyst, its connections closed afterwards.

    Raises:
        ConfigError: an address is none.
    """
    async with open_with_login(connection, system="QQ Catalyst", dropped=_DROPPED) as (client, login):
        yield QQCatalyst(connection, client, login)
