"""Find what is stored of one person: source records, parts of records, contacts, and the values that nobody else has."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.errors import ConfigError
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.agency_db import column
from ams_etl.store.privacy.tombstones import NESTINGS
from ams_etl.sync.contacts.why import contacts_meant, customers_numbered
from ams_etl.sync.forgetting.records import (
    SourceRecord,
    payloads_of,
    people_left,
    raw_tables,
    records_with_email,
    tables_of,
    with_what_belongs,
)
from ams_etl.sync.forgetting.values import emails_of, private_texts

_PHONE = re.compile(r"\+?[\d(][\d ().-]{5,18}\d")
_CUSTOMER_ENTITIES = frozenset({"customer", "client", "company", "account", "contact"})
"""What the systems call their customers; QQ Catalyst calls them contacts."""


@dataclass(frozen=True, slots=True)
class Person:
    """What is stored of one person.

    Attributes:
        records: the raw rows, and the parts of rows, that are this person's alone.
        policies_of: customers that are this person, whose policies go with them.
        numbers: the CustomerNumbers of these.
        contacts: the contacts that these records are, or once were, part of.
        emails, phones, values: texts of those rows that no other record of the agency holds; `values` holds them all.
        shared: how many rows of which table hold a text of this person, too, and stay as they are.
    """

    records: tuple[SourceRecord, ...]
    policies_of: tuple[str, ...]
    numbers: tuple[int, ...]
    contacts: tuple[UUID, ...]
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    values: tuple[str, ...]
    shared: tuple[tuple[str, int], ...]


def find_person(connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, asked: str) -> Person:
    """Find a person by contact id, email or CustomerNumber.

    By a CustomerNumber it is the customer's own record; its contacts and dependents are people of their own. By an email it is
    every record that holds it, contact or not, and those of the same name in the same contact. A firm's record is nobody's but
    the firm's: it is found by its number, or where it is all that the contact was made of.

    Raises:
        ConfigError: nothing is known by that, or the record of that number holds several people.
    """
    asked = asked.strip()
    if asked.isascii() and asked.isdigit():
        records = _numbered(connection, agency, settings, int(asked))
    elif "@" in asked:
        records = _by_email(connection, agency, settings, asked.lower())
    else:
        found = contacts_meant(connection, agency, asked, settings)
        records = _without_firms(connection, agency, _sources(connection, agency, settings, found))
    if not records:
        raise ConfigError(f"{agency}: nothing is stored by {asked!r} that is one person's; `ams-etl why` says what is")
    records = _whole(connection, agency, records)
    records = with_what_belongs(connection, agency, records | _merged(connection, agency, records))
    # The AMS360 customer that an account asked for is linked to may have duplicates of its own.
    records |= with_what_belongs(connection, agency, _merged(connection, agency, records))
    return _described(connection, agency, settings, records)


def _numbered(
    connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, number: int
) -> set[SourceRecord]:
    records = set()
    for customer_id in customers_numbered(connection, agency, number, settings):
        kind, _, key = customer_id.partition(":")
        for table in tables_of(settings, _CUSTOMER_ENTITIES):
            # MyCase: client:5 and company:5 are two parties, and each table holds one kind.
            if key and f".{kind}" not in table and not table.endswith(f".{kind[:-1]}ies"):
                continue
            record = SourceRecord(table, key or customer_id, customer_id)
            if payloads_of(connection, agency, [record]):
                records.add(record)
    if not records:
        raise ConfigError(f"{agency} has no customer {number}, or has forgotten it")
    if len(records) > 1:
        raise ConfigError(
            f"{agency}: {number} is the number of {' and of '.join(sorted(record.table for record in records))}; forget by the "
            "contact id"
        )
    (record,) = records
    nesting = NESTINGS.get(record.table)
    people = people_left(connection, agency, record) if nesting and nesting.ways else None
    if people is not None and len(people) > 1:
        raise ConfigError(
            f"{agency}: the record of {number} holds {len(people)} people; forget each by the contact id or the email"
        )
    return records


def _by_email(
    connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, email: str
) -> set[SourceRecord]:
    """Find the records that hold an email, and those of the same name that their contacts were made of."""
    records = records_with_email(connection, agency, tables_of(settings), email)
    ids = {(record.part or record.entity_id) for record in records}
    rows = connection.execute(
        """select c.document ->> 'first_name', c.document ->> 'last_name', c.entity, c.entity_id, c.customer_id,
            coalesce(c.document -> 'absorbed', '[]'), c.document @> '{"role": "primary", "record_type": "commercial"}'
        from stage.candidates c where c.agency = %(agency)s and c.contact_id in (
            select contact_id from stage.candidates where agency = %(agency)s and (entity_id = any(%(ids)s) or candidate_id in (
                select candidate_id from stage.candidate_emails where agency = %(agency)s and email = %(email)s)))""",
        {"agency": agency, "ids": list(ids), "email": email},
    ).fetchall()
    entities = tables_by_entity(settings)
    names = {
        (first, last) for first, last, _, key, _, _, is_firm in rows if key in ids and not is_firm and (first or last)
    }
    for first, last, entity, entity_id, customer_id, absorbed, is_firm in rows:
        if not is_firm and (first, last) in names:
            sources = [(entity, entity_id), *map(tuple, absorbed)]
            records |= {_record(entities, kind, key, customer_id) for kind, key in sources}
    firms = {record for record in records if _is_firm(connection, agency, record)}
    return records - firms if records - firms else records


def tables_by_entity(settings: RuleSettings) -> dict[str, tuple[str, str]]:
    """Return, per entity, its raw table and which column of a candidate is its key there."""
    from ams_etl.sync.interpret.registry import interpreter_for

    return dict(interpreter_for(settings).FIRST_SEEN)


def _record(entities: dict[str, tuple[str, str]], entity: str, entity_id: str, customer_id: str) -> SourceRecord:
    table, key = entities[entity]
    return (
        SourceRecord(table, entity_id, customer_id)
        if key == "entity_id"
        else SourceRecord(table, customer_id, customer_id, entity_id)
    )


def _sources(
    connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, contacts: Sequence[UUID]
) -> set[SourceRecord]:
    entities = tables_by_entity(settings)
    return {
        _record(entities, entity, entity_id, customer_id)
        for entity, entity_id, customer_id in connection.execute(
            "select entity, entity_id, customer_id from mart.contact_sources where agency = %s and contact_id = any(%s)",
            (agency, list(contacts)),
        )
    }


def _without_firms(connection: psycopg.Connection[Any], agency: str, records: set[SourceRecord]) -> set[SourceRecord]:
    """Leave out firms' records, unless there are no others."""
    people = {record for record in records if not _is_firm(connection, agency, record)}
    return people or records


