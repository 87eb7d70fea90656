"""MyCase's Open API, version 1: typed reads, over tokens that rotate.

Lists are followed by their Link header to the end.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

from ams_etl.errors import ConfigError, DataError, PermanentError
from ams_etl.sources.calling.answers import Rejected
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.probe import Probe, compare_clocks, probed
from ams_etl.sources.calling.rotating_tokens import RotatingTokens, TokenStore
from ams_etl.sources.calling.source_record import SourceRecord
from ams_etl.sources.rest.bearer import Bearer
from ams_etl.sources.rest.client import RestClient, RestRefused, RestResponse
from ams_etl.sources.rest.many import each
from ams_etl.sources.rest.moments import zulu
from ams_etl.sources.rest.rows import keyed_rows, whole_number
from ams_etl.sources.rest.with_login import WithLogin, open_with_login

Kind = Literal["clients", "companies", "cases", "staff"]
PAGE = 500
_AHEAD = timedelta(minutes=10)
"""An access token that ends sooner is renewed before it is used."""
_LINK = re.compile(r'<([^>]*)>((?:"[^"]*"|[^,"]|,(?!\s*<))*)')
_RELATION = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([\w-]+))', re.IGNORECASE)
_DROPPED = frozenset({"notes", "custom_field_values", "custom_fields", "sol_date"})
"""Free text and a firm's own fields may hold anything, numbers that are not ours to keep among it."""
_KNOWN = frozenset((
    "id", "first_name", "middle_name", "last_name", "name", "email", "birthdate", "archived", "address", "address1",
    "address2", "city", "state", "zip_code", "country", "cell_phone_number", "home_phone_number",
    "work_phone_number", "main_phone_number", "status", "case_number", "practice_area", "clients", "companies",
    "billing_contact", "staff", "lead_lawyer", "originating_lawyer", "active", "created_at", "updated_at", "type",
    "errors",
))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MyCaseConnection(WithLogin):
    """How to reach one firm's MyCase."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    base: str = "https://external-integrations.mycase.com/v1"
    login_base: str = "https://auth.mycase.com"
    calls_per_second: float | None = 20.0
    """MyCase takes 25 a second from all of a vendor's processes for one firm."""


@dataclass(frozen=True, slots=True)
class MyCasePage:
    """One page of a list; `total` is its Item-Count header, or None."""

    records: list[SourceRecord]
    total: int | None
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class RecordKey:
    """Which record of a kind is meant."""

    kind: Kind
    entity_id: str


