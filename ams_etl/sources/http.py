"""HTTP/1.1 with as little of our own time as possible: kept-alive connections, one request at a time on each.

A read costs five to six small calls a customer, so the cost of a call decides how fast a sync is: this needs a
quarter of aiohttp's. Holds connections and bytes. Does not hold SOAP, retries or how many calls are in flight.
"""

import asyncio
import socket
import ssl
import time
import zlib
from base64 import b64encode
from dataclasses import dataclass
from typing import cast
from urllib.parse import SplitResult, unquote, urlsplit

import httptools

from ams_etl.errors import ConfigError, PermanentError, TransientError

MAX_ANSWER_BYTES = 512 * 1024 * 1024
IDLE_SECONDS = 50.0
FRESH_SECONDS = 2.0
_CONNECT_SECONDS = 15.0
_GZIP_OR_ZLIB = 47


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


class _Connection(asyncio.Protocol):
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
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._answered is None:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"the answer is not HTTP ({type(error).__name__})")

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self._answered is not None and self._until_close and exc is None:
            self.on_message_complete()
        self._fail("the connection was closed before the whole answer came")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self._until_close = not ({b"content-length", b"transfer-encoding"} & self._headers.keys())

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > MAX_ANSWER_BYTES:
            self._fail(f"the answer is larger than {MAX_ANSWER_BYTES} bytes", PermanentError)
            return
        self._parts.append(body)

    def on_message_complete(self) -> None:
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