def _is_firm(connection: psycopg.Connection[Any], agency: str, record: SourceRecord) -> bool:
    """Return whether a record is a customer that the rules take for a firm."""
    if record.part:
        return False
    row = connection.execute(
        """select exists (select from stage.candidates where agency = %s and customer_id = %s and entity_id = %s
            and entity = any(%s) and document ->> 'role' = 'primary' and document ->> 'record_type' = 'commercial')""",
        (agency, record.customer_id, record.entity_id, list(_CUSTOMER_ENTITIES)),
    ).fetchone()
    return row == (True,)


def _whole(connection: psycopg.Connection[Any], agency: str, records: set[SourceRecord]) -> set[SourceRecord]:
    """Of records that hold several people: take the whole record where it is this person's alone, else only the parts."""
    taken = set()
    for record in records:
        nesting = NESTINGS.get(record.table)
        if nesting is None or not nesting.ways:
            taken.add(record)
            continue
        whole = replace(record, part="")
        parts = {other.part for other in records if replace(other, part="") == whole and other.part}
        is_alone = set(people_left(connection, agency, whole)) <= parts and not _is_firm(connection, agency, whole)
        if is_alone or record.part or not parts:
            taken.add(whole if is_alone else record)
    return taken


def _merged(connection: psycopg.Connection[Any], agency: str, records: set[SourceRecord]) -> set[SourceRecord]:
    """M9: Return what is left of customers that were merged into one of these, which is the person's, too."""
    table = "raw_ams360.customers"
    rows = connection.execute(
        "select customer_id from stage.merged_customers where agency = %s and merged_into = any(%s)",
        (agency, [record.entity_id for record in records if record.table == table]),
    )
    return {SourceRecord(table, merged, merged) for (merged,) in rows}


def _described(
    connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, records: set[SourceRecord]
) -> Person:
    customer_tables = set(tables_of(settings, _CUSTOMER_ENTITIES))
    customers = sorted(
        {
            record.customer_id or record.entity_id
            for record in records
            if record.table in customer_tables and not record.part
        }
    )
    payloads = payloads_of(connection, agency, records)
    texts = private_texts(connection, agency, raw_tables(connection, settings), records, payloads)
    values = {value.lower() for value in texts.values}
    numbers = {
        number for payload in payloads for name in ("CustomerNumber", "clientNumber")
        if isinstance(number := payload.get(name), int)
    }  # fmt: skip
    return Person(
        tuple(sorted(records)),
        tuple(customers),
        tuple(sorted(numbers)),
        tuple(_contacts(connection, agency, records)),
        tuple(sorted(set(emails_of(payloads)) & values)),
        tuple(sorted(value for value in texts.values if _PHONE.fullmatch(value))),
        texts.values,
        texts.shared,
    )


def _contacts(connection: psycopg.Connection[Any], agency: str, records: Iterable[SourceRecord]) -> list[UUID]:
    """Return the contacts that these records are part of, and those that they were part of as far as the feed reaches."""
    ids = sorted({record.part or record.entity_id for record in records})
    return [
        UUID(contact_id)
        for contact_id in column(
            connection,
            """select contact_id::text from mart.contact_sources where agency = %(agency)s and entity_id = any(%(ids)s)
            union select entity_id from mart.changes where agency = %(agency)s and entity = 'contact' and exists (
                select from unnest(array[before, after]) document, jsonb_array_elements(document -> 'sources') source
                where source ->> 'entity_id' = any(%(ids)s))""",
            {"agency": agency, "ids": ids},
        )
    ]
