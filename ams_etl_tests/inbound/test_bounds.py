"""What one client may cost the service: headers, connections, time; and no input at any route is a 500."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from ams_etl.serving.bounded_protocol import MAX_HEAD_BYTES, MAX_HEADERS
from ams_etl_tests.inbound.bodies import ASSUMED
from ams_etl_tests.inbound.service_process import Service, running_service, write_agencies

_MOST = 40


@pytest.fixture
def small_service(tmp_path: Path, database: str) -> Iterator[Service]:
    """One that takes few connections."""
    write_agencies(tmp_path)
    file = tmp_path / "agencies.yaml"
    file.write_text(file.read_text().replace("inbound: {", f"inbound: {{max_connections: {_MOST}, "))
    with running_service(tmp_path, database) as service:
        yield service


def _connected(service: Service) -> socket.socket:
    parts = urlsplit(service.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10)


def _answer(connection: socket.socket) -> bytes:
    with suppress(OSError):
        return connection.recv(65536)
    return b""


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"POST /notifications/demo HTTP/1.1\r\nHost: x\r\nX-A: ",
        b"POST / HTTP/1.1\r\ncontent-length: 90\r\n\r\n<a>",
    ],
    ids=["silent", "half a header", "half a body"],
)
def test_half_sent_requests_of_one_client_shut_nobody_out(small_service: Service, half: bytes) -> None:
    with ExitStack() as stack:
        for number in range(5 * _MOST):
            connection = stack.enter_context(_connected(small_service))
            with suppress(OSError):
                connection.sendall(half)
            if number % 40 == 39:
                assert small_service.post(ASSUMED["json"])[0] == 200


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * (2 * MAX_HEAD_BYTES) + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * (2 * MAX_HEAD_BYTES) + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * (2 * MAX_HEADERS) + b"\r\n",
    ],
    ids=["address", "one header", "many headers"],
)
def test_headers_are_bounded(service: Service, head: bytes) -> None:
    with _connected(service) as connection:
        connection.sendall(head)
        assert _answer(connection).startswith(b"HTTP/1.1 431 ")
    assert service.ask("GET", "/healthz")[0] == 200


@pytest.mark.parametrize(
    "endless",
    [
        (b"GET /healthz HTTP/1.1\r\nX-A: ", b"a" * 65536),
        (b"GET /healthz HTTP/1.1\r\n", b"X-A: b\r\n" * 8192),
        (b"GET /", b"a" * 65536),
        (b"POST /notifications/demo HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;", b"a" * 65536),
        (b"POST /notifications/demo HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-A: ", b"a" * 65536),
    ],
    ids=["one header", "many headers", "address", "chunk extension", "trailer"],
)
def test_endless_input_costs_no_memory(service: Service, endless: tuple[bytes, bytes]) -> None:
    process = psutil.Process(service.process.pid)
    before = process.memory_info().rss
    begun, more = endless
    with _connected(service) as connection, suppress(OSError):
        connection.sendall(begun)
        for _ in range(1000):
            connection.sendall(more)
        pytest.fail("60 MB of headers were taken")
    assert process.memory_info().rss - before < 20_000_000
    assert service.ask("GET", "/healthz")[0] == 200


def test_a_connection_that_says_nothing_ends(service: Service) -> None:
    with _connected(service) as connection:
        until = time.monotonic() + 8
        connection.settimeout(8)
        assert _answer(connection) == b""
        assert time.monotonic() < until
