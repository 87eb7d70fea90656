"""Calls of a JSON service: bounded, paced, authorised, tried again; what comes back is a value or one of our errors."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import quote, urlencode, urlsplit

from ams_etl.errors import ConfigError, DataError, PermanentError, TransientError
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.pacing import Pace
from ams_etl.sources.calling.retry import BusyError, PassingFault, RetryPolicy, retried, seconds_to_wait
from ams_etl.sources.http.client import HttpClient
from ams_etl.sources.http.connection import Reply
from ams_etl.sources.rest.records import reader

_HTML = re.compile(rb"\s*(?:<!DOCTYPE\s+html|<html)", re.IGNORECASE)
RETRYABLE_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Every call of ours only reads (HawkSoft's POST too), so a plain 500 is worth another try."""


class RestRefused(DataError):
    """The service refuses one request and would refuse it again: the record is gone, or the question is wrong.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class SoftError(DataError):
    """The service answers 200 and reports an error in its headers or its body."""


@dataclass(frozen=True, slots=True)
class RestResponse:
    """A good answer; `value` is None where the body is empty or not JSON, header names are lower case."""

    status: int
    value: Any
    is_json: bool
    _reply: Reply

    def header(self, name: str) -> str | None:
        """Return a header's value, or None."""
        return self._reply.header(name)

    def described(self) -> str:
        """Return what the body is, by its type and member names, for a message that says what it should have been."""
        if not self._reply.body:
            return "an empty body"
        if not self.is_json:
            return "text"
        if isinstance(self.value, dict):
            names = ", ".join(name[:40] for name in list(self.value)[:8])
            return f"an object with the members {names}" if names else "an empty object"
        return "a list" if isinstance(self.value, list) else type(self.value).__name__


class Authorization(Protocol):
    """How a system knows who asks."""

    async def current(self) -> str:
        """The Authorization header's value."""

    async def renewed(self, refused: str) -> str | None:
        """Another value after a 401 of the first; None where there is no other."""

    def unauthorized(self) -> ConfigError:
        """What to tell when the last value is refused: which settings to check."""

    def forbidden(self) -> PermanentError:
        """What to tell on 403: what the agency must grant."""


