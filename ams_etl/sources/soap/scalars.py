"""XML Schema's simple types as JSON values.

string, guid, anyURI, duration, base64Binary   the text as it came, blanks included
boolean                                        true or false
int, short, long, ...                          a number, within its type's range
decimal                                        its digits as text, so that nothing is lost
dateTime                                       ISO text of the wall time, without zone, at most microseconds
date                                           ISO text, without zone
float, double                                  a number
"""

import math
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

_DATETIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)
_US = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[T ]+(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s*(?:([AaPp])\.?[Mm]\.?)?)?", re.ASCII
)
_MILLISECONDS = re.compile(r"\\?/Date\((-?\d{1,15})(?:([+-])(\d\d)(\d\d))?\)\\?/", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)
_INTEGER = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)
_BITS = {"byte": 8, "short": 16, "int": 32, "long": 64}


class _Booleans(dict[str, bool]):
    """The four spellings, and .NET's `True` and `False`; a look-up is all that most values need."""

    def __missing__(self, text: str) -> bool:
        known = self.get(text.strip().lower())
        if known is None:
            raise ValueError("neither true nor false")
        return known


@lru_cache(maxsize=1 << 15)
def _date_time(text: str) -> str:
    """Dates repeat a great deal, so each is judged once."""
    found = _DATETIME.fullmatch(text.strip())
    if found is None:
        return _other_date_time(text.strip()).isoformat()
    day, clock, fraction = found.groups()
    moment = datetime.fromisoformat(f"{day}T{clock or '00:00:00'}")
    if fraction:
        moment = moment.replace(microsecond=int(fraction[1:7].ljust(6, "0")))
    return moment.isoformat()


def _other_date_time(text: str) -> datetime:
    """Read the forms beside ISO that .NET services send: `5/4/2013 9:12:00 AM`, and JSON's `/Date(1367658720000)/`."""
    found = _US.fullmatch(text)
    if found is not None:
        month, day, year, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        half = (found[7] or "").lower()
        if half:
            if not 1 <= hour <= 12:
                raise ValueError("not a time")
            hour = hour % 12 + (12 if half == "p" else 0)
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - wall time
    found = _MILLISECONDS.fullmatch(text)
    if found is None:
        raise ValueError("not a date and time")
    minutes = int(found[3] or 0) * 60 + int(found[4] or 0)
    return datetime(1970, 1, 1) + timedelta(  # noqa: DTZ001 - wall time
        milliseconds=int(found[1]), minutes=-minutes if found[2] == "-" else minutes
    )


def _date(text: str) -> str:
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return _date_time(text)[:10]
    return date.fromisoformat(found[1]).isoformat()


@lru_cache(maxsize=1 << 12)
def _decimal(text: str) -> str:
    text = text.strip()
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if not _DECIMAL.fullmatch(text):
        raise ValueError("not a decimal number")
    return f"{Decimal(text):f}"


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _integer(lowest: float, highest: float) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text):
            raise ValueError("not a whole number")
        number = int(text)
        if not lowest <= number <= highest:
            raise ValueError("outside its type's range")
        return number

    return read


READERS: dict[str, Callable[[str], object] | None] = {
    **dict.fromkeys(("string", "duration", "anyURI", "base64Binary", "anyType", "anySimpleType", "time", "QName")),
    **dict.fromkeys(("normalizedString", "token", "language", "Name", "NCName", "ID", "IDREF", "NMTOKEN")),
    "boolean": _Booleans({"true": True, "1": True, "false": False, "0": False}).__getitem__,
    "dateTime": _date_time,
    "date": _date,
    "decimal": _decimal,
    "float": _float,
    "double": _float,
    "integer": _integer(-math.inf, math.inf),
    "nonNegativeInteger": _integer(0, math.inf),
    "positiveInteger": _integer(1, math.inf),
    **{name: _integer(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for name, bits in _BITS.items()},
    **{f"unsigned{name.title()}": _integer(0, 2**bits - 1) for name, bits in _BITS.items()},
}
"""What reads a simple type's text; None where the text is the value."""
