"""One kept-alive HTTP/1.1 connection: a request goes out, its answer comes in, or the reason why there is none."""

import asyncio
import time
from dataclasses import dataclass
from typing import cast

import httptools

from ams_etl.errors import AnswerTooLarge, TransientError

MAX_ANSWER_BYTES = 32_000_000
"""Of an answer as sent, and again once it is inflated. Parsing takes some six times as much memory, one answer at a time."""


class UnreachableError(TransientError):
    """No connection came about, so nothing was sent."""


class ConnectionFailedError(TransientError):
    """The connection or the time ran out after something was sent."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; header names are lower case."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    def header(self, name: str) -> str | None:
        """A header's value, or None."""
        value = self.headers.get(name.encode())
        return None if value is None else value.decode("latin-1")


class Connection(asyncio.Protocol):
    """One connection; httptools calls the `on_` methods as the answer comes in."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._parser = httptools.HttpResponseParser(self)
        self._answered: asyncio.Future[Reply] | None = None
        self._headers: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self._size = 0
        self._until_close = False
        self._timer: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport | None = None
        self.reusable = False
        self.used_at = 0.0

    def send(self, request: bytes, timeout: float) -> "asyncio.Future[Reply]":
        """Send a whole request; the future holds the answer or why there is none."""
        if self.transport is None or self.transport.is_closing():
            raise UnreachableError("the connection was closed before anything was sent")
        self._headers, self._parts, self._size = {}, [], 0
        self._until_close = self.reusable = False
        answered = self._answered = self._loop.create_future()
        self._timer = self._loop.call_later(timeout, self._fail, f"no answer within {timeout:g} s")
        self.transport.write(request)
        return answered

    def close(self) -> None:
        """Close at once."""
        self._stop_timer()
        if self.transport is not None:
            self.transport.abort()
        self.transport = None

    @property
    def open(self) -> bool:
        """Whether another request can be sent."""
        return self.reusable and self.transport is not None and not self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It can be written to from now on."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Part of an answer; bytes that nobody asked for end the connection."""
        if self._answered is None:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"the answer is not HTTP ({type(error).__name__})")

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, which is also the end of an answer that says no length."""
        self.transport = None
        if self._answered is not None and self._until_close and exc is None:
            self.on_message_complete()
        self._fail("the connection was closed before the whole answer came")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        name = name.lower()
        # A server may send one Link header for each relation.
        earlier = self._headers.get(name) if name == b"link" else None
        self._headers[name] = value if earlier is None else earlier + b", " + value

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._until_close = not ({b"content-length", b"transfer-encoding"} & self._headers.keys())

    def on_body(self, body: bytes) -> None:
        """Part of the body."""
        self._size += len(body)
        if self._size > MAX_ANSWER_BYTES:
            self._fail(f"the answer is larger than {MAX_ANSWER_BYTES:,} bytes", AnswerTooLarge)
            return
        self._parts.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole; one that only announces another (1xx) is passed over."""
        status = self._parser.get_status_code()
        if status < 200:
            self._headers = {}
            return
        answered, self._answered = self._answered, None
        self._stop_timer()
        if answered is None or answered.done():
            return
        self.reusable = not self._until_close and self._parser.should_keep_alive()
        self.used_at = time.monotonic()
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        answered.set_result(Reply(status, self._headers, body))

    def _fail(self, reason: str, kind: type[Exception] = ConnectionFailedError) -> None:
        answered, self._answered = self._answered, None
        if answered is not None and not answered.done():
            answered.set_exception(kind(reason))
            self.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
