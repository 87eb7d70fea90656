"""SOAP calls over HTTP: bounded, paced, counted; what comes back is an answer or one of our errors."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

from ams_etl.errors import ConfigError, DataError, PermanentError
from ams_etl.sources.calling.across_processes import CallSlots
from ams_etl.sources.calling.counts import CallCounts
from ams_etl.sources.calling.faults import ReplyLost
from ams_etl.sources.calling.pacing import Pace
from ams_etl.sources.calling.retry import BusyError, RetryPolicy, retried, seconds_to_wait
from ams_etl.sources.http.client import HttpClient
from ams_etl.sources.http.connection import ConnectionFailedError, Reply

T = TypeVar("T")
# No plain 500: that is how SOAP sends ordinary faults, and those have a body that says so.
RETRYABLE_STATUS = frozenset({408, 429, 502, 503, 504})
TURNED_AWAY = frozenset({429, 503})
"""Of these, the ones by which a server says that it did not even begin; a gateway's 502 or 504 does not."""


class SoapTransport:
    """Sends envelopes to one endpoint; use it inside one event loop, as an async context manager.

    Args:
        endpoint: the service's address.
        max_concurrency: calls in flight at most.
        calls_per_second: calls begun per second at most, or None.
        timeout_seconds: for one whole call.
        retries: when and how often a read is tried again.
        slots: this client's share of both limits, where other processes call for the same agency.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        max_concurrency: int,
        calls_per_second: float | None = None,
        timeout_seconds: float = 60,
        retries: RetryPolicy | None = None,
        slots: CallSlots | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.counts = CallCounts()
        self._pace = Pace(max_concurrency, calls_per_second, slots)
        self._retries = retries or RetryPolicy()
        self._in_flight = 0
        self._http = HttpClient(endpoint, {"Content-Type": "text/xml; charset=utf-8"}, timeout_seconds)

    async def __aenter__(self) -> Self:
        """Nothing is opened before the first call."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections, and leave the turns to other processes."""
        self._http.close()
        await self._pace.close()

    async def in_turn(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do one call, and whatever it needs before, when there is a turn for it."""
        return await self._pace.in_turn(work)

    async def retried(self, operation: str, work: Callable[[], Awaitable[T]]) -> T:
        """Do something that may be done twice: again after lost connections, time-outs, 5xx and half answers.

        Raises:
            TransientError: every try failed.
        """
        return await retried(work, self._retries, operation, self._note_retry)

    async def post(self, operation: str, action: str, envelope: bytes, *, fresh: bool = False) -> Reply:
        """One call, inside a turn: an answer or a fault, in an envelope.

        Args:
            operation: for the counts.
            action: the SOAPAction.
            envelope: what to send.
            fresh: only over a connection that the server had no time to close.

        Raises:
            TransientError: there is none.
        """
        counts = self.counts
        await self._pace.start()
        counts.by_operation[operation] += 1
        self._in_flight += 1
        counts.peak_in_flight = max(counts.peak_in_flight, self._in_flight)
        try:
            reply = await self._http.post(f'SOAPAction: "{action}"\r\n', envelope, fresh=fresh)
        finally:
            self._in_flight -= 1
        counts.bytes_in += len(reply.body)
        if reply.status != 200:
            self._judge(reply)
        return reply

    async def post_once(self, operation: str, action: str, envelope: bytes) -> Reply:
        """`post` for what must not be done twice.

        Raises:
            ReplyLost: it may have been carried out.
            TransientError: it surely was not (no connection, turned away).
        """
        try:
            return await self.post(operation, action, envelope, fresh=True)
        except (ConnectionFailedError, DataError) as error:
            raise ReplyLost(f"{operation}: {error}; it may have been carried out") from None
        except BusyError as error:
            if error.maybe_carried_out:
                raise ReplyLost(f"{operation}: {error}; it may have been carried out") from None
            raise

    def _judge(self, reply: Reply) -> None:
        """A status that is no SOAP answer becomes an error; a fault passes."""
        status = reply.status
        if status in RETRYABLE_STATUS or (status >= 500 and b"Envelope" not in reply.body):
            raise BusyError(
                f"the server answers {status}",
                seconds_to_wait(reply.header("retry-after")),
                maybe_carried_out=status not in TURNED_AWAY,
            )
        if 300 <= status < 400 or status == 404:
            raise ConfigError(
                f"{self.endpoint}: the server answers {status}; check the WSDL's address in agencies.yaml"
            )
        if b"Envelope" not in reply.body:
            raise PermanentError(f"{self.endpoint}: the server answers {status} without a SOAP fault")

    def _note_retry(self) -> None:
        self.counts.retries += 1
