"""The HTTP client against servers that are decent, odd and broken."""

import asyncio
import gzip
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ams_etl.errors import AnswerTooLarge, ConfigError
from ams_etl.sources.http.client import HttpClient
from ams_etl.sources.http.connection import MAX_ANSWER_BYTES, ConnectionFailedError, UnreachableError
from ams_etl_tests.sources.scripted_server import HANG_UP, SAY_NOTHING, answer, scripted_server

LONG = b"<x>" + b"abc" * 200_000 + b"</x>"


@asynccontextmanager
async def client_for(url: str, timeout: float = 5) -> AsyncIterator[HttpClient]:
    client = HttpClient(url, {"Content-Type": "text/xml"}, timeout)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (answer(b"<a/>"), b"<a/>"),
        (answer(LONG), LONG),
        (answer(b""), b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<a>\r\n4\r\n</a>\r\n0\r\n\r\n", b"<a></a>"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"<a/>"), b"<a/>"),
        (b"HTTP/1.0 200 OK\r\n\r\n<until the end/>" + HANG_UP, b"<until the end/>"),
        (answer(gzip.compress(LONG), Content_Encoding="gzip"), LONG),
    ],
)
async def test_every_way_to_send_a_body_is_read(said: bytes, body: bytes) -> None:
    async with scripted_server(said) as server, client_for(server.url) as client:
        reply = await client.post("", b"?")
        assert (reply.status, reply.body) == (200, body)


@pytest.mark.parametrize(
    "said",
    [
        answer(gzip.compress(b" " * (MAX_ANSWER_BYTES + 1), 9), Content_Encoding="gzip"),
        answer(b" " * (MAX_ANSWER_BYTES + 1)),
        b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (MAX_ANSWER_BYTES + 1) + HANG_UP,
    ],
    ids=["inflated", "announced", "endless"],
)
async def test_an_answer_beyond_the_bound_is_refused_once(said: bytes) -> None:
    """It is the record's error, not the network's: another try would bring the same answer."""
    async with scripted_server(said) as server, client_for(server.url, timeout=60) as client:
        with pytest.raises(AnswerTooLarge, match="larger than 32,000,000 bytes"):
            await client.post("", b"?")


async def test_a_request_says_what_it_must() -> None:
    async with scripted_server(answer(b"")) as server, client_for(server.url) as client:
        await client.post('SOAPAction: "a"\r\n', b"<body/>")
        assert server.requests == [
            f"POST /service HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAccept-Encoding: gzip\r\n"
            'Content-Type: text/xml\r\nSOAPAction: "a"\r\nContent-Length: 7\r\n\r\n<body/>'.encode()
        ]


async def test_connections_are_kept_alive() -> None:
    async with scripted_server(answer(b"<a/>")) as server, client_for(server.url) as client:
        for _ in range(5):
            await client.post("", b"?")
        assert server.connections == 1
        await asyncio.gather(*(client.post("", b"?") for _ in range(3)))
        assert server.connections == 3


async def test_a_server_that_asks_to_close_is_asked_anew() -> None:
    async with scripted_server(answer(b"<a/>", Connection="close")) as server, client_for(server.url) as client:
        await client.post("", b"?")
        await client.post("", b"?")
        assert server.connections == 2


async def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    async with scripted_server(answer(b"<a/>") + HANG_UP) as server, client_for(server.url) as client:
        await client.post("", b"?")
        await asyncio.sleep(0.05)
        await client.post("", b"?")
        assert server.connections == 2


@pytest.mark.parametrize(
    "said",
    [
        HANG_UP,
        answer(b"<a/>" * 10)[:-3] + HANG_UP,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n<a>" + HANG_UP,
        b"SMTP ready\r\n\r\n",
        answer(gzip.compress(LONG)[:-20], Content_Encoding="gzip"),
        answer(b"not gzip at all", Content_Encoding="gzip"),
    ],
)
async def test_a_broken_answer_is_no_answer(said: bytes) -> None:
    async with scripted_server(said) as server, client_for(server.url) as client:
        with pytest.raises(ConnectionFailedError):
            await client.post("", b"?")


async def test_the_next_call_is_not_given_a_late_answer() -> None:
    """An answer that comes after its time-out must not be taken for the next call's."""
    async with scripted_server(answer(b"<late/>"), pause=lambda: 0.15) as server, client_for(server.url, 0.1) as client:
        with pytest.raises(ConnectionFailedError, match=r"no answer within 0\.1 s"):
            await client.post("", b"?")
        with pytest.raises(ConnectionFailedError):
            await client.post("", b"?")
        assert server.connections == 2


async def test_silence_ends() -> None:
    async with scripted_server(SAY_NOTHING) as server, client_for(server.url, 0.1) as client:
        with pytest.raises(ConnectionFailedError, match="no answer within"):
            await client.post("", b"?")


async def test_a_cancelled_call_gives_its_connection_up() -> None:
    async with scripted_server(answer(b"<a/>"), pause=lambda: 0.1) as server, client_for(server.url) as client:
        call = asyncio.ensure_future(client.post("", b"?"))
        await asyncio.sleep(0.03)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await client.post("", b"?")).body == b"<a/>"
        assert server.connections == 2


async def test_nobody_there() -> None:
    async with client_for("http://127.0.0.1:9/service") as client:
        with pytest.raises(UnreachableError, match=r"http://127\.0\.0\.1:9/service cannot be reached"):
            await client.post("", b"?")


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(ConfigError, match="expected an address"):
        HttpClient("wsapi.ams360.com/v3", {}, 1)


async def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted_server(answer(b"<a/>")) as proxy:
        monkeypatch.setenv("http_proxy", f"http://user:p%40ss@127.0.0.1:{proxy.port}")
        async with client_for("http://wsapi.invalid/v3") as client:
            await client.post("", b"?")
        assert proxy.requests[0].startswith(b"POST http://wsapi.invalid/v3 HTTP/1.1\r\nHost: wsapi.invalid\r\n")
        assert b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in proxy.requests[0]


async def test_a_proxy_that_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted_server(answer(b"", "403 Forbidden")) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        async with client_for("https://wsapi.invalid/v3") as client:
            with pytest.raises(UnreachableError, match=r"through the proxy 127\.0\.0\.1"):
                await client.post("", b"?")
        assert proxy.requests[0].startswith(b"CONNECT wsapi.invalid:443 HTTP/1.1\r\n")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
@pytest.mark.parametrize("through_proxy", [False, True])
async def test_tls_checks_the_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, through_proxy: bool) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"?")
        writer.write(answer(b"<a/>"))
        await writer.drain()
        writer.close()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    if through_proxy:
        monkeypatch.setenv("https_proxy", f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")
    try:
        async with client_for(f"https://localhost:{port}/") as client:
            with pytest.raises(ConfigError, match="certificate is not trusted"):
                await client.post("", b"?")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with client_for(f"https://localhost:{port}/") as client:
            assert (await client.post("", b"?")).body == b"<a/>"
    finally:
        server.close()
        proxy.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()
