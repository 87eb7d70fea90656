"""HTTP/1.1 with as little of our own time as possible: kept-alive connections, one request at a time on each.

A read costs five to six small calls a customer, so the cost of a call decides how fast a sync is: this needs a
quarter of aiohttp's. Holds connections and bytes. Does not hold SOAP, retries or how many calls are in flight.
"""

import asyncio
import socket
import ssl
import time
import zlib
from typing import cast
from urllib.parse import SplitResult, urlsplit

from ams_etl.errors import AnswerTooLarge, ConfigError, DataError
from ams_etl.sources.http.connection import MAX_ANSWER_BYTES, Connection, ConnectionFailedError, Reply, UnreachableError
from ams_etl.sources.http.proxy import authorization, open_tunnel, proxy_for

IDLE_SECONDS = 50.0
FRESH_SECONDS = 2.0
_CONNECT_SECONDS = 15.0
_GZIP_OR_ZLIB = 47
_ENCODINGS = frozenset({b"gzip", b"x-gzip", b"deflate"})


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
        self._proxy = proxy_for(self._url)
        self._before_target = ""
        if self._proxy and not self._tls:
            self._before_target = f"http://{self._url.netloc}"
            headers = {**headers, **authorization(self._proxy)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._lines = f"Host: {self._url.netloc.rpartition('@')[2]}\r\nAccept-Encoding: gzip\r\n{lines}"
        target = self._url.path or "/"
        self._post_head = self._head("POST", f"{target}?{self._url.query}" if self._url.query else target)
        self._idle: list[Connection] = []
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
        encoding = reply.headers.get(b"content-encoding", b"identity").strip().lower()
        if encoding not in {b"identity", b""}:
            if encoding not in _ENCODINGS:
                name = encoding.decode("latin-1")
                raise DataError(f"the answer's content-encoding is {name!r}; expected gzip or deflate")
            return Reply(reply.status, reply.headers, _inflate(reply.body))
        return reply

    def close(self) -> None:
        """Close all connections."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _take(self, idle_seconds: float) -> Connection | None:
        oldest = time.monotonic() - idle_seconds
        while self._idle:
            connection = self._idle.pop()
            if connection.open and connection.used_at >= oldest:
                return connection
            connection.close()
        return None

    async def _connect(self) -> Connection:
        proxy, url, tls = self._proxy, self._url, self._tls
        first = proxy or url
        loop = asyncio.get_running_loop()
        connection = Connection(loop)
        try:
            async with asyncio.timeout(min(_CONNECT_SECONDS, self._timeout)):
                direct_tls = tls if proxy is None else None
                transport, _ = await loop.create_connection(
                    lambda: connection, first.hostname or "", first.port or _port(first), ssl=direct_tls
                )
                if proxy is not None and tls is not None:
                    await open_tunnel(transport, connection, proxy, f"{url.hostname}:{url.port or 443}")
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


def _inflate(body: bytes) -> bytes:
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        whole = inflater.decompress(body, MAX_ANSWER_BYTES)
    except zlib.error:
        raise ConnectionFailedError("the answer's compression is broken") from None
    if inflater.unconsumed_tail:
        raise AnswerTooLarge(f"the answer is larger than {MAX_ANSWER_BYTES:,} bytes")
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
