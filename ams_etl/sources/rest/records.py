"""Read the JSON of a service and leave out the members that never become part of a record."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ams_etl.sources.calling.answers import Repaired
from ams_etl.sources.calling.characters import cleaned, decoded
from ams_etl.sources.calling.source_record import Payload

_SUSPECT = re.compile(r"\\u(?:00[01][0-9a-fA-F]|[dD][89a-fA-F]|[fF]{3}[eEfF])|[\ud800-\udfff\ufffe\uffff]")
"""An escape or a character that may be forbidden; a pair of surrogates is one legal character."""
_SECRET_WORDS = (
    "socialsecurity", "driverslicense", "driverlicense", "licensenumber", "taxid", "federaltax", "password", "passwd",
)  # fmt: skip
_SECRET_NAMES = frozenset({"ssn", "ein", "fein", "itin", "tin", "dln", "dlnumber", "dlno", "secret"})
_KEYS = frozenset({"clientnumber", "id", "entityid", "policyid", "customerid", "officeid"})


@dataclass(frozen=True, slots=True)
class JsonRead:
    """A JSON body's value, and the records in it that were read without forbidden characters."""

    value: Any
    repaired: list[Repaired]


def is_secret(name: str) -> bool:
    """Return whether a member of this name is dropped: social security, licence and tax numbers, passwords.

    No service publishes a complete list of such names, so they are recognised however they are cased and joined.
    """
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    return plain in _SECRET_NAMES or any(word in plain for word in _SECRET_WORDS)


def reader(dropped: frozenset[str] = frozenset(), known: frozenset[str] = frozenset()) -> Callable[[bytes], JsonRead]:
    """Return a function that reads JSON and drops secrets while it reads, so that no object ever holds them.

    Args:
        dropped: further names that this system's records lose, however they are cased.
        known: the service's member names; one that is cased otherwise is renamed to it.

    Returns:
        A function from bytes to the value; it raises ValueError where they are not JSON.
    """
    # Sorted, so that of names that differ in case alone the same one always wins.
    spelt = {name.lower(): name for name in sorted(known | dropped)}

    @lru_cache(maxsize=4096)
    def kept_as(name: str) -> str | None:
        found = name if name in known else spelt.get(name.lower(), name)
        return None if found in dropped or is_secret(name) else found

    def keep(pairs: list[tuple[str, Any]]) -> Payload:
        record = {}
        for name, value in pairs:
            kept = kept_as(name)
            # Of two spellings of one member, the service's own wins.
            if kept is not None and (kept == name or kept not in record):
                record[kept] = value
        return record

    strict = json.JSONDecoder(object_pairs_hook=keep, parse_constant=_no_number, parse_float=_finite)
    lenient = json.JSONDecoder(object_pairs_hook=keep, parse_constant=_no_number, parse_float=_finite, strict=False)

    def read(body: bytes) -> JsonRead:
        text = decoded(body)
        try:
            try:
                value = strict.decode(text)
            except ValueError:
                # Raw control characters in strings; truncated JSON fails again.
                return _repaired(lenient.decode(text))
            return _repaired(value) if _SUSPECT.search(text) else JsonRead(value, [])
        except RecursionError:
            raise ValueError("nested too deeply") from None

    return read


def _no_number(name: str) -> None:
    """Read NaN and Infinity, which are not JSON and which Postgres refuses, as no value."""
    del name


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _repaired(value: Any) -> JsonRead:
    """Return a value without forbidden characters; what was left out is counted for each record of a list."""
    repaired: list[Repaired] = []
    rows = value.get("Data") if isinstance(value, dict) else value
    if not isinstance(rows, list):
        return JsonRead(_clean(value, "record", _key_of(value), repaired), repaired)
    found = [_clean(row, "record", _key_of(row), repaired) for row in rows]
    if rows is value:
        return JsonRead(found, repaired)
    around = {name: member for name, member in value.items() if member is not rows}
    return JsonRead({**_clean(around, "page", None, repaired), "Data": found}, repaired)


def _clean(value: Any, kind: str, key: str | None, repaired: list[Repaired]) -> Any:
    removed = 0

    def clean(part: Any) -> Any:
        nonlocal removed
        if isinstance(part, str):
            text, count = cleaned(part)
            removed += count
            return text
        if isinstance(part, list):
            return [clean(item) for item in part]
        if isinstance(part, dict):
            return {clean(name): clean(item) for name, item in part.items()}
        return part

    result = clean(value)
    if removed:
        repaired.append(Repaired(kind, key, removed))
    return result


def _key_of(record: Any) -> str | None:
    if not isinstance(record, dict):
        return None
    return next((str(value) for name, value in record.items() if name.lower() in _KEYS), None)