class HttpClient:
    """Asks one server over as many connections as there are calls at a time.

    Args:
        address: where `post` goes; `request` goes to any target of the same server.
        headers: sent with every request.
        timeout_seconds: for one whole call.
    """

    def __init__(self, address: str, headers: dict[str, str], timeout_seconds: float) -> None:
        self._address = address
        self._url = urlsplit(address)
        if self._url.scheme not in {"http", "https"} or not self._url.hostname:
            raise ConfigError(f"{address}: expected an address that begins with http:// or https://")
        self._timeout = timeout_seconds
        self._tls = ssl.create_default_context() if self._url.scheme == "https" else None
        self._proxy = _proxy_for(self._url)
        self._before_target = ""
        if self._proxy and not self._tls:
            self._before_target = f"http://{self._url.netloc}"
            headers = {**headers, **_authorization(self._proxy)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._lines = f"Host: {self._url.netloc.rpartition('@')[2]}\r\nAccept-Encoding: gzip\r\n{lines}"
        target = self._url.path or "/"
        self._post_head = self._head("POST", f"{target}?{self._url.query}" if self._url.query else target)
        self._idle: list[_Connection] = []
        self._closed = False

    def _head(self, method: str, target: str) -> str:
        return f"{method} {self._before_target}{target} HTTP/1.1\r\n{self._lines}"

    async def post(self, headers: str, body: bytes, *, fresh: bool = False) -> Reply:
        """Post to the address and wait for the answer.

        Args:
            headers: more header lines, each ended with CRLF.
            body: what to send.
            fresh: only on a connection that the server had no time to close, so that a lost one means a lost answer.

        Raises:
            UnreachableError: nothing was sent.
            ConnectionFailedError: it was sent, and no answer came.
        """
        return await self._exchange(self._post_head, headers, body, fresh=fresh)

    async def request(self, method: str, target: str, headers: str, body: bytes = b"") -> Reply:
        """Send any request to the same server and wait for the answer.

        Args:
            method: GET, POST, ...
            target: path and query, escaped.
            headers: more header lines, each ended with CRLF.
            body: what to send.

        Raises:
            UnreachableError: nothing was sent.
            ConnectionFailedError: it was sent, and no answer came.
        """
        return await self._exchange(self._head(method, target), headers, body)

    async def _exchange(self, head: str, headers: str, body: bytes, *, fresh: bool = False) -> Reply:
        connection = self._take(FRESH_SECONDS if fresh else IDLE_SECONDS) or await self._connect()
        request = f"{head}{headers}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body
        try:
            reply = await connection.send(request, self._timeout)
        except BaseException:
            connection.close()
            raise
        if connection.open and not self._closed:
            self._idle.append(connection)
        else:
            connection.close()
        if reply.headers.get(b"content-encoding", b"identity") != b"identity":
            return Reply(reply.status, reply.headers, _inflate(reply.body))
        return reply

    def close(self) -> None:
        """Close all connections."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _take(self, idle_seconds: float) -> _Connection | None:
        oldest = time.monotonic() - idle_seconds
        while self._idle:
            connection = self._idle.pop()
            if connection.open and connection.used_at >= oldest:
                return connection
            connection.close()
        return None

    async def _connect(self) -> _Connection:
        proxy, url, tls = self._proxy, self._url, self._tls
        first = proxy or url
        loop = asyncio.get_running_loop()
        connection = _Connection(loop)
        try:
            async with asyncio.timeout(min(_CONNECT_SECONDS, self._timeout)):
                direct_tls = tls if proxy is None else None
                transport, _ = await loop.create_connection(
                    lambda: connection, first.hostname or "", first.port or _port(first), ssl=direct_tls
                )
                if proxy is not None and tls is not None:
                    await self._tunnel(connection, proxy)
                    upgraded = await loop.start_tls(transport, connection, tls, server_hostname=url.hostname)
                    connection.transport = cast(asyncio.Transport, upgraded)
        except ssl.SSLCertVerificationError as error:
            connection.close()
            raise ConfigError(
                f"{self._address}: the server's certificate is not trusted ({error.verify_message}); check the address"
            ) from None
        except (OSError, TimeoutError) as error:
            connection.close()
            through = f" through the proxy {first.hostname}" if proxy else ""
            raise UnreachableError(f"{self._address} cannot be reached{through} ({_reason(error)})") from None
        return connection

    async def _tunnel(self, connection: _Connection, proxy: SplitResult) -> None:
        there = f"{self._url.hostname}:{self._url.port or 443}"
        lines = "".join(f"{name}: {value}\r\n" for name, value in _authorization(proxy).items())
        # An answer to CONNECT has no body, and says so by no header: whatever else comes belongs to TLS.
        answer = await _Tunnel.open(connection, f"CONNECT {there} HTTP/1.1\r\nHost: {there}\r\n{lines}\r\n".encode())
        if answer != 200:
            raise ConnectionError(f"the proxy answers {answer}")


class _Tunnel(asyncio.Protocol):
    """Reads the head of a proxy's answer to CONNECT, and nothing after it."""

    def __init__(self, answered: "asyncio.Future[int]") -> None:
        self._answered = answered
        self._head = b""

    @classmethod
    async def open(cls, connection: _Connection, request: bytes) -> int:
        transport = connection.transport
        if transport is None:
            raise ConnectionError("the proxy closed the connection")
        protocol = cls(asyncio.get_running_loop().create_future())
        transport.set_protocol(protocol)
        transport.write(request)
        status = await protocol._answered
        transport.set_protocol(connection)
        return status

    def data_received(self, data: bytes) -> None:
        self._head += data
        if b"\r\n\r\n" in self._head and not self._answered.done():
            words = self._head.split(b" ", 2)
            self._answered.set_result(int(words[1]) if len(words) > 1 and words[1].isdigit() else 0)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._answered.done():
            self._answered.set_exception(ConnectionError("the proxy closed the connection"))


def _inflate(body: bytes) -> bytes:
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        whole = inflater.decompress(body, MAX_ANSWER_BYTES)
    except zlib.error:
        raise ConnectionFailedError("the answer's compression is broken") from None
    if not inflater.eof:
        raise ConnectionFailedError("the answer is cut off")
    return whole


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "the name is not known"
    return str(error.strerror or "refused") if isinstance(error, OSError) and error.strerror else type(error).__name__


def _port(url: SplitResult) -> int:
    return 443 if url.scheme == "https" else 80


def _proxy_for(url: SplitResult) -> SplitResult | None:
    """The proxy that the environment names for this address, as every other HTTP client of this machine uses it."""
    from urllib.request import getproxies, proxy_bypass

    given = getproxies().get(url.scheme)
    if not given or proxy_bypass(url.netloc.rpartition("@")[2]):
        return None
    return urlsplit(given if "://" in given else f"http://{given}")


def _authorization(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
