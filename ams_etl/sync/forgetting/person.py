"""Find what is stored of one person: source records, contacts, and the values that nobody else has."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.errors import ConfigError
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.tombstones import MARK, emails_in, texts_in
from ams_etl.sync.contacts.why import contacts_meant, customers_numbered
from ams_etl.sync.interpret.registry import interpreter_for

_SHORTEST_VALUE = 6
_PHONE = re.compile(r"\+?[\d(][\d ().-]{5,18}\d")
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-][\d:]+)?)?")


@dataclass(frozen=True, slots=True, order=True)
class SourceRecord:
    """One raw row."""

    table: str
    entity_id: str
    customer_id: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """What is stored of one person.

    Attributes:
        records: the raw rows that are this person's alone.
        policies_of: customers that are this person, whose policies go with them.
        contacts: the contacts that these records are part of.
        emails, phones, values: texts of those rows that no other record of the agency holds; `values` holds them all.
    """

    records: tuple[SourceRecord, ...]
    policies_of: tuple[str, ...]
    contacts: tuple[UUID, ...]
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    values: tuple[str, ...]


def find_person(connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, asked: str) -> Person:
    """Find a person by contact id, email or CustomerNumber.

    By a CustomerNumber it is the customer's own record; its contacts and dependents are people of their own.

    Raises:
        ConfigError: nothing is known by that, or the system keeps several people in one record.
    """
    tables = interpreter_for(settings).FIRST_SEEN
    if asked.strip().isdigit():
        customers = customers_numbered(connection, agency, int(asked), settings)
        sources = [(*_customer_table(tables), customer_id, customer_id) for customer_id in customers]
        if not sources:
            raise ConfigError(f"{agency} has no customer {asked}")
    else:
        contacts = contacts_meant(connection, agency, asked, settings)
        sources = [
            (*tables[entity], entity_id, customer_id)
            for entity, entity_id, customer_id in connection.execute(
                "select entity, entity_id, customer_id from mart.contact_sources where agency = %s and contact_id = any(%s)",
                (agency, contacts),
            )
        ]
    if any(key != "entity_id" for _, key, _, _ in sources):
        raise ConfigError(
            f"{agency}: this person lies within a record that holds others too; remove the person in the source system, sync, "
            "then forget the rest by the contact id"
        )
    records = {SourceRecord(table, entity_id, customer_id) for table, _, entity_id, customer_id in sources}
    return _described(connection, agency, tables, records)


def _customer_table(tables: Mapping[str, tuple[str, Any]]) -> tuple[str, Any]:
    return next(iter(tables.values()))


def _described(
    connection: psycopg.Connection[Any], agency: str, tables: Mapping[str, tuple[str, Any]], records: set[SourceRecord]
) -> Person:
    first_table = _customer_table(tables)[0]
    customers = tuple(sorted(record.entity_id for record in records if record.table == first_table))
    schema = first_table.partition(".")[0]
    present = _raw_tables(connection, schema)
    for beside in (f"{schema}.customer_list",):
        if beside in present:
            records |= {SourceRecord(beside, customer_id, customer_id) for customer_id in customers}
    if f"{schema}.policies" in present:
        records |= {
            SourceRecord(f"{schema}.policies", entity_id, customer_id)
            for entity_id, customer_id in connection.execute(
                f"select entity_id, customer_id from {schema}.policies where agency = %s and customer_id = any(%s)",
                (agency, list(customers)),
            )
        }
    payloads = [payload for record in records if (payload := _payload(connection, agency, record)) is not None]
    contacts = [
        row[0]
        for row in connection.execute(
            """select distinct contact_id from mart.contact_sources where agency = %s and (entity_id) = any(%s)""",
            (agency, [record.entity_id for record in records]),
        )
    ]
    values = _unique(connection, agency, present, records, payloads)
    emails = tuple(
        sorted({email for payload in payloads for email in emails_in(payload)} & {v.lower() for v in values})
    )
    phones = tuple(sorted(value for value in values if _PHONE.fullmatch(value)))
    return Person(
        tuple(sorted(records, key=lambda r: (r.table, r.entity_id))), customers, tuple(contacts), emails, phones, values
    )


def _payload(connection: psycopg.Connection[Any], agency: str, record: SourceRecord) -> dict[str, Any] | None:
    row = connection.execute(
        f"select payload from {record.table} where agency = %s and entity_id = %s", (agency, record.entity_id)
    ).fetchone()
    return None if row is None or MARK in row[0] else dict(row[0])


def _raw_tables(connection: psycopg.Connection[Any], schema: str) -> frozenset[str]:
    return frozenset(
        f"{schema}.{name}"
        for (name,) in connection.execute(
            "select table_name from information_schema.columns where table_schema = %s and column_name = 'payload'",
            (schema,),
        )
    )


def _unique(
    connection: psycopg.Connection[Any], agency: str, tables: frozenset[str], records: set[SourceRecord],
    payloads: Sequence[Mapping[str, Any]],
) -> tuple[str, ...]:  # fmt: skip
    """The texts of these payloads that no other record of the agency holds."""
    texts = {text.strip() for payload in payloads for text in texts_in(payload)}
    texts |= {email for payload in payloads for email in emails_in(payload)}
    wanted = sorted(
        text
        for text in texts
        if len(text) >= _SHORTEST_VALUE and not _GUID.fullmatch(text) and not _DATE.fullmatch(text)
    )
    for table in sorted(tables):
        own = [record.entity_id for record in records if record.table == table]
        shared = connection.execute(
            f"""select value from unnest(%s::text[]) value where exists (
                select from {table} t where t.agency = %s and t.entity_id <> all(%s)
                    and position(lower(value) in lower(t.payload::text)) > 0)""",
            ([json.dumps(value, ensure_ascii=False)[1:-1] for value in wanted], agency, own),
        ).fetchall()
        gone = {row[0] for row in shared}
        wanted = [value for value in wanted if json.dumps(value, ensure_ascii=False)[1:-1] not in gone]
    return tuple(wanted)
