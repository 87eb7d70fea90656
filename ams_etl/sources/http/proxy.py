"""The way through a proxy: which one, who asks, and the tunnel that TLS goes through."""

import asyncio
from base64 import b64encode
from urllib.parse import SplitResult, unquote, urlsplit


def proxy_for(url: SplitResult) -> SplitResult | None:
    """The proxy that the environment names for this address, as every other HTTP client of this machine uses it."""
    from urllib.request import getproxies, proxy_bypass

    given = getproxies().get(url.scheme)
    if not given or proxy_bypass(url.netloc.rpartition("@")[2]):
        return None
    return urlsplit(given if "://" in given else f"http://{given}")


def authorization(proxy: SplitResult) -> dict[str, str]:
    """The header that tells the proxy who asks; none where its address names nobody."""
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


async def open_tunnel(transport: asyncio.Transport, then: asyncio.Protocol, proxy: SplitResult, there: str) -> None:
    """Have the proxy pass on what follows to another server.

    Args:
        transport: a connection to the proxy.
        then: who reads it afterwards.
        proxy: its address, for the authorisation.
        there: host and port of the other server.

    Raises:
        ConnectionError: the proxy refuses, or closes the connection.
    """
    if transport.is_closing():
        raise ConnectionError("the proxy closed the connection")
    lines = "".join(f"{name}: {value}\r\n" for name, value in authorization(proxy).items())
    answer = _Answer(asyncio.get_running_loop().create_future())
    transport.set_protocol(answer)
    transport.write(f"CONNECT {there} HTTP/1.1\r\nHost: {there}\r\n{lines}\r\n".encode())
    # An answer to CONNECT has no body, and says so by no header: whatever else comes belongs to TLS.
    status = await answer.status
    transport.set_protocol(then)
    if status != 200:
        raise ConnectionError(f"the proxy answers {status}")


class _Answer(asyncio.Protocol):
    """Reads the head of a proxy's answer to CONNECT, and nothing after it."""

    def __init__(self, status: "asyncio.Future[int]") -> None:
        self.status = status
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        if b"\r\n\r\n" in self._head and not self.status.done():
            words = self._head.split(b" ", 2)
            self.status.set_result(int(words[1]) if len(words) > 1 and words[1].isdigit() else 0)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.status.done():
            self.status.set_exception(ConnectionError("the proxy closed the connection"))
