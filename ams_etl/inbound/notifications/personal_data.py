"""Take SSN, driver's licence and tax id out of a parsed body, whatever shape they come in.

| shape | example |
|---|---|
| a member of such a name, with all beneath it | `<SSN><Value>…</Value></SSN>`, `"ssn": ["…"]`, `SSN="…"` |
| a name and a value side by side | `<Field><Name>SSN</Name><Value>…`, `{"name": "SSN", "value": …}`, `["SSN", "…"]` |
| the number's own shape in any text | `note: 536-22-8726` |
| a document inside a text, a comment | the same again; comments go whole |
| what looks like such a number, wherever the body speaks of one | `{"columns": ["Id", "SSN"], "rows": …}`: digits become 9 |

What is not parsed with certainty is not judged here: see `sealing`.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

from lxml import etree

from ams_etl.inbound.notifications.documents import BodyFormat, UnreadableError, is_form, recognise, xml_root
from ams_etl.inbound.notifications.personal_names import SOCIAL_SECURITY_NUMBER, is_personal

MASK = "***"
_INNER_DOCUMENTS = 3
_NUMBER = re.compile(r"\d(?:\W?\w){3}|(?:\w\W?){3}\d")
"""What an attribute beneath such a name must hold to be masked: `xsi:nil="true"` and a sequence number say nothing."""
_SHAPED = re.compile(
    r"(?:(?<![0-9A-Za-z-])|(?<=SSN)|(?<=ssn))"
    r"(?:\d{9}|\d{2}[- .]\d{7}|\d{3}[- .]\d{2}[- .]\d{4}|[A-Z]{1,2}\d{5,14})(?![0-9A-Za-z-])",
    re.ASCII,
)
"""What an SSN, a tax id or a licence looks like; GUIDs, dates, phone numbers and most numbers of records do not."""
_WORD = re.compile(r"[A-Za-z][A-Za-z_.-]{1,59}")
_SPEAKS = re.compile(
    r"soc(?:ial)?\W{0,3}sec|\bss\W{0,2}(?:#|no|num)|licen[cs]e|tax\W{0,3}(?:payer\W{0,3})?id|employer\W{0,3}id",
    re.IGNORECASE,
)
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def without_personal_data(body: bytes) -> bytes:
    """Return the body without what is never stored: its own bytes where nothing had to go, else written again in UTF-8.

    Raises:
        UnreadableError: it cannot be parsed, so nothing is certain.
    """
    masked = _document(body, 0)
    if not _speaks_of_a_number(masked):
        return masked
    encoding = json.detect_encoding(masked) if b"\0" in masked else "latin-1"
    try:
        text = masked.decode(encoding)
    except UnicodeDecodeError:
        raise UnreadableError("a wide encoding that cannot be decoded") from None
    # A nine is a digit in every format, so what was well-formed stays so.
    return _SHAPED.sub(lambda found: re.sub(r"\d", "9", found[0]), text).encode(encoding)


def _speaks_of_a_number(body: bytes) -> bool:
    """Whether a name or a text of the body is about such a number, which may then be anywhere in it."""
    text = body.replace(b"\0", b"").decode("utf-8", "replace")
    text += _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "\\u" in text else ""
    text += unquote_plus(text) if "%" in text or "+" in text else ""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return bool(_SPEAKS.search(text)) or any(is_personal(word) for word in set(_WORD.findall(text)))


def _document(body: bytes, depth: int) -> bytes:
    if depth > _INNER_DOCUMENTS:
        raise UnreadableError("documents nested too deeply")
    if is_form(body):
        return _form(body, depth)
    match recognise(body):
        case BodyFormat.UNKNOWN:
            raise UnreadableError("neither XML nor JSON")
        case BodyFormat.JSON:
            return _json(body, depth)
        case _:
            return _xml(body, depth)


def _text(text: str, depth: int) -> str:
    """A leaf's text without numbers of such a shape, and without what a document inside it holds."""
    if text.lstrip()[:1] in {"<", "{", "["} and len(text) > 2:
        plain = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
        try:
            inner = _document(plain.encode("utf-8", "surrogatepass"), depth + 1)
        except UnreadableError:
            # Markup in a note is text, unless it names what must not be stored.
            if any(is_personal(word) for word in re.findall(r"\w[\w.-]{1,59}", text)):
                raise
        else:
            return text if inner == plain.encode("utf-8", "surrogatepass") else inner.decode("utf-8", "surrogatepass")
    return SOCIAL_SECURITY_NUMBER.sub(MASK, text)


