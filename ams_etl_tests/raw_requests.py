"""HTTP requests broken as bytes, beneath what a client library would send, and the status that each is answered with.

`REQUESTS=20000` in the environment sends more of them.
"""

import os
import random
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

MANY = int(os.environ.get("REQUESTS", "300"))
_HEADERS = (
    b"Transfer-Encoding: chunked", b"Content-Length: -1", b"Content-Length: 99999999999999999999", b"Content-Length: 3, 3",
    b"Expect: 100-continue", b"Upgrade: websocket\r\nConnection: upgrade", b"Connection: close", b"Host: \xff\xfe",
    b"Authorization: \xf0\x9f", b"Content-Encoding: gzip", b"Content-Type: multipart/form-data; boundary=", b": nameless",
    b"Range: bytes=9-1", b"X-Forwarded-For: \xff", b"Accept-Language: \x80", b"Cookie: a=\x00", b" folded",
)  # fmt: skip
_CHUNKS = (b"5\r\nab", b"FFFFFFFFFFFFFFFFF\r\n", b"-1\r\n\r\n", b"0\r\n\r\n", b"1;ext=\xff\r\na\r\n0\r\nX: y\r\n\r\n")


def request(method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    """Return a request as a client would send it."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def broken(whole: Sequence[bytes], rng: random.Random) -> bytes:
    """Return one of the requests with one to three things of its bytes changed."""
    found = rng.choice(whole)
    for _ in range(rng.choice((1, 1, 2, 3))):
        found = rng.choice(_CHANGES)(found, rng)
    return found


def status_of(url: str, sent: bytes) -> int | None:
    """Return the status of what the server answers last; None where it closes without an answer."""
    parts = urlsplit(url)
    answered = b""
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection, suppress(OSError):
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65536):
            answered += piece
    statuses = [line.split()[1] for line in answered.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    return max(map(int, statuses), default=None)


def _flip(sent: bytes, rng: random.Random) -> bytes:
    changed = bytearray(sent)
    for _ in range(rng.choice((1, 3, 20))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(sent: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(sent))
    return sent[:start] + sent[start + rng.choice((1, 20, len(sent))) :] or b"\r\n"


def _repeat(sent: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(sent))
    piece = sent[start : start + rng.randrange(1, 40)]
    return sent[:start] + piece * rng.choice((2, 5, 200)) + sent[start:]


def _insert(sent: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(sent))
    return sent[:place] + rng.randbytes(rng.choice((1, 4, 100))) + sent[place:]


def _with_header(sent: bytes, rng: random.Random) -> bytes:
    return sent.replace(b"\r\n", b"\r\n" + rng.choice(_HEADERS) + b"\r\n", 1)


def _in_chunks(sent: bytes, rng: random.Random) -> bytes:
    head, _, _ = sent.partition(b"\r\n\r\n")
    return (
        head.replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nX-Length") + b"\r\n\r\n" + rng.choice(_CHUNKS)
    )


def _bare_lines(sent: bytes, rng: random.Random) -> bytes:
    return sent.replace(b"\r\n", rng.choice((b"\n", b"\r", b"\r\n\r\n")), rng.choice((1, -1)))


def _twice(sent: bytes, rng: random.Random) -> bytes:
    del rng
    return sent + sent


_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip, _cut, _repeat, _insert, _with_header, _in_chunks, _bare_lines, _twice,
)  # fmt: skip
