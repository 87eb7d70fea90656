"""The lexical rules of simple types: what a text may be, and what it means."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

XSD = "{http://www.w3.org/2001/XMLSchema}"
_SERIALIZATION = "{http://schemas.microsoft.com/2003/10/Serialization/}"
GUID = f"{_SERIALIZATION}guid"
DURATION = f"{_SERIALIZATION}duration"
CHECKED = frozenset({GUID, DURATION})

_GUID = re.compile(r"[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}\Z", re.ASCII)
_DURATION = re.compile(r"-?P(?=.)(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?\Z", re.ASCII)
_DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?\Z", re.ASCII
)
_INTEGER = re.compile(r"[+-]?\d+\Z", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)\Z", re.ASCII)


class BadValueError(ValueError):
    """A text is not of its type. The message names the type alone: the text may be anybody's data."""


def read_scalar(type_name: str, text: str | None) -> Any:
    """Return the value of a text; an empty text is None.

    Raises:
        BadValueError: the text is not of the type.
    """
    if not text:
        return None
    read = _READERS.get(type_name)
    if read is None:
        return text
    text = text.strip(" \t\r\n")
    if not text:
        return None
    try:
        return read(text)
    except (ValueError, Base64Error):
        raise BadValueError(type_name.rpartition("}")[2]) from None


def _matching(pattern: re.Pattern[str], then: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if not pattern.match(text):
            raise ValueError
        return then(text)

    return read


def _boolean(text: str) -> bool:
    if text in {"true", "1", "false", "0"}:
        return text in {"true", "1"}
    raise ValueError


def _date_time(text: str) -> str:
    found = _DATE_TIME.match(text)
    if not found:
        raise ValueError
    datetime.fromisoformat(found.group(1))
    return text


def _ranged(bits: int, *, signed: bool = True) -> Callable[[str], int]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)

    def read(text: str) -> int:
        value = int(text) if _INTEGER.match(text) else high + 1
        if not low <= value <= high:
            raise ValueError
        return value

    return read


_READERS: dict[str, Callable[[str], Any]] = {
    GUID: _matching(_GUID, str.lower),
    DURATION: _matching(_DURATION, str),
    f"{XSD}boolean": _boolean,
    f"{XSD}dateTime": _date_time,
    f"{XSD}int": _ranged(32),
    f"{XSD}short": _ranged(16),
    f"{XSD}long": _ranged(64),
    f"{XSD}unsignedByte": _ranged(8, signed=False),
    f"{XSD}decimal": _matching(_DECIMAL, Decimal),
    f"{XSD}base64Binary": lambda text: b64decode("".join(text.split()), validate=True),
}
