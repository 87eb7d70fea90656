"""Keep forgotten people out of raw: what a source sends of them is stored as a stub without their data.

`ops.forgotten` holds keyed hashes alone. The key is the environment's, so a copy of the database does not reveal who was
forgotten; without it nothing can be compared, so an agency that has tombstones does not sync.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from ams_etl.errors import ConfigError

KEY_VARIABLE = "AMS_ETL_FORGET_KEY"
MARK = "ams_etl_forgotten"
"""The member of a stub that says what it is."""
_SHORTEST_KEY = 16
_EMAIL = re.compile(r"[^\s@,;<>\"'()|/]+@[^\s@,;<>\"'()|/]+\.[^\s@,;<>\"'()|/]+")
_KEPT = re.compile(r"(?:Id|ID|id|Code|code)$")
_PERSONAL_CODE = re.compile(r"(?:postal|zip)_?code$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Tombstones:
    """The hashes of one agency."""

    agency: str
    key: bytes
    hashes: frozenset[tuple[str, bytes]]

    @classmethod
    def of(cls, connection: psycopg.Connection[Any], agency: str) -> "Tombstones | None":
        """Return the agency's tombstones; None where it has none.

        Raises:
            ConfigError: it has some, and the key is not set.
        """
        rows = connection.execute("select kind, hash from ops.forgotten where agency = %s", (agency,)).fetchall()
        if not rows:
            return None
        return cls(agency, forget_key(), frozenset((kind, bytes(found)) for kind, found in rows))

    def holds(self, kind: str, value: str) -> bool:
        """Return whether this value was forgotten."""
        return (kind, hash_of(self.key, self.agency, kind, value)) in self.hashes

    def withheld(self, table: str, entity_id: str, customer_id: str | None, payload: Mapping[str, object]) -> bool:
        """Return whether a record is a forgotten person's: by its id, its customer's policies, or an email in it."""
        if self.holds("record", f"{table}/{entity_id}"):
            return True
        if customer_id is not None and table.endswith(".policies") and self.holds("policies_of", customer_id):
            return True
        return any(self.holds("email", email) for email in emails_in(payload))


def forget_key() -> bytes:
    """Return the key of the hashes from the environment.

    Raises:
        ConfigError: it is missing or too short.
    """
    key = os.environ.get(KEY_VARIABLE, "")
    if len(key) < _SHORTEST_KEY:
        raise ConfigError(
            f"{KEY_VARIABLE}: expected at least {_SHORTEST_KEY} characters: without it nobody can tell who was forgotten; make "
            "one with `openssl rand -hex 32`, keep it for ever, and set it for every process"
        )
    return key.encode()


def hash_of(key: bytes, agency: str, kind: str, value: str) -> bytes:
    """Return the keyed hash of one value; values of different agencies and kinds never compare."""
    return hmac.new(key, f"{agency}\0{kind}\0{value}".encode(), hashlib.sha256).digest()


def stub_of(payload: Mapping[str, object]) -> dict[str, object]:
    """Return what may be stored of a forgotten person's record: its ids, codes and yes-or-no members, and the mark."""
    kept = {
        name: value
        for name, value in payload.items()
        if isinstance(value, bool) or (_KEPT.search(name) and not _PERSONAL_CODE.search(name) and not _is_nested(value))
    }
    return {**kept, MARK: True}


def emails_in(payload: object) -> Iterator[str]:
    """Yield every email address in any text of a payload, in lower case."""
    for text in texts_in(payload):
        if "@" in text:
            yield from (found.lower() for found in _EMAIL.findall(text))


def texts_in(payload: object) -> Iterator[str]:
    """Yield every text of a payload, however deep."""
    waiting: list[object] = [payload]
    while waiting:
        here = waiting.pop()
        if isinstance(here, str):
            yield here
        elif isinstance(here, Mapping):
            waiting.extend(here.values())
        elif isinstance(here, Iterable):
            waiting.extend(here)


def _is_nested(value: object) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, Iterable) and not isinstance(value, str))