class RestClient:
    """Asks one service; use it inside one event loop, as an async context manager.

    Args:
        base: the service's address, to which paths are appended.
        system: its name, for messages.
        max_concurrency: calls in flight at most.
        calls_per_second: calls begun per second at most, or None.
        timeout_seconds: for one whole call.
        dropped: names of members that its records lose, beside the secrets.
        known: the names of its members, as the service spells them.
        soft_error: returns what a 200 answer reports as its error, or None.
        retries: when and how often a call is tried again.
    """

    def __init__(
        self,
        base: str,
        *,
        system: str,
        max_concurrency: int,
        calls_per_second: float | None = None,
        timeout_seconds: float = 60,
        dropped: frozenset[str] = frozenset(),
        known: frozenset[str] = frozenset(),
        soft_error: Callable[[RestResponse], str | None] = lambda answer: None,
        retries: RetryPolicy | None = None,
    ) -> None:
        self.base, self._system = base.rstrip("/"), system
        self.counts = CallCounts()
        self._prefix = urlsplit(self.base).path
        self._pace = Pace(max_concurrency, calls_per_second)
        self._retries = retries or RetryPolicy()
        self._http = HttpClient(self.base, {"Accept": "application/json"}, timeout_seconds)
        self._read = reader(dropped, known)
        self._soft_error = soft_error
        self._in_flight = 0
        self.last_date: str | None = None
        """The Date of the last answer."""

    async def __aenter__(self) -> Self:
        """Nothing is opened before the first call."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._http.close()

    async def ask(
        self,
        operation: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        authorization: Authorization,
        body: Any = None,
    ) -> RestResponse:
        """One reading call, tried again where that helps; after a 401 once more with a renewed authorisation.

        Args:
            operation: for counts and messages.
            path: behind the base, escaped.
            query: by name; what is None is left out.
            authorization: who asks.
            body: sent as JSON by POST; None asks by GET.

        Raises:
            RestRefused: 400, 404 and the like.
            ConfigError: the login is refused, or this is not the service's address.
            PermanentError: 403.
            TransientError: no answer after several tries.
        """
        method = "GET" if body is None else "POST"
        sent = b"" if body is None else json.dumps(body).encode()
        kind = "" if body is None else "Content-Type: application/json\r\n"
        target = self.target(path, query)

        async def authorized() -> RestResponse:
            used = await authorization.current()
            reply = await self._send(operation, method, target, f"{kind}Authorization: {used}\r\n", sent)
            if reply.status == 401:
                renewed = await authorization.renewed(used)
                if renewed is not None:
                    reply = await self._send(operation, method, target, f"{kind}Authorization: {renewed}\r\n", sent)
            if reply.status == 401:
                raise authorization.unauthorized()
            if reply.status == 403:
                raise authorization.forbidden()
            answer = self._understand(operation, reply)
            reported = self._soft_error(answer)
            if reported is not None:
                raise PassingFault(SoftError(f"{self._system} {operation}: the answer reports an error ({reported})"))
            return answer

        return await self._retried(operation, lambda: self._pace.in_turn(authorized))

    async def ask_for_token(self, path: str, content_type: str, body: bytes, *, again: bool) -> RestResponse:
        """A token call, in the turn of the call that needs it.

        Args:
            path: behind the base.
            content_type: of the body.
            body: what to send; no message repeats it.
            again: whether a lost answer is worth another try; not where a token is good once.
        """
        headers = f"Content-Type: {content_type}\r\n"
        target = self.target(path)

        async def once() -> RestResponse:
            return self._understand("Token", await self._send("Token", "POST", target, headers, body), tokens=True)

        self.counts.logins += 1
        return await (self._retried("Token", once) if again else once())

    def target(self, path: str, query: Mapping[str, Any] | None = None) -> str:
        """Path and query of a request."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        asked = f"?{urlencode(given, quote_via=quote)}" if given else ""
        return f"{self._prefix}{path}{asked}"

    async def _retried(self, operation: str, work: Callable[[], Awaitable[RestResponse]]) -> RestResponse:
        return await retried(work, self._retries, f"{self._system} {operation}", self._note_retry)

    async def _send(self, operation: str, method: str, target: str, headers: str, body: bytes) -> Reply:
        counts = self.counts
        await self._pace.start()
        counts.by_operation[operation] += 1
        self._in_flight += 1
        counts.peak_in_flight = max(counts.peak_in_flight, self._in_flight)
        try:
            reply = await self._http.request(method, target, headers, body)
        finally:
            self._in_flight -= 1
        counts.bytes_in += len(reply.body)
        self.last_date = reply.header("date")
        return reply

    def _understand(self, operation: str, reply: Reply, *, tokens: bool = False) -> RestResponse:
        status = reply.status
        if status in RETRYABLE_STATUS:
            raise BusyError(f"the server answers {status}", seconds_to_wait(reply.header("retry-after")))
        if 300 <= status < 400:
            raise ConfigError(f"{self.base}: {operation}: the server answers {status}; check the address")
        if status >= 400:
            # What the server says about it may hold what was sent, or somebody's data.
            raise RestRefused(f"{self._system} {operation}: the server answers {status}", status)
        content_type = reply.header("content-type") or ""
        if "html" in content_type or _HTML.match(reply.body):
            raise TransientError(
                f"the answer to {operation} is an HTML page, not JSON: a gateway's error or login page; check {self.base}"
            )
        if not reply.body or "json" not in content_type:
            return RestResponse(status, None, False, reply)
        try:
            if tokens:
                return RestResponse(status, json.loads(reply.body), True, reply)
            read = self._read(reply.body)
        except ValueError:
            raise TransientError(f"the answer to {operation} is not whole JSON") from None
        self.counts.note_repaired(operation, read.repaired)
        return RestResponse(status, read.value, True, reply)

    def _note_retry(self) -> None:
        self.counts.retries += 1
