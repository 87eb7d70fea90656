"""Decode an answer's bytes, and remove the characters that neither XML nor Postgres can hold."""

import codecs
import re

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_BLANKS = frozenset({0x0B, 0x0C})
_LAST = 0x10FFFF


def decoded(body: bytes, encoding: str = "utf-8-sig") -> str:
    """Decode a body; bytes that are not UTF-8 are read as Windows-1252, the usual reason for them.

    Raises:
        ValueError: another encoding's bytes do not decode.
        LookupError: the encoding is unknown.
    """
    return body.decode(encoding, "ams_etl_windows" if encoding.lower().startswith("utf-8") else "strict")


def is_forbidden(number: int) -> bool:
    """Return whether XML 1.0 forbids the character of this number."""
    return number > _LAST or bool(_FORBIDDEN.match(chr(number)))


def replacement(number: int) -> str:
    """Return what replaces a forbidden character: a blank for a soft line break (vertical tab, form feed), or nothing."""
    return " " if number in _BLANKS else ""


def cleaned(text: str) -> tuple[str, int]:
    """Return the text without forbidden characters, and how many there were."""
    return _FORBIDDEN.subn(lambda found: replacement(ord(found[0])), text)


def _windows(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    start = error.start
    if _SURROGATE.match(error.object, start):
        return "\ud800", start + 3
    byte = error.object[start : start + 1]
    try:
        return byte.decode("cp1252"), start + 1
    except UnicodeDecodeError:
        return byte.decode("latin-1"), start + 1


codecs.register_error("ams_etl_windows", _windows)