class MyCase:
    """One firm's MyCase; get one from `open_mycase`."""

    def __init__(self, connection: MyCaseConnection, client: RestClient, login: RestClient, tokens: TokenStore) -> None:
        self._connection, self._client, self._login, self._tokens = connection, client, login, tokens
        self._last: str | None = None
        self._authorization = Bearer(
            self._log_in,
            "MyCase refuses its own new token: check mycase.base and mycase.login_base in agencies.yaml",
            "MyCase refuses access: the person who granted it needs \"Manage your firm's preferences, billing, and payment "
            'options" = Yes; change that in MyCase and grant access again',
        )

    @property
    def counts(self) -> CallCounts:
        """What was asked so far, tokens aside."""
        return self._client.counts

    async def listing(self, kind: Kind, updated_after: datetime | None = None) -> AsyncIterator[MyCasePage]:
        """Return all records of a kind, or those created or updated after a moment, page by page.

        Raises:
            DataError: the pages go in a circle, or an answer is not a list.
            PermanentError: the next page is on another server.
        """
        since = zulu(updated_after) if updated_after else None
        query = {"page_size": PAGE, "filter[updated_after]": since}
        async for page in self._pages(kind.capitalize(), kind, f"/{kind}", query):
            yield page

    async def cases_of(
        self, client_ids: Iterable[str]
    ) -> AsyncIterator[tuple[str, list[SourceRecord] | DataError | None]]:
        """Return every case of each client, in no order.

        None where the client is gone; the error where its cases cannot all be read.
        """

        async def read(client_id: str) -> tuple[str, list[SourceRecord] | DataError | None]:
            found: list[SourceRecord] = []
            total = None
            try:
                path = f"/clients/{int(client_id)}/cases"
                async for page in self._pages("ClientCases", "cases", path, {"page_size": PAGE}):
                    found += page.records
                    total = page.total if total is None else total
                    if page.rejected:
                        return client_id, DataError(f"MyCase cases of a client: {page.rejected[0].reason}")
            except RestRefused as refusal:
                return client_id, None if refusal.status == 404 else refusal
            except DataError as error:
                return client_id, error
            listed = len({record.entity_id for record in found})
            if total is not None and listed < total:
                return client_id, DataError(f"MyCase cases of a client: {listed} listed, Item-Count is {total}")
            return client_id, found

        async for found in each(client_ids, read, self._connection.max_concurrency):
            yield found

    async def _pages(
        self, operation: str, kind: Kind, path: str, query: dict[str, Any] | None
    ) -> AsyncIterator[MyCasePage]:
        seen = {path}
        while True:
            answer = await self._client.ask(operation, path, query, authorization=self._authorization)
            if not isinstance(answer.value, list):
                raise DataError(f"MyCase {kind}: expected a list, got {answer.described()}")
            records, rejected = keyed_rows(kind, answer.value, "id", lambda row, key: None)
            yield MyCasePage(records, _count(answer), rejected)
            following = next_link(answer.header("link") or "")
            if following is None:
                return
            path, query = self._path_of(following, path), None
            if path in seen:
                raise DataError(f"MyCase {kind}: the pages go in a circle")
            seen.add(path)

    async def records(
        self, keys: Iterable[RecordKey]
    ) -> AsyncIterator[tuple[RecordKey, SourceRecord | DataError | None]]:
        """Return the records of these keys, in no order; None where one is gone, the error where it cannot be read."""

        async def read(key: RecordKey) -> tuple[RecordKey, SourceRecord | DataError | None]:
            try:
                answer = await self._client.ask(
                    key.kind.capitalize().removesuffix("s"),
                    f"/{key.kind}/{int(key.entity_id)}",
                    authorization=self._authorization,
                )
            except RestRefused as refusal:
                return key, None if refusal.status == 404 else refusal
            except DataError as error:
                return key, error
            found, rejected = keyed_rows(key.kind, [answer.value], "id", lambda row, own: None)
            if rejected and rejected[0].entity_id == key.entity_id:
                return key, DataError(f"MyCase {key.kind}: {rejected[0].reason}")
            if not found or found[0].entity_id != key.entity_id:
                return key, DataError(f"MyCase {key.kind}: expected a record with this id, got {answer.described()}")
            return key, found[0]

        async for found in each(dict.fromkeys(keys), read, self._connection.max_concurrency):
            yield found

    async def probe(self) -> list[Probe]:
        """Whether access was granted, and every list answers."""
        now = datetime.now(UTC)
        kinds: tuple[Kind, ...] = ("staff", "clients", "companies", "cases")
        found = [await probed(kind.capitalize(), _first(self.listing(kind, now))) for kind in kinds]
        return [*found, compare_clocks(self._client.last_date)]

    def authorize_url(self, state: str) -> str:
        """Where a person of the firm grants access; `state` comes back with the code and must be checked."""
        asked = {
            "client_id": self._connection.client_id, "redirect_uri": self._connection.redirect_uri,
            "response_type": "code", "state": state,
        }  # fmt: skip
        return f"{self._login.base}/login_sessions/new?{urlencode(asked)}"

    async def exchange(self, code: str) -> None:
        """Keep the tokens that an authorisation code gets; a code is good once.

        Raises:
            ConfigError: MyCase refuses the code.
        """
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._connection.redirect_uri}
        await asyncio.to_thread(self._tokens.lock)
        granted = None
        try:
            granted = await self._ask_for_tokens(asked, "the authorisation code")
        finally:
            await asyncio.to_thread(self._tokens.release, granted)

    async def _log_in(self) -> str:
        """An access token other than the last, renewed at most once among all processes."""
        kept = await asyncio.to_thread(self._tokens.lock)
        renewed = None
        try:
            if kept is None:
                raise ConfigError("MyCase: no access was granted yet; open the address that authorises this firm")
            access, refresh, good_until = kept
            if access == self._last or good_until - _AHEAD <= datetime.now(UTC):
                # Where the answer is lost the next try says whether the refresh token was used up with it.
                renewed = await self._ask_for_tokens(
                    {"grant_type": "refresh_token", "refresh_token": refresh}, "the refresh token", refresh
                )
                access = renewed[0]
            self._last = access
            return access
        finally:
            await asyncio.to_thread(self._tokens.release, renewed)

    async def _ask_for_tokens(self, asked: dict[str, str], what: str, refresh_token: str = "") -> RotatingTokens:
        connection = self._connection
        body = json.dumps({"client_id": connection.client_id, "client_secret": connection.client_secret, **asked})
        try:
            answer = await self._login.ask_for_token("/tokens", "application/json", body.encode(), again=False)
        except RestRefused as refusal:
            raise ConfigError(
                f"MyCase refuses {what} ({refusal.status}): check mycase.client_id and the environment variable that "
                "mycase.client_secret_env names, and grant access again"
            ) from None
        told = answer.value if isinstance(answer.value, dict) else {}
        token, refresh = told.get("access_token"), told.get("refresh_token") or refresh_token
        if not isinstance(token, str) or not isinstance(refresh, str) or not token or not refresh:
            raise ConfigError("MyCase: the token answer holds no tokens; check mycase.login_base")
        seconds = told.get("expires_in")
        life = timedelta(seconds=seconds if isinstance(seconds, (int, float)) else 3600)
        return token, refresh, datetime.now(UTC) + life

    def _path_of(self, link: str, path: str) -> str:
        """Return the path of the next page, absolute or relative to this one.

        Raises:
            PermanentError: it is on another server, which must not get our token.
        """
        base = urlsplit(self._client.base)
        url = urlsplit(urljoin(f"{self._client.base}{path}", link))
        prefix = f"{base.path}/"
        if _server(url) != _server(base) or not url.path.startswith(prefix):
            raise PermanentError("MyCase: the next page of a list is outside mycase.base")
        return f"/{url.path.removeprefix(prefix)}" + (f"?{url.query}" if url.query else "")


