"""Parse a SOAP answer safely, also where it holds characters that XML forbids; say what an answer is that is no SOAP."""

import re
from typing import Any

from lxml import etree

from ams_etl.errors import AnswerTooLarge, DataError, TransientError
from ams_etl.sources.calling.characters import cleaned, decoded, is_forbidden, replacement

_HTML = re.compile(rb"\s*(?:<!DOCTYPE\s+html|<html)", re.IGNORECASE)
_MULTIPART = re.compile(rb"\s*--[^\r\n]+\r?\n[\w-]+:")
_DECLARATION = re.compile(r"<\?xml\b[^>]*?(?:\bencoding\s*=\s*[\"']([\w.-]+)[\"'][^>]*)?\?>")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_REFERENCE = re.compile("&#(x[0-9A-Fa-f]+|[0-9]+);", re.IGNORECASE)
_LONGEST_REFERENCE = 8
_REPAIRED = "{urn:ams-etl}repaired"

# Making a parser costs as much as ten answers cost to parse.
_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True, collect_ids=False
)


def parse(answer: bytes) -> Any:
    """Return an answer's root element, without resolving entities, reading a DTD or fetching anything.

    Characters that XML forbids do not stop it: .NET services write them as references such as `&#xB;`.
    `repaired_in` says of any element how many were left out below it.

    Raises:
        TransientError: the answer is empty, truncated, an HTML page or not XML.
        DataError: it is a multipart message, has a document type, which SOAP forbids, or holds a huge value.
    """
    if b"<!DOCTYPE" in answer and not _HTML.match(answer):
        raise DataError("the answer has a document type declaration; refused")
    try:
        root = etree.fromstring(answer, _PARSER)
    except etree.XMLSyntaxError as error:
        _refuse_beyond_limits(error)
        root = _parse_repaired(answer)
    if root.tag in {"html", "{http://www.w3.org/1999/xhtml}html"}:
        raise _html_page()
    return root


def repaired_in(element: Any) -> int:
    """Return how many forbidden characters were left out of an element and of those below it."""
    return sum(int(part.get(_REPAIRED, 0)) for part in element.iter())


def is_repaired(root: Any) -> bool:
    """Return whether anything was left out of an answer."""
    return root.get(_REPAIRED) is not None


def _refuse_beyond_limits(error: etree.XMLSyntaxError) -> None:
    """Raise for what libxml2 refuses to hold, which another try would not change: the record is quarantined for it."""
    if error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        raise AnswerTooLarge(
            "the answer holds a value of more than 10,000,000 characters, or elements 256 deep"
        ) from None


def _html_page() -> TransientError:
    return TransientError("the answer is an HTML page, not a SOAP message: a gateway's error or login page")


def _parse_repaired(answer: bytes) -> Any:
    """Parse an answer again without what XML forbids; only called when parsing it as it came fails."""
    if not answer.strip():
        raise TransientError("the answer is empty")
    if _HTML.match(answer):
        raise _html_page()
    if _MULTIPART.match(answer):
        raise DataError("the answer is a multipart message (MTOM), which is not supported; expected plain SOAP")
    try:
        text, marks = _marked(_text_of(answer.lstrip()))
        root = etree.fromstring(text.encode(), _PARSER)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        if isinstance(error, etree.XMLSyntaxError):
            _refuse_beyond_limits(error)
        raise TransientError("the answer is truncated or is not XML") from None
    _unmark(root, marks)
    return root


def _text_of(answer: bytes) -> str:
    """Decode a whole answer as it declares, and take its XML declaration off."""
    found = _DECLARATION.match(answer[:200].decode("latin-1").removeprefix("\u00ef\u00bb\u00bf"))
    encoding = "utf-16" if answer.startswith(_UTF_16) else (found and found[1]) or "utf-8"
    text = decoded(answer, "utf-8-sig" if encoding.lower() == "utf-8" else encoding)
    return _DECLARATION.sub("", text, count=1).lstrip()


def _marked(text: str) -> tuple[str, dict[str, str]]:
    """Put private characters that the text does not hold in the place of forbidden ones, so that they can be counted."""
    free = (chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in text)
    marks = {next(free): "", next(free): " "}
    mark_of = {stands_for: mark for mark, stands_for in marks.items()}

    def marked_reference(found: re.Match[str]) -> str:
        digits = found[1]
        # A longer reference is beyond Unicode, and Python refuses to convert thousands of digits.
        long = len(digits.lstrip("xX0")) > _LONGEST_REFERENCE
        number = 0x110000 if long else int(digits[1:], 16) if digits[0] in "xX" else int(digits)
        return mark_of[replacement(number)] if is_forbidden(number) else found[0]

    without_references = _REFERENCE.sub(marked_reference, text)
    if not cleaned(without_references)[1]:
        return without_references, marks
    characters = (
        mark_of[replacement(ord(letter))] if is_forbidden(ord(letter)) else letter for letter in without_references
    )
    marked = "".join(characters)
    if "<!DOCTYPE" in cleaned(without_references)[0]:
        raise DataError("the answer has a document type declaration; refused")
    return marked, marks


def _unmark(root: Any, marks: dict[str, str]) -> None:
    """Replace the marks by what they stand for, and note on each element how many it held, and on the root all."""
    total = 0
    for element in root.iter():
        text = element.text
        count = sum(text.count(mark) for mark in marks) if text else 0
        if count:
            for mark, stands_for in marks.items():
                text = text.replace(mark, stands_for)
            element.text = text
            element.set(_REPAIRED, str(count))
            total += count
    if total and root.get(_REPAIRED) is None:
        root.set(_REPAIRED, "0")
