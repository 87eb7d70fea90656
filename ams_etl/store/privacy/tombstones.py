"""Keep forgotten people out of raw: what a source sends of them is stored as a stub without their data.

`ops.forgotten` holds keyed hashes alone. The key is the environment's, so a copy of the database does not reveal who was
forgotten; without it nothing can be compared, so an agency that has tombstones does not sync.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from ams_etl.errors import ConfigError
from ams_etl.rules.records.ams360 import FORGOTTEN, Customer
from ams_etl.rules.records.record_types import record_type_of
from ams_etl.rules.systems.nested_people import (
    BENEFITPOINT_DEPENDENTS,
    HAWKSOFT_PEOPLE,
    Nesting,
    entries_of,
    people_in,
    without_people,
)
from ams_etl.store.agency_db import column
from ams_etl.store.content import canonical_json, content_hash

KEY_VARIABLE = "AMS_ETL_FORGET_KEY"
NESTINGS: Mapping[str, Nesting] = {
    "raw_hawksoft.clients": HAWKSOFT_PEOPLE,
    "raw_benefitpoint.accounts": BENEFITPOINT_DEPENDENTS,
}
"""The raw tables whose records hold several people."""
CASES = "raw_mycase.cases"
OWNED: Mapping[str, tuple[str, ...]] = {
    "raw_ams360.customers": ("raw_ams360.customer_list", "raw_ams360.policies"),
    "raw_benefitpoint.accounts": ("raw_benefitpoint.plans",),
    "raw_qq_catalyst.contacts": ("raw_qq_catalyst.account_infos", "raw_qq_catalyst.policies"),
}
"""Of a customer's raw table: those whose records go with it when it is forgotten, those that come later, too."""
OF_A_CUSTOMER = frozenset(table for owned in OWNED.values() for table in owned)
RecordRead = tuple[str, str | None, Mapping[str, object]]
"""A record's id, its customer and its payload."""
_SHORTEST_KEY = 16
_EMAIL = re.compile(r"[^\s@,;<>\"'()|/]+@[^\s@,;<>\"'()|/]+\.[^\s@,;<>\"'()|/]+")
_KEPT = re.compile(r"(?:Id|ID|id|Code|code)$")
KINDS = frozenset({"accountClassification", "AccountClassification"})
"""Whether a BenefitPoint account is a firm or a person: of a person's account the contacts are not contacts of their own (C3)."""
_PERSONAL_CODE = re.compile(
    r"(?:postal|zip|area)_?code$|tax|ssn|social|licen[cs]e|passport|login|e_?mail|phone|national_?id", re.IGNORECASE
)
"""Ids and codes that say who somebody is, or where, to anyone; the others mean something in their system alone."""