# --- XML ---------------------------------------------------------------------------------------------------------------


def _xml(body: bytes, depth: int) -> bytes:
    root = xml_root(body, keep_comments=True)
    before = etree.tostring(root)
    for element in list(root.iter()):
        if not isinstance(element.tag, str):
            if element.text:
                element.text = MASK
            continue
        if is_personal(element.tag):
            _mask_element(element)
            continue
        _attributes(element, depth)
        _labelled(element)
        element.text = _text(element.text, depth) if element.text else element.text
        element.tail = _text(element.tail, depth) if element.tail else element.tail
    if etree.tostring(root) == before:
        return body
    return bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True))


def _attributes(element: Any, depth: int) -> None:
    labels = {name for name, value in element.attrib.items() if is_personal(value)}
    for name, value in element.attrib.items():
        if is_personal(name) or (labels and name not in labels):
            element.attrib[name] = MASK
        else:
            element.attrib[name] = _text(value, depth)
    if labels:
        _mask_element(element, keep=labels)


def _labelled(element: Any) -> None:
    """Mask the values beside a leaf that says one of the names: those up to the next leaf of its kind, or all."""
    children = [child for child in element if isinstance(child.tag, str)]
    labels = [child for child in children if not len(child) and is_personal(child.text or "")]
    for label in labels:
        alike = [child for child in children if child.tag == label.tag]
        if len(alike) == 1:
            beside = [child for child in children if child is not label]
        else:
            begin = children.index(label) + 1
            later = children[begin:]
            end = next((place for place, child in enumerate(later) if child.tag == label.tag), len(later))
            beside = later[:end]
        for child in beside:
            _mask_element(child)


def _mask_element(element: Any, keep: set[Any] | frozenset[Any] = frozenset()) -> None:
    for inner in element.iter():
        if inner.text and inner.text.strip():
            inner.text = MASK
        if inner is not element and inner.tail and inner.tail.strip():
            inner.tail = MASK
        if isinstance(inner.tag, str):
            for name, value in inner.attrib.items():
                if _NUMBER.search(value) and not (inner is element and name in keep):
                    inner.attrib[name] = MASK


# --- JSON --------------------------------------------------------------------------------------------------------------


class _Pairs(list[tuple[str, Any]]):
    """An object's members, doubled ones included."""


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


def _json(body: bytes, depth: int) -> bytes:
    try:
        given = json.loads(
            body, object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number, parse_constant=_Number
        )
        masked = _value(given, depth)
        return body if masked == given else "".join(_written(masked)).encode("utf-8", "surrogatepass")
    except RecursionError:
        raise UnreadableError("nested too deeply") from None
    except ValueError:
        raise UnreadableError("not well-formed JSON") from None


def _value(value: Any, depth: int) -> Any:
    match value:
        case _Pairs():
            labels = [name for name, item in value if _is_label(item)]
            return _Pairs(
                (name, _mask(item) if is_personal(name) or (labels and name not in labels) else _value(item, depth))
                for name, item in value
            )
        case list():
            masked = []
            for place, item in enumerate(value):
                masked.append(_mask(item) if place and _is_label(value[place - 1]) else _value(item, depth))
            return masked
        case _Number():
            return value
        case str():
            return _text(value, depth)
        case _:
            return value


def _is_label(item: Any) -> bool:
    return isinstance(item, str) and not isinstance(item, _Number) and is_personal(item)


def _mask(value: Any) -> Any:
    match value:
        case _Pairs():
            return _Pairs((name, _mask(item)) for name, item in value)
        case list():
            return [_mask(item) for item in value]
        case None | "":
            return value
        case _:
            return MASK


def _written(value: Any) -> Iterator[str]:
    match value:
        case _Pairs():
            yield "{"
            for place, (name, item) in enumerate(value):
                yield f"{', ' if place else ''}{json.dumps(name)}: "
                yield from _written(item)
            yield "}"
        case list():
            yield "["
            for place, item in enumerate(value):
                yield ", " if place else ""
                yield from _written(item)
            yield "]"
        case _Number():
            yield value
        case _:
            yield json.dumps(value)


# --- Forms -------------------------------------------------------------------------------------------------------------


def _form(body: bytes, depth: int) -> bytes:
    pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="surrogateescape")
    masked = []
    previous = ""
    for name, value in pairs:
        is_hidden = is_personal(name) or is_personal(previous)
        masked.append((name, MASK if value and is_hidden else _text(value, depth)))
        previous = value
    return body if masked == pairs else urlencode(masked, errors="surrogateescape").encode("ascii")
