"""Bytes from the open internet into one small tree, whatever their format: SOAP 1.1, SOAP 1.2, plain XML or JSON.

XML is read without DTDs, entities or network; size, depth and count are bounded. Nothing here raises on any body.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl

from lxml import etree

from ams_etl.inbound.notifications.mapping import normal

MAX_NODES = 20_000
MAX_DEPTH = 100
_INNER_DOCUMENTS = 2
"""How often a document may lie inside another's text, as older services like to send them."""


class BodyFormat(StrEnum):
    """How a body is written."""

    SOAP11 = "soap11"
    SOAP12 = "soap12"
    XML = "xml"
    JSON = "json"
    UNKNOWN = "unknown"


ENVELOPES = {
    BodyFormat.SOAP11: "http://schemas.xmlsoap.org/soap/envelope/",
    BodyFormat.SOAP12: "http://www.w3.org/2003/05/soap-envelope",
}
_HEAD = 4096
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_ENVELOPE = re.compile(rb"<(?:[\w.-]+:)?Envelope[\s>]")
_FORM = re.compile(rb"\s*[\w.%+~*-]{1,200}+=[\w.%+~*!'()/:,;@-]*+(?:&[\w.%+~*-]{1,200}+=[\w.%+~*!'()/:,;@-]*+)*\s*")
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


@dataclass(slots=True)
class Node:
    """An element, attribute or JSON member; `text` is what a leaf holds, None where it holds nothing."""

    name: str
    text: str | None = None
    children: list["Node"] = field(default_factory=list)

    def walk(self) -> Iterator["Node"]:
        """This node and all beneath it, in the document's order."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


class UnreadableError(Exception):
    """Says why a body cannot be parsed; the message holds nothing of the body."""


def recognise(body: bytes) -> BodyFormat:
    """Return the body format by the first bytes; it costs the same for every body."""
    head = body[:_HEAD].replace(b"\0", b"")
    for bom in _BOMS:
        head = head.removeprefix(bom)
    head = head.lstrip()
    if head.startswith(b"<"):
        if _ENVELOPE.search(head):
            for body_format, namespace in ENVELOPES.items():
                if namespace.encode() in head:
                    return body_format
        return BodyFormat.XML
    return BodyFormat.JSON if head[:1] in {b"{", b"["} else BodyFormat.UNKNOWN


def read_document(body: bytes) -> Node:
    """The body as a tree; names are `normal`.

    Raises:
        UnreadableError: and nothing else, whatever the bytes are.
    """
    room = [MAX_NODES]
    return _read(body, room, 0)


def _read(body: bytes, room: list[int], inner: int) -> Node:
    if is_form(body):
        return _read_form(body, room, inner)
    match recognise(body):
        case BodyFormat.JSON:
            return _read_json(body, room, inner)
        case BodyFormat.UNKNOWN:
            raise UnreadableError("neither XML nor JSON" if body.strip() else "the body is empty")
        case _:
            return _read_xml(body, room, inner)


def _read_xml(body: bytes, room: list[int], inner: int) -> Node:
    return _from_element(xml_root(body), room, inner)


def xml_root(body: bytes, *, keep_comments: bool = False) -> Any:
    """Parse XML without DTDs, entities or network.

    Raises:
        UnreadableError: and nothing else, whatever the bytes are.
    """
    if _DOCTYPE.search(body.replace(b"\0", b"")):
        raise UnreadableError("XML with a DOCTYPE is not read")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, dtd_validation=False,
        remove_comments=not keep_comments, remove_pis=not keep_comments,
    )  # fmt: skip
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        line = getattr(error, "lineno", None)
        raise UnreadableError(f"not well-formed XML{f' (line {line})' if line else ''}") from None
    if root is None or root.getroottree().docinfo.doctype:
        raise UnreadableError("XML with a DOCTYPE is not read")
    return root


def is_form(body: bytes) -> bool:
    """Whether the body is what an HTML form sends: `name=value&name=value`, percent-encoded."""
    return bool(_FORM.fullmatch(body))


def _read_form(body: bytes, room: list[int], inner: int) -> Node:
    top = Node("")
    for name, value in parse_qsl(body.decode("ascii"), errors="replace"):
        _take(room, 1)
        node = Node(normal(name))
        top.children.append(node)
        _fill(node, value, room, inner)
    return top


def _from_element(element: Any, room: list[int], inner: int) -> Node:
    top = Node("")
    waiting: list[tuple[Any, Node, int]] = [(element, top, 0)]
    while waiting:
        here, parent, depth = waiting.pop()
        if not isinstance(here.tag, str):
            continue
        _take(room, depth)
        node = Node(normal(here.tag))
        parent.children.append(node)
        for name, value in here.attrib.items():
            _take(room, depth)
            node.children.append(Node(normal(name), value))
        if len(here):
            # Popped in the document's order, because each parent's children are put back to front.
            waiting.extend((child, node, depth + 1) for child in reversed(here))
        else:
            _fill(node, here.text, room, inner)
    return top.children[0]


def _read_json(body: bytes, room: list[int], inner: int) -> Node:
    try:
        # Numbers stay as they are written: a key's leading zeros and digits beyond a float's count.
        value = json.loads(body, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError:
        raise UnreadableError("nested too deeply") from None
    except ValueError:
        raise UnreadableError("not well-formed JSON") from None
    top = Node("")
    waiting: list[tuple[str, Any, Node, int]] = [("", value, top, 0)]
    while waiting:
        name, here, parent, depth = waiting.pop()
        _take(room, depth)
        if isinstance(here, list):
            waiting.extend((name, item, parent, depth + 1) for item in reversed(here))
            continue
        node = Node(name)
        parent.children.append(node)
        if isinstance(here, dict):
            waiting.extend((normal(key), item, node, depth + 1) for key, item in reversed(here.items()))
        elif here is not None:
            _fill(node, str(here), room, inner)
    return top


def _fill(node: Node, text: str | None, room: list[int], inner: int) -> None:
    """A leaf's text, or the document that lies in it."""
    start = (text or "").lstrip()[:1]
    if text and start in {"<", "{"} and inner < _INNER_DOCUMENTS:
        try:
            # A declaration of another encoding was true of the bytes before they became this text.
            plain = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
            node.children.append(_read(plain.encode("utf-8", "surrogatepass"), room, inner + 1))
        except UnreadableError:
            node.text = text
        return
    node.text = text if text and text.strip() else None


def _take(room: list[int], depth: int) -> None:
    room[0] -= 1
    if room[0] < 0:
        raise UnreadableError(f"more than {MAX_NODES:,} members")
    if depth > MAX_DEPTH:
        raise UnreadableError("nested too deeply")