@dataclass(frozen=True, slots=True)
class Tombstones:
    """The hashes of one agency that a batch of records may meet."""

    agency: str
    key: bytes
    hashes: frozenset[bytes]

    @classmethod
    def met_by(
        cls, connection: psycopg.Connection[Any], agency: str, table: str, records: Sequence[RecordRead]
    ) -> "Tombstones | None":
        """Return the agency's tombstones that these records meet; None where they meet none.

        Only what the batch holds is hashed and asked for, so that a batch costs the same however many people were forgotten.

        Raises:
            ConfigError: the agency has tombstones, and the key is not set.
        """
        any_at_all = connection.execute(
            "select exists (select from ops.forgotten where agency = %s)", (agency,)
        ).fetchone()
        if any_at_all != (True,):
            return None
        key = forget_key()
        asked = {hash_of(key, agency, kind, value) for record in records for kind, value in _asked_of(table, *record)}
        found = column(
            connection, "select hash from ops.forgotten where agency = %s and hash = any(%s)", (agency, list(asked))
        )
        hashes = frozenset(map(bytes, found))
        return cls(agency, key, hashes) if hashes else None

    def holds(self, kind: str, value: str) -> bool:
        """Return whether this value was forgotten."""
        return hash_of(self.key, self.agency, kind, value) in self.hashes

    def follow(self, connection: psycopg.Connection[Any], table: str, entity_id: str) -> None:
        """Withhold what is a new customer's that a forgotten email withheld: what is stored already, and what comes later."""
        connection.cursor().executemany(
            "insert into ops.forgotten (agency, kind, hash) values (%s, %s, %s) on conflict do nothing",
            [
                (self.agency, kind, hash_of(self.key, self.agency, kind, value))
                for kind, value in (("record", record_key(table, entity_id)), ("policies_of", entity_id))
            ],
        )
        for owned in OWNED[table]:
            for key, payload in connection.execute(
                f"""select entity_id, payload from {owned}
                where agency = %s and (entity_id = %s or customer_id = %s) and not payload ? '{FORGOTTEN}' for update""",
                (self.agency, entity_id, entity_id),
            ).fetchall():
                content = canonical_json(stub_of(payload))
                connection.execute(
                    f"update {owned} set payload = %s::text::jsonb, content_hash = %s where agency = %s and entity_id = %s",
                    (content.decode(), content_hash(content), self.agency, key),
                )

    def applied(
        self, table: str, entity_id: str, customer_id: str | None, payload: Mapping[str, object]
    ) -> Mapping[str, object]:
        """Return what may be stored of a record: itself, a stub, or itself without the forgotten of its people."""
        if any(self.holds(kind, value) for kind, value in _owners(table, entity_id, customer_id)):
            return stub_of(payload)
        parties = case_parties(payload) if table == CASES else ()
        if parties and all(self.holds("record", party) for party in parties):
            return stub_of(payload)
        emails = {email for email in emails_in(payload) if self.holds("email", email)}
        nesting = NESTINGS.get(table)
        if nesting is None:
            return stub_of(payload) if emails else payload
        gone = {
            key
            for key in people_in(nesting, entity_id, payload)
            if self.holds("record", record_key(table, entity_id, key))
            or emails.intersection(emails_in(entries_of(nesting, entity_id, payload, key)))
        }
        if not gone and not emails:
            return payload
        rest = without_people(nesting, entity_id, payload, gone, emails)
        return stub_of(payload) if emails.intersection(emails_in(rest)) else rest


def forgotten_at(connection: psycopg.Connection[Any], agency: str, value: str) -> list[tuple[str, datetime]]:
    """Return since when an email, phone number or `table/id` is forgotten, by its kind; only who has the key can ask."""
    key = forget_key()
    asked = [
        hash_of(key, agency, kind, spelt)
        for kind, spelt in (("email", value.lower()), ("phone", value), ("record", value))
    ]
    return connection.execute(
        "select kind, forgotten_at from ops.forgotten where agency = %s and hash = any(%s) order by 1", (agency, asked)
    ).fetchall()


def record_key(table: str, entity_id: str, part: str = "") -> str:
    """Return the value that a record's tombstone hashes; `part` is the key of one of its people."""
    return f"{table}/{entity_id}#{part}" if part else f"{table}/{entity_id}"


def case_parties(payload: Mapping[str, object]) -> tuple[str, ...]:
    """Return the tombstone values of the clients and companies that a MyCase case names."""
    found = {
        record_key(table, str(party["id"]))
        for member, table in (("clients", "raw_mycase.clients"), ("companies", "raw_mycase.companies"))
        for party in _entries(payload.get(member))
        if party.get("id") is not None
    }
    return tuple(sorted(found))


def _entries(value: object) -> list[Mapping[str, object]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list | tuple) else []


def _owners(table: str, entity_id: str, customer_id: str | None) -> Iterator[tuple[str, str]]:
    yield "record", record_key(table, entity_id)
    if customer_id is not None and table in OF_A_CUSTOMER:
        yield "policies_of", customer_id


def _asked_of(
    table: str, entity_id: str, customer_id: str | None, payload: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    """Yield every kind and value of a record that a tombstone could be of."""
    yield from _owners(table, entity_id, customer_id)
    yield from (("email", email) for email in emails_in(payload))
    if table == CASES:
        yield from (("record", party) for party in case_parties(payload))
    if table in NESTINGS:
        yield from (
            ("record", record_key(table, entity_id, key)) for key in people_in(NESTINGS[table], entity_id, payload)
        )


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
    """Return what may be stored of a forgotten person's record: ids, codes, kind, yes-or-no members, and the mark."""
    kept = {
        name: value
        for name, value in payload.items()
        if isinstance(value, bool)
        or name in KINDS
        or (_KEPT.search(name) and not _PERSONAL_CODE.search(name) and not _is_nested(value))
    }
    if payload.get("FirmName") and record_type_of(Customer.from_payload(payload)) == "commercial":
        # Only its name may say that it is a firm (C4), and of a firm the contacts are contacts of their own.
        kept["IsCommercial"] = True
    return {**kept, FORGOTTEN: True}


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
