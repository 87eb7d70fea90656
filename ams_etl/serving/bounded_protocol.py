"""Uvicorn's HTTP protocol with the bounds that a service on the open internet needs and uvicorn has none of.

| bound | what happens beyond it |
|---|---|
| `request_seconds` for a whole request | the connection is cut off |
| `header_seconds` for its request line and headers | the same |
| `MAX_HEAD_BYTES` of request line and headers, `MAX_HEADERS` of them | 431, and the connection ends |
| `max_connections` | whoever has most connections with half-sent requests loses the oldest of them |

The last one makes room for every newcomer, whatever its address is: behind a reverse proxy all clients share one.
"""

import asyncio
import time
from collections import Counter

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_HEAD_BYTES = 32_768
MAX_HEADERS = 100
_MOST_PIPELINED = 8
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain\r\ncontent-length: 27\r\n"
    b"connection: close\r\n\r\nthe headers are too large\r\n"
)


def bounded_protocol(*, request_seconds: float, header_seconds: float, max_connections: int) -> type[asyncio.Protocol]:
    """Return the protocol class for uvicorn's `http` option, with these bounds."""
    bounds = {
        "request_seconds": request_seconds,
        "header_seconds": min(header_seconds, request_seconds),
        "max_connections": max_connections,
    }
    return type("Bounded", (_BoundedProtocol,), bounds)


class _BoundedProtocol(HttpToolsProtocol):
    """One connection. The names of the methods are uvicorn's and httptools'."""

    request_seconds: float
    header_seconds: float
    max_connections: int
    _deadline: asyncio.TimerHandle | None = None
    _is_body = False
    _bytes_without_progress = 0
    _head_bytes = 0
    _header_count = 0
    waits_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.waits_since = time.monotonic()
        self._arm(self.header_seconds)
        if len(self.connections) > self.max_connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # The parser keeps an unfinished header, trailer or chunk extension for itself, however long it grows.
        self._bytes_without_progress += len(data)
        super().data_received(data)
        if self._bytes_without_progress > MAX_HEAD_BYTES + len(data):
            self._refuse()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_body, self._head_bytes, self._header_count = False, 0, 0
        self.waits_since = time.monotonic()
        self._arm(self.header_seconds)

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_count += 1
        self._count(len(name) + len(value))
        # Trailers come here as well, after the body; nobody asks for them.
        if not self._is_body and self._is_within_bounds():
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._is_within_bounds() or len(self.pipeline) >= _MOST_PIPELINED:
            self._refuse()
            return
        self._is_body, self._bytes_without_progress = True, 0
        self._arm(self.request_seconds)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._bytes_without_progress = 0
        if self.cycle is not None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._bytes_without_progress = 0
        self._disarm()
        if self.cycle is not None:
            super().on_message_complete()

    def is_half_sent(self) -> bool:
        """Whether this connection has no request that is being answered: it is idle, or still sends."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body

    def cut_off(self) -> None:
        """End the connection at once."""
        self.connections.discard(self)
        if self.transport is not None:
            self.transport.abort()

    def _make_room(self) -> None:
        half_sent = [
            other
            for other in self.connections
            if isinstance(other, _BoundedProtocol) and other is not self and other.is_half_sent()
        ]
        if not half_sent:
            return
        by_address = Counter(_address(other) for other in half_sent)
        worst = by_address.most_common(1)[0][0]
        min((other for other in half_sent if _address(other) == worst), key=lambda other: other.waits_since).cut_off()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        self._bytes_without_progress = 0

    def _is_within_bounds(self) -> bool:
        return self._head_bytes <= MAX_HEAD_BYTES and self._header_count <= MAX_HEADERS

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, self.cut_off)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _address(connection: _BoundedProtocol) -> str:
    return connection.client[0] if connection.client else ""
