"""What a SOAP read returns: decoded records, and those that were rejected."""

from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]


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
