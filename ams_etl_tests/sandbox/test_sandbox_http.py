"""The HTTP beneath: kept-alive, bounded, and not to be held up."""

import re
import socket
import time
from urllib.parse import urlsplit

import pytest

from ams_etl.sandbox import http as sandbox_http
from ams_etl.sandbox.http import Connection, Request, Response
from ams_etl_tests.sandbox_process import Sandbox


def _exchange(sandbox: Sandbox, *pieces: bytes) -> bytes:
    """Send pieces, half-close, and read until the sandbox closes."""
    where = urlsplit(sandbox.url)
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.05 if len(pieces) > 1 else 0)  # so that they are not put together on the way
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            pass
        return received


_GET = b"GET /sandbox/stats HTTP/1.1\r\nHost: x\r\n"


def test_requests_on_one_connection_are_answered_in_order(shared_sandbox: Sandbox) -> None:
    """A thousand in one packet neither recurse nor overtake each other."""
    answers = _exchange(shared_sandbox, (_GET + b"\r\n") * 999 + b"GET /none HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200"] * 999 + [b"404"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/2.0\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"400"),
        (b"POST /v3/WSAPIService.svc HTTP/1.1\r\n\r\n", b"411"),
        (b"POST /v3/WSAPIService.svc HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /v3/WSAPIService.svc HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"POST /v3/WSAPIService.svc HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
        (b"POST /v3/WSAPIService.svc HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (
            b"POST /V3/wsapiservice.SVC HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
            b"415",
        ),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 40_000, b"431"),
        (b"PUT /v3/WSAPIService.svc HTTP/1.1\r\nConnection: close\r\n\r\n", b"405"),
        (b"GET /elsewhere HTTP/1.0\r\n\r\n", b"404"),
    ],
)
def test_a_request_that_cannot_be_served_is_answered_and_the_connection_closed(
    shared_sandbox: Sandbox, sent: bytes, status: bytes
) -> None:
    assert _exchange(shared_sandbox, sent).split()[1] == status


def test_a_request_in_pieces_is_put_together_and_told_to_continue(shared_sandbox: Sandbox) -> None:
    head = b"POST /sandbox/edit HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    answer = _exchange(shared_sandbox, head[:20], head[20:], b"nu", b"ll")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 ")
    assert answer.count(b"100 Continue") == 1


def test_an_unfinished_request_is_given_less_patience_than_an_idle_connection() -> None:
    def never(request: Request) -> Response:
        raise AssertionError(request)

    connection = Connection(never, lambda: None)
    now = connection._heard
    assert not connection.overdue(now + sandbox_http.PATIENCE_SECONDS + 1)
    assert connection.overdue(now + sandbox_http.IDLE_SECONDS + 1)
    connection.data_received(b"POST ")
    assert connection.overdue(connection._heard + sandbox_http.PATIENCE_SECONDS + 1)
