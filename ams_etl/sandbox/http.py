"""A small HTTP/1.1 server for the stand-ins: kept-alive connections, bounded requests, answers that may wait."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import cast

MAX_HEADER = 64 * 1024
MAX_BODY = 64 * 1024 * 1024


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
_REASONS = {200: "OK", 202: "Accepted", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
            413: "Payload Too Large", 415: "Unsupported Media Type", 500: "Internal Server Error",
            503: "Service Unavailable"}  # fmt: skip


class Connection(asyncio.Protocol):
    """One client's connection: requests are answered one after the other."""

    def __init__(self, handler: Handler, opened: Callable[[], None]) -> None:
        self._handler = handler
        self._opened = opened
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        self._transport = cast(asyncio.Transport, transport)
        self._opened()

    def data_received(self, data: bytes) -> None:
        """Collect until a request is whole."""
        self._buffer += data
        if not self._busy:
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody reads any more."""
        self._transport = None

    def _next(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEADER:
                self._refuse(400)
            return
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3:
            self._refuse(400)
            return
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        given = headers.get("content-length", "0")
        if not given.isdigit() or int(given) > MAX_BODY or "transfer-encoding" in headers:
            self._refuse(413)
            return
        if headers.get("expect", "").lower() == "100-continue" and self._transport:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        whole = end + 4 + int(given)
        if len(self._buffer) < whole:
            return
        body = bytes(self._buffer[end + 4 : whole])
        del self._buffer[:whole]
        answer = self._handler(Request(words[0], words[1], headers, body))
        if isinstance(answer, Response):
            self._send(answer)
        else:
            self._busy = True
            asyncio.ensure_future(answer).add_done_callback(self._finish)

    def _finish(self, answered: "asyncio.Future[Response]") -> None:
        self._busy = False
        if answered.cancelled() or answered.exception() is not None:
            self._refuse(500)
            return
        self._send(answered.result())

    def _send(self, response: Response) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if response.drop:
            transport.abort()
            return
        extra = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
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
        if self._buffer:
            self._next()

    def _refuse(self, status: int) -> None:
        if self._transport:
            self._send(Response(status, b"", "text/plain"))
            self._transport.close()
