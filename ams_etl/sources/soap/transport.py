"""HTTP under SOAP: kept-alive connections, bounded calls in flight, a pace limit, retries for reads."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp

from ams_etl.errors import TransientError
from ams_etl.sources.soap.faults import ReplyLost

T = TypeVar("T")
# No plain 500: that is how SOAP sends ordinary faults, and those have a body that says so.
RETRYABLE_STATUS = frozenset({408, 429, 502, 503, 504})
READ_ATTEMPTS = 6
FIRST_DELAY_SECONDS = 0.25
MAX_DELAY_SECONDS = 20.0


@dataclass(slots=True)
class CallCounts:
    """What a client asked for and what it took; `peak_in_flight` never exceeds the concurrency that was set."""

    by_operation: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    logins: int = 0
    bytes_in: int = 0
    in_flight: int = 0
    peak_in_flight: int = 0

    @property
    def total(self) -> int:
        """All calls, retries included."""
        return sum(self.by_operation.values())


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer that may hold a SOAP envelope."""

    status: int
    body: bytes
    date: str | None


class _RetryLater(TransientError):
    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class SoapTransport:
    """Sends envelopes to one endpoint; use it inside one event loop, as an async context manager.

    Args:
        endpoint: the service's address.
        max_concurrency: calls in flight at most.
        calls_per_second: calls begun per second at most, or None.
        timeout_seconds: for one whole call.
    """

    def __init__(
        self, endpoint: str, *, max_concurrency: int, calls_per_second: float | None, timeout_seconds: float
    ) -> None:
        self.endpoint = endpoint
        self.counts = CallCounts()
        self._timeout = timeout_seconds
        self._max_concurrency = max_concurrency
        self._slots = asyncio.Semaphore(max_concurrency)
        self._interval = 1 / calls_per_second if calls_per_second else 0.0
        self._next_start = 0.0
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "SoapTransport":
        """Open the connection pool."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._max_concurrency, keepalive_timeout=60, ttl_dns_cache=300),
            timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=min(15.0, self._timeout)),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept"),
            headers={"Accept-Encoding": "gzip", "Content-Type": "text/xml; charset=utf-8"},
        )
        return self

    async def __aexit__(self, *raised: object) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    async def read(
        self,
        operation: str,
        action: str,
        envelope: Callable[[], Awaitable[bytes]],
        understand: Callable[[Reply], T],
    ) -> T:
        """Send a read: tried again with back-off on lost connections, time-outs, 5xx and half answers.

        Args:
            operation: for the counts.
            action: the SOAPAction.
            envelope: makes the request anew for each try, so that a new ticket is used.
            understand: reads the answer; a `TransientError` from it counts as a failed try.

        Raises:
            TransientError: every try failed.
        """
        for attempt in range(READ_ATTEMPTS):
            try:
                return understand(await self._post(operation, action, await envelope()))
            except TransientError as error:
                if attempt + 1 == READ_ATTEMPTS:
                    raise TransientError(f"{operation}: {error}, {READ_ATTEMPTS} times; try again later") from None
                self.counts.retries += 1
                await self._pause(attempt, getattr(error, "after", None))
        raise AssertionError("the last attempt returns or raises")

    async def _pause(self, attempt: int, after: float | None) -> None:
        """Wait before the next try: exponential, full jitter, or as long as the server asked for."""
        ceiling = min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2**attempt)
        await asyncio.sleep(after if after is not None else random.uniform(ceiling / 4, ceiling))  # noqa: S311

    async def write(self, operation: str, action: str, envelope: bytes) -> Reply:
        """Send something exactly once.

        Raises:
            TransientError: it surely did not arrive (no connection).
            ReplyLost: it may have arrived.
        """
        try:
            return await self._post(operation, action, envelope)
        except _RetryLater as error:
            if isinstance(error.__cause__, aiohttp.ClientConnectorError):
                raise TransientError(f"{operation}: {error}") from None
            raise ReplyLost(f"{operation}: {error}; it may have been carried out") from None

    async def _post(self, operation: str, action: str, envelope: bytes) -> Reply:
        if self._session is None:
            raise AssertionError("use the transport as an async context manager")
        counts = self.counts
        async with self._slots:
            if self._interval:
                await self._keep_pace()
            counts.by_operation[operation] += 1
            counts.in_flight += 1
            counts.peak_in_flight = max(counts.peak_in_flight, counts.in_flight)
            try:
                async with self._session.post(
                    self.endpoint, data=envelope, headers={"SOAPAction": f'"{action}"'}, allow_redirects=False
                ) as answer:
                    body = await answer.read()
                    counts.bytes_in += len(body)
                    status = answer.status
                    if status in RETRYABLE_STATUS or (status >= 500 and b"Envelope" not in body):
                        raise _RetryLater(f"the server answers {status}", _retry_after(answer.headers))
                    return Reply(status, body, answer.headers.get("Date"))
            except aiohttp.ClientConnectorError as error:
                raise _RetryLater(
                    f"{self.endpoint} cannot be reached ({error.os_error.strerror or 'no connection'})"
                ) from error
            except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
                raise _RetryLater(f"the connection failed ({type(error).__name__})") from error
            finally:
                counts.in_flight -= 1

    async def _keep_pace(self) -> None:
        now = time.monotonic()
        start = max(now, self._next_start)
        self._next_start = start + self._interval
        if start > now:
            await asyncio.sleep(start - now)


def _retry_after(headers: Any) -> float | None:
    given = headers.get("Retry-After", "")
    return min(float(given), MAX_DELAY_SECONDS) if given.isdigit() else None
