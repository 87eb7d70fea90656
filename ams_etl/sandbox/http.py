"""A small HTTP/1.1 server for the sandboxes: kept-alive connections, bounded requests, delayed answers.

Independent of SOAP and of any system. A handler takes a whole request and returns a response, now or later.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import cast

MAX_HEADER = 32 * 1024
MAX_BODY = 32 * 1024 * 1024
PATIENCE_SECONDS = 30.0
"""A request that has begun and is not whole after so long is cut off; an idle connection may stay longer."""
IDLE_SECONDS = 300.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. `drop` closes the connection without it; `cut` sends half of the body and closes."""

    status: int
    body: bytes = b""
    content_type: str = "text/xml; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    cut: bool = False


Handler = Callable[[Request], Awaitable[Response] | Response]
_REASONS = {
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 302: "Found", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 411: "Length Required", 413: "Payload Too Large",
    415: "Unsupported Media Type", 422: "Unprocessable Content", 429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable",
}  # fmt: skip


class _RefusedRequestError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Connection(asyncio.Protocol):
    """One client's connection: requests are answered one after the other, in the order they came.

    Args:
        handler: what answers.
        opened: called for every new connection.
        alive: the connections that `cut_off_the_slow` looks after; this one enters and leaves it by itself.
    """

    def __init__(self, handler: Handler, opened: Callable[[], None], alive: "set[Connection] | None" = None) -> None:
        self._handler = handler
        self._opened = opened
        self._alive = set[Connection]() if alive is None else alive
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._answering: asyncio.Future[Response] | None = None
        self._last_request = False
        self._told_to_continue = False
        self._heard = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        self._transport = cast(asyncio.Transport, transport)
        self._alive.add(self)
        self._opened()

    def data_received(self, data: bytes) -> None:
        """Collect until a request is whole."""
        if not self._buffer:
            self._heard = time.monotonic()
        self._buffer += data
        if self._answering is None:
            self._serve()
        elif len(self._buffer) > MAX_BODY + MAX_HEADER and self._transport:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody reads any more."""
        self._alive.discard(self)
        self._transport = None

    def overdue(self, now: float) -> bool:
        """Whether the client has kept a request unfinished, or the connection idle, for too long."""
        if self._answering is not None:
            return False
        return now - self._heard > (PATIENCE_SECONDS if self._buffer else IDLE_SECONDS)

    def abort(self) -> None:
        """Close at once."""
        if self._transport:
            self._transport.abort()

    def _serve(self) -> None:
        while self._transport is not None and not self._transport.is_closing():
            try:
                request = self._take()
            except _RefusedRequestError as refusal:
                self._last_request = True
                self._send(Response(refusal.status, b"", "text/plain"))
                return
            if request is None:
                return
            try:
                answer = self._handler(request)
            except Exception:  # noqa: BLE001 - one broken call must not end the server; its traceback is logged
                _log.exception("%s %s", request.method, request.target)
                answer = Response(500, b"", "text/plain")
            if not isinstance(answer, Response):
                self._answering = asyncio.ensure_future(answer)
                self._answering.add_done_callback(self._finish)
                return
            self._send(answer)

    def _take(self) -> Request | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end > MAX_HEADER or (end < 0 and len(self._buffer) > MAX_HEADER):
            raise _RefusedRequestError(431)
        if end < 0:
            return None
        first, *lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise _RefusedRequestError(400)
        headers = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip():
                raise _RefusedRequestError(400)
            headers[name.lower()] = value.strip()
        chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        unchunked = self._unchunked(end + 4) if chunked else None
        length = 0 if chunked else self._length(words[0], headers)
        whole = end + 4 + length if unchunked is None else unchunked[1]
        if len(self._buffer) < whole or (chunked and unchunked is None):
            if headers.get("expect", "").lower() == "100-continue" and not self._told_to_continue and self._transport:
                self._told_to_continue = True
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        body = bytes(self._buffer[end + 4 : whole]) if unchunked is None else unchunked[0]
        del self._buffer[:whole]
        self._told_to_continue = False
        self._heard = time.monotonic()
        wish = headers.get("connection", "").lower()
        self._last_request = wish == "close" or (words[2] == "HTTP/1.0" and wish != "keep-alive")
        return Request(words[0], words[1], headers, body)

    def _unchunked(self, start: int) -> tuple[bytes, int] | None:
        """Return a chunked body and where it ends; None where it is not whole yet."""
        body = bytearray()
        while True:
            line_end = self._buffer.find(b"\r\n", start)
            if line_end < 0:
                return None
            size = bytes(self._buffer[start:line_end]).partition(b";")[0].strip()
            try:
                length = int(size, 16)
            except ValueError:
                raise _RefusedRequestError(400) from None
            if length < 0 or len(body) + length > MAX_BODY:
                raise _RefusedRequestError(413)
            start = line_end + 2
            if length == 0:
                trailer_end = self._buffer.find(b"\r\n", start)
                return None if trailer_end < 0 else (bytes(body), trailer_end + 2)
            if len(self._buffer) < start + length + 2:
                return None
            body += self._buffer[start : start + length]
            start += length + 2

    @staticmethod
    def _length(method: str, headers: Mapping[str, str]) -> int:
        if "transfer-encoding" in headers:
            raise _RefusedRequestError(501)
        given = headers.get("content-length")
        if given is None:
            if method == "POST":
                raise _RefusedRequestError(411)
            return 0
        if not (given.isascii() and given.isdigit()):
            raise _RefusedRequestError(400)
        if len(given) > 12 or int(given) > MAX_BODY:
            raise _RefusedRequestError(413)
        return int(given)

    def _finish(self, answered: "asyncio.Future[Response]") -> None:
        self._answering = None
        self._heard = time.monotonic()
        if answered.cancelled():
            self.abort()
            return
        error = answered.exception()
        if error is not None:
            _log.error("a call failed", exc_info=error)
        self._send(Response(500, b"", "text/plain") if error else answered.result())
        self._serve()

    def _send(self, response: Response) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if response.drop:
            transport.abort()
            return
        extra = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
        if self._last_request:
            extra += "Connection: close\r\n"
        head = (
            f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Status')}\r\n"
            f"Content-Type: {response.content_type}\r\nContent-Length: {len(response.body)}\r\n"
            f"Date: {formatdate(usegmt=True)}\r\n{extra}\r\n"
        ).encode("latin-1")
        if response.cut:
            transport.write(head + response.body[: len(response.body) // 2])
            transport.close()
            return
        transport.write(head + response.body)
        if self._last_request:
            transport.close()


async def cut_off_the_slow(connections: set[Connection], every: float = 5.0) -> None:
    """Close the connections of clients that dawdle, for as long as the server runs."""
    while True:
        await asyncio.sleep(every)
        now = time.monotonic()
        for connection in [connection for connection in connections if connection.overdue(now)]:
            connection.abort()
