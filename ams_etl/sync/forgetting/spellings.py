"""Say how a text of a person may be written where it is stored: in other cases, in JSON, in XML, in a form, as bytes."""

import json
from collections.abc import Iterable
from urllib.parse import quote_plus
from xml.sax.saxutils import escape


def spellings(values: Iterable[str]) -> list[str]:
    """Return each text as it may be written, to be compared with what is in lower case.

    Postgres's `lower` leaves letters beyond ASCII alone in some locales, so those are listed in the cases that people write.
    """
    found = set()
    for value in values:
        for cased in (value, value.upper(), value.title()):
            for spelt in (
                cased,
                json.dumps(cased, ensure_ascii=False)[1:-1],
                json.dumps(cased)[1:-1],
                escape(cased, {'"': "&quot;"}),
                escape(cased, {'"': "&quot;", "'": "&apos;"}),
                escape(cased, {'"': "&quot;", "'": "&#39;"}),
                quote_plus(cased),
            ):
                found |= {spelt.lower(), ascii_lower(spelt)}
    return sorted(found)


def ascii_lower(text: str) -> str:
    """Return a text with only the letters of ASCII in lower case."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def in_bytes(values: Iterable[str]) -> list[bytes]:
    """Return the spellings as bytes, in the encodings that files and bodies come in."""
    return [spelt.encode(encoding) for spelt in spellings(values) for encoding in ("utf-8", "utf-16-le", "utf-16-be", "latin-1")
            if _fits(spelt, encoding)]  # fmt: skip


def holds_any(content: bytes, needles: Iterable[bytes]) -> bool:
    """Return whether bytes hold one of these spellings."""
    lowered = content.lower()
    return any(needle in lowered for needle in needles)


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
