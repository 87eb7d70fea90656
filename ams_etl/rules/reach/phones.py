"""Reads phone numbers and normalises them to E.164 (C6)."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import phonenumbers

from ams_etl.rules.model import Phone, RecordType
from ams_etl.rules.records.ams360 import GivenPhone

_DIGITS = re.compile(r"\d+")
_EXTENSION = re.compile(r"(?:\bext(?:ension)?\b\.?|\bx|#|(?<=\d)\s*\+)\s*(\d{1,7})\s*\Z", re.IGNORECASE)
"""`x22`, `ext. 22`, `#22`, and QQ Catalyst's `813-555-0142+22`."""
_US: Any = phonenumbers.PhoneMetadata.metadata_for_region("US")
_US_NUMBER = re.compile(
    "|".join(f"(?:{kind.national_number_pattern})" for kind in (_US.fixed_line, _US.toll_free)), re.ASCII
)
_SIGNS = str.maketrans("", "", "-.() ")
_PERSONAL = {"cell": 0, "home": 1, "business": 2, "international": 3}
_COMMERCIAL = {"business": 0, "cell": 1, "home": 2, "international": 3}


def phones_of(given: Sequence[GivenPhone], record_type: RecordType, country: str) -> tuple[Phone, ...]:
    """C6: Return every phone once: personal in the order Cell, Home, Business, commercial in Business, Cell, Home.

    International numbers come after them.
    """
    if len(given) > 1:
        order = _COMMERCIAL if record_type == "commercial" else _PERSONAL
        given = sorted(given, key=lambda phone: order[phone.kind])
    phones: dict[tuple[str, str | None], Phone] = {}
    for phone in given:
        read = normalise_international if phone.kind == "international" else normalise
        number, extension = read(phone.area_code, phone.number, phone.extension, country)
        if number and (number, extension) not in phones:
            phones[number, extension] = Phone(number, phone.kind, extension)
    return tuple(phones.values())


@lru_cache(maxsize=1 << 16)
def normalise(
    area_code: str | None, number: str | None, extension: str | None, country: str
) -> tuple[str | None, str | None]:
    """Return the number as E.164 where it is valid for the country, else its digits; and the extension."""
    whole = number or ""
    digits = whole.translate(_SIGNS)
    # Nearly every number is nothing but digits and these signs, which begin no extension.
    if not (digits.isdecimal() and digits.isascii()):
        inside = _EXTENSION.search(whole)
        if inside:
            whole = whole[: inside.start()]
            extension = extension or inside[1]
        digits = _digits(whole)
    if not digits:
        return None, None
    ext = _digits(extension) or None if extension else None
    if whole.lstrip().startswith("+"):
        return _e164(f"+{digits}", country) or f"+{digits}", ext
    area = _area(area_code) if area_code else ""
    # A number of ten digits already includes its area code.
    full = digits if len(digits) >= 10 or not area else area + digits
    return _e164(full, country) or full, ext


@lru_cache(maxsize=1 << 12)
def normalise_international(
    country_code: str | None, number: str | None, extension: str | None, country: str
) -> tuple[str | None, str | None]:
    """Return an international number as E.164 where it is valid, else its digits; and the extension.

    The country's code may be a calling code (`44`), a region (`GB`), or part of the number.
    """
    whole = (number or "").strip()
    digits = _digits(whole)
    region: str | None
    code = (country_code or "").strip().upper()
    called = _digits(code)
    attempts = [(whole, None if whole.startswith("+") else country)]
    if not whole.startswith("+"):
        region = phonenumbers.region_code_for_country_code(int(called)) if 0 < len(called) < 5 else code
        attempts = [(whole, region), (f"+{digits}", None), *attempts] if code else [*attempts, (f"+{digits}", None)]
    for text, region in attempts:
        found = _valid(text, region)
        if found:
            return found, normalise(None, whole, extension, country)[1]
    return normalise(None, whole, extension, country)


def _digits(text: str) -> str:
    return "".join(_DIGITS.findall(text))


_area = lru_cache(maxsize=1 << 10)(_digits)
"""The digits of an area code: there are a few hundred of them."""


def _valid(number: str, region: str | None) -> str | None:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _e164(number: str, country: str) -> str | None:
    if country == "US" and not number.startswith("+"):
        national = number[1:] if len(number) == 11 and number[0] == "1" else number
        if len(national) < 10:
            return None
        # The numbering plan's own patterns accept nearly every number in a microsecond; the library decides the rest.
        if _US_NUMBER.fullmatch(national):
            return f"+1{national}"
    return _valid(number, country)
