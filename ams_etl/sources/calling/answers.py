"""What a read returns: decoded records, those that were rejected, and how long what they hold may be."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]
LONGEST_TEXT = 100_000
"""Characters of one value; a record with a longer one is rejected, since no field of a customer is meant to hold it."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record of an answer that cannot be read. `reason` names the member and its type, never the value."""

    kind: str
    entity_id: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Repaired:
    """A record that was read without so many characters, because neither XML nor Postgres can hold them."""

    kind: str
    entity_id: str | None
    characters: int


@dataclass(slots=True)
class Decoded:
    """An operation's result (None where it has none), and the records in it that were rejected or repaired."""

    value: Record | None
    rejected: list[Rejected] = field(default_factory=list)
    repaired: list[Repaired] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Listing:
    """The readable records of a list, and those that were rejected."""

    records: list[Record]
    rejected: list[Rejected]


LONGEST_KEY = 200
"""Longer ids are not ids; Postgres indexes no value beyond 2,700 bytes."""


def with_keys(records: Iterable[Record], key: str, rejected: Iterable[Rejected] = ()) -> Listing:
    """Return the records that have their key; those that do not are rejected, and different ones with one key are, too.

    Args:
        records: as decoded.
        key: the member that identifies a record.
        rejected: what was rejected while decoding.
    """
    found, without = [], list(rejected)
    by_key: dict[Any, Record] = {}
    disputed: set[Any] = set()
    for record in records:
        value = record.get(key)
        if value in (None, "") or len(str(value)) > LONGEST_KEY:
            why = "is missing" if value in (None, "") else f"holds more than {LONGEST_KEY} characters"
            without.append(Rejected("row", None, f"{key} {why}"))
        else:
            found.append(record)
            if by_key.setdefault(value, record) != record:
                disputed.add(value)
    if disputed:
        without += [Rejected("row", str(value), f"{key} occurs twice with different contents") for value in disputed]
        found = [record for record in found if record[key] not in disputed]
    return Listing(found, without)
