"""Change one thing in a SOAP answer, and check that what is read of it is right, rejected, or an error that says why."""

import random
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from lxml import etree

from ams_etl.errors import AmsEtlError, TransientError
from ams_etl.sources.calling.answers import Listing, Record, with_keys
from ams_etl.sources.soap.decoder import Decoder

LOSSY = ("drop", "empty")
"""What these change is lost at the source: nothing tells it from a value that never was."""
KINDS = (
    *LOSSY,
    "double",
    "double_otherwise",
    "retype",
    "namespace",
    "unqualify",
    "case",
    "nest",
    "long",
    "illegal",
    "truncate",
)
_FORBIDDEN = ("&#xB;", "&#x1F;", "&#0;", "&#xD800;", "\x01", "\x0b")
_MARK = "MUTATED"


@dataclass(frozen=True, slots=True)
class Listed:
    """One list operation's answer as the sandbox gave it: the member with its records, and their key."""

    operation: str
    body: bytes
    member: str
    key: str

    def read(self, decoder: Decoder, body: bytes) -> Listing:
        """Decode a body as the client does."""
        decoded = decoder.decode(self.operation, body)
        return with_keys((decoded.value or {}).get(self.member) or [], self.key, decoded.rejected)


@dataclass(slots=True)
class Mutation:
    """A changed answer; `name` and `old` are the changed element's, `holds` the keys of the records it is or holds."""

    kind: str
    body: bytes
    name: str
    new: str | None
    holds: frozenset[str]


def mutate(chance: random.Random, listed: Listed) -> Mutation:
    """Change one element below the answer's own, or the bytes."""
    kind = chance.choice(KINDS)
    if kind == "truncate":
        return Mutation(kind, listed.body[: chance.randrange(1, len(listed.body) - 1)], "", None, frozenset())
    root = etree.fromstring(listed.body)
    answer = root[-1][0]
    below = list(answer.iterdescendants())
    if kind in {"retype", "illegal", "long", "nest", "double_otherwise"}:
        below = [element for element in below if not len(element) and element.text]
    target = chance.choice(below)
    name = etree.QName(target).localname
    holds = frozenset(_keys_in(target, listed.key))
    new = _change(chance, kind, target)
    body = etree.tostring(root)
    if kind == "illegal":
        body = body.replace(_MARK.encode(), chance.choice(_FORBIDDEN).encode())
    return Mutation(kind, body, name, new, holds)


def _change(chance: random.Random, kind: str, target: Any) -> str | None:
    name, parent = etree.QName(target), target.getparent()
    match kind:
        case "drop":
            parent.remove(target)
        case "empty":
            for child in list(target):
                target.remove(child)
            target.text = None
        case "double":
            target.addnext(deepcopy(target))
        case "double_otherwise":
            other = deepcopy(target)
            other.text = f"{target.text}1"
            target.addnext(other)
        case "retype":
            target.text = chance.choice(["zzz", "maybe", "12.5", "31/31/2020", "-"])
        case "namespace":
            target.tag = f"{{urn:v31}}{name.localname}"
        case "unqualify":
            target.tag = name.localname if name.namespace else f"{{urn:v31}}{name.localname}"
        case "case":
            target.tag = (
                f"{{{name.namespace}}}{name.localname.swapcase()}" if name.namespace else name.localname.swapcase()
            )
        case "nest":
            etree.SubElement(target, "inner").text = target.text
            target.text = None
        case "long":
            target.text = "x" * 100_001
        case "illegal":
            target.text = f"{target.text[:1]}{_MARK}{target.text[1:]}"
    return target.text if kind in {"retype", "long"} else None


def read_or_error(listed: Listed, decoder: Decoder, body: bytes) -> Listing | AmsEtlError:
    """Decode a body, or return the error that it ends in."""
    try:
        return listed.read(decoder, body)
    except AmsEtlError as error:
        return error


def check(listed: Listed, decoder: Decoder, mutation: Mutation) -> str:
    """Assert that nothing is lost without a word, and return how the mutation came out."""
    before = {str(record[listed.key]): record for record in listed.read(decoder, listed.body).records}
    found = read_or_error(listed, decoder, mutation.body)
    if isinstance(found, TransientError):
        assert mutation.kind == "truncate", (mutation.kind, mutation.name, str(found))
        return "error"
    if isinstance(found, AmsEtlError):
        assert mutation.name.lower() in str(found).lower(), (mutation.kind, mutation.name, str(found))
        return "error"
    after = {str(record[listed.key]): record for record in found.records}
    missing = before.keys() - after.keys()
    renamed = mutation.kind == "retype" and mutation.name == listed.key and mutation.new in after
    excused = mutation.holds if mutation.kind in LOSSY or renamed else frozenset()
    unexplained = len(missing - excused) - len(found.rejected)
    assert unexplained <= 0, (mutation.kind, mutation.name, missing)
    assert mutation.kind != "truncate"
    for key in before.keys() & after.keys():
        _check_record(before[key], after[key], mutation)
    return "rejected" if found.rejected else "read"


def _check_record(before: Record, after: Record, mutation: Mutation) -> None:
    lost = Counter(_leaves(before)) - Counter(_leaves(after))
    for path, value in lost:
        assert mutation.kind in {*LOSSY, "retype", "illegal"}, (mutation.kind, mutation.name, path)
        assert mutation.name in path, (mutation.kind, mutation.name, path)
        if mutation.kind == "illegal":
            now = [text for place, text in _leaves(after) if place == path]
            assert any(str(text).replace(" ", "") == str(value).replace(" ", "") for text in now), (path, mutation.kind)
        if mutation.kind == "retype":
            now = [text for place, text in _leaves(after) if place == path]
            assert mutation.new in now, (path, mutation.kind, mutation.new)


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, (*path, name))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, path)
    elif value is not None:
        yield path, value


def _keys_in(element: Any, key: str) -> Iterator[str]:
    for part in element.iter():
        if isinstance(part.tag, str) and etree.QName(part).localname == key and part.text:
            yield part.text