async def _first(pages: AsyncIterator[MyCasePage]) -> None:
    async for _ in pages:
        return


def next_link(header: str) -> str | None:
    """Return the target of the relation `next` in a Link header, or None."""
    for target, parameters in _LINK.findall(header):
        relation = _RELATION.search(parameters)
        if relation and "next" in (relation[1] or relation[2]).lower().split():
            return str(target)
    return None


def soft_error(answer: RestResponse) -> str | None:
    """Return what an answer of status 200 reports as its errors, or None."""
    errors = answer.value.get("errors") if isinstance(answer.value, dict) else None
    return f"{len(errors) if isinstance(errors, list) else 1} errors" if errors else None


def _server(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or {"https": 443, "http": 80}.get(url.scheme)


def _count(answer: RestResponse) -> int | None:
    return whole_number(answer.header("item-count"))


@asynccontextmanager
async def open_mycase(connection: MyCaseConnection, tokens: TokenStore) -> AsyncIterator[MyCase]:
    """A firm's MyCase, its connections closed afterwards.

    Args:
        connection: how to reach it.
        tokens: where its tokens are kept.

    Raises:
        ConfigError: an address is not valid.
    """
    async with open_with_login(connection, system="MyCase", dropped=_DROPPED, known=_KNOWN, soft_error=soft_error) as (
        client,
        login,
    ):
        yield MyCase(connection, client, login, tokens)
