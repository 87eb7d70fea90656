"""What one client may cost the integration page before it signs in; the bounds themselves are the inbound service's."""

import random
import socket
from collections import Counter
from contextlib import suppress
from urllib.parse import urlsplit

import psutil
import pytest

from ams_etl.serving.bounded_protocol import MAX_HEADERS
from ams_etl_tests.pages.pages_process import Site
from ams_etl_tests.raw_requests import MANY, broken, request, status_of


def test_no_bytes_are_a_500(site: Site) -> None:
    """Requests broken beneath HTTP, to pages and to forms that nobody has signed in for."""
    form = (b"name=a&password=b&csrf=c", "Content-Type: application/x-www-form-urlencoded", "Cookie: ams_etl_session=x")
    whole = [
        *(request("GET", path) for path in ("/", "/sign-in?next=/acme", "/acme/contacts?q=%ff", "/static/style.css", "/healthz")),
        *(request("POST", path, *form) for path in ("/sign-in", "/sign-out", "/acme/sync", "/acme/users/import")),
    ]  # fmt: skip
    rng = random.Random(1)
    answers = Counter(status_of(site.url, broken(whole, rng)) for _ in range(MANY))
    assert {status for status in answers if status is not None and status >= 500} == set(), answers
    assert answers[303], answers
    assert answers[400], answers


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
