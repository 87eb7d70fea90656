"""What one client may cost the integration page before it signs in; the bounds themselves are the inbound service's."""

import socket
from contextlib import suppress
from urllib.parse import urlsplit

import psutil
import pytest

from ams_etl.serving.bounded_protocol import MAX_HEADERS
from ams_etl_tests.pages.pages_process import Site


def test_headers_are_bounded_before_anybody_signs_in(site: Site) -> None:
    parts = urlsplit(site.url)
    process = psutil.Process(site.process.pid)
    before = process.memory_info().rss
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(b"GET /sign-in HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * (2 * MAX_HEADERS) + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 431 ")
    with (
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection,
        suppress(OSError),
    ):
        connection.sendall(b"GET /sign-in HTTP/1.1\r\nX-A: ")
        for _ in range(1000):
            connection.sendall(b"a" * 65536)
        pytest.fail("60 MB of headers were taken")
    assert process.memory_info().rss - before < 20_000_000
