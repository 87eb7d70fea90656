"""Bodies that nobody meant: assumed notifications, broken in the ways that networks, old software and people break them."""

import random
from collections.abc import Callable
from itertools import pairwise

from ams_etl_tests.inbound.bodies import ASSUMED, ASSUMED_GUID

_FIXTURES = list(ASSUMED.values())
_ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1", "cp037", "utf-7", "shift-jis")
_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaa">%b]><CustomerUpdated><CustomerId>&z;'
    b"</CustomerId></CustomerUpdated>"
)
_OUTSIDE = b'<!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/passwd">]><CustomerUpdated><CustomerId>&x;</CustomerId></CustomerUpdated>'


def mutate(rng: random.Random, size: int = 200_000) -> bytes:
    """One body of at most `size` bytes; most of them stay close to something that is understood."""
    body = rng.choice(_FIXTURES)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        body = rng.choices([mutation for mutation, _ in _MUTATIONS], [weight for _, weight in _MUTATIONS])[0](rng, body)
        body = body[:size]
    return body


_WORDS = [word.encode() for word in (
    "Customer", "CustomerId", "CustId", "Policy", "PolicyId", "Employee", "EmployeeCode", "Claim", "Update", "Updated", "Deleted",
    "I", "ObjectType", "ChangeType", "Action", "Event", "Name", "Value", "Key", "Keys", "Notification", "CustomerUpdated",
    "PolicyDelete", "AgencyNo", "5551234-1", ASSUMED_GUID, "customerId", "objectType", "change", "keys", "n:", "s:Body", "", " ",
)]  # fmt: skip


def _reword(rng: random.Random, body: bytes) -> bytes:
    """Another word in place of one: the document stays one, and means something else, or nothing."""
    word = rng.choice([word for word in _WORDS if word and word in body] or [b" "])
    return body.replace(word, rng.choice(_WORDS), rng.choice((1, -1)))


def _flip(rng: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(rng.choice((1, 1, 3, 20))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _truncate(rng: random.Random, body: bytes) -> bytes:
    return body[: rng.randrange(len(body) + 1)]


def _splice(rng: random.Random, body: bytes) -> bytes:
    other = rng.choice(_FIXTURES)
    return body[: rng.randrange(len(body) + 1)] + other[rng.randrange(len(other)) :]


def _repeat(rng: random.Random, body: bytes) -> bytes:
    start = rng.randrange(len(body) + 1)
    piece = body[start : start + rng.randrange(1, 60)]
    return body[:start] + piece * rng.choice((2, 10, 500)) + body[start:]


def _insert(rng: random.Random, body: bytes) -> bytes:
    start = rng.randrange(len(body) + 1)
    piece = rng.choice((
        rng.randbytes(rng.randrange(1, 40)), b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"&#x0;", b"&#xd800;", b"&nbsp;", b"]]>",
        b"<![CDATA[", b"\\ud800", b"<!--", b"<?x y?>", b'"', b"{", b"[", b"<a>", b"&lt;a&gt;", b"1e999", b"9" * 5000, b"NaN",
    ))  # fmt: skip
    return body[:start] + piece + body[start:]


def _nest(rng: random.Random, body: bytes) -> bytes:
    depth = rng.choice((50, 90, 110, 300, 5000))
    return rng.choice((
        b"<a>" * depth + body + b"</a>" * depth, b"[" * depth + body + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth,
    ))  # fmt: skip


def _huge(rng: random.Random, body: bytes) -> bytes:
    big = rng.choice((b"x", b"&amp;", b"\xc3\xa9")) * rng.choice((1000, 20000))
    return rng.choice((
        body.replace(b">", b' a="' + big + b'">', 1), body.replace(b">", b">" + big, 1), body.replace(b":", b": " + big, 1),
        b"<" + big + b">", b'{"' + big + b'": 1}', b"<a " + b" ".join(b'a%d=""' % number for number in range(3000)) + b"/>",
        b"<a>" + b"<b/>" * 15000 + b"</a>", b"[" + b"{}," * 15000 + b"{}]",
    ))  # fmt: skip


def _encode(rng: random.Random, body: bytes) -> bytes:
    text = body.decode("utf-8", "replace")
    wide = text.encode(rng.choice(_ENCODINGS), "replace")
    return wide[rng.choice((0, 0, 1)) :]


def _bomb(rng: random.Random, body: bytes) -> bytes:
    letters = "abcdefghijklmnopqrstuvwxyz"
    levels = b"".join(f'<!ENTITY {after} "{f"&{before};" * 10}">'.encode() for before, after in pairwise(letters))
    plain = rng.choice((_BOMB.replace(b"%b", levels), _OUTSIDE, b"<!DOCTYPE a>" + body))
    return plain.decode("utf-8", "replace").encode("utf-16") if rng.random() < 0.3 else plain


_MUTATIONS: list[tuple[Callable[[random.Random, bytes], bytes], float]] = [
    (_reword, 50), (_flip, 15), (_truncate, 10), (_splice, 10), (_repeat, 8), (_insert, 20), (_nest, 3), (_huge, 3),
    (_encode, 8), (_bomb, 3),
]  # fmt: skip
