"""Which raw records are one person's: what was asked for, and what belongs to it, such as a customer's policies."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from ams_etl.rules.records.ams360 import FORGOTTEN
from ams_etl.rules.settings import RuleSettings
from ams_etl.rules.systems.nested_people import entries_of, is_forgotten, people_in
from ams_etl.store.agency_db import AgencyDb, column
from ams_etl.store.privacy.tombstones import NESTINGS, case_parties, emails_in, record_key
from ams_etl.sync.interpret.registry import interpreter_for

_BELONGS = (
    ("raw_ams360.customers", "raw_ams360.customer_list", "entity_id"),
    ("raw_ams360.customers", "raw_ams360.policies", "customer_id"),
    ("raw_benefitpoint.accounts", "raw_benefitpoint.plans", "customer_id"),
    ("raw_qq_catalyst.contacts", "raw_qq_catalyst.account_infos", "entity_id"),
    ("raw_qq_catalyst.contacts", "raw_qq_catalyst.policies", "customer_id"),
)
"""Of a customer's table: another table, and its column that names the customer."""
_BESIDE = (
    ("raw_ams360.customers", "raw_ams360.customer_contacts"),
    ("raw_ams360.customers", "raw_ams360.customer_dependents"),
    ("raw_benefitpoint.accounts", "raw_benefitpoint.contacts"),
)
"""Of a customer's table: one with people of the customer, among them often the customer once more."""
_NAMES = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True, order=True)
class SourceRecord:
    """One raw row; or, with `part`, one of the people inside it, by the key that `people_in` has."""

    table: str
    entity_id: str
    customer_id: str | None
    part: str = ""

    @property
    def tombstone(self) -> str:
        """The value that its tombstone hashes."""
        return record_key(self.table, self.entity_id, self.part)


def tables_of(settings: RuleSettings, entities: Collection[str] | None = None) -> list[str]:
    """Return the raw tables of an agency's systems that hold people, or those of some entities."""
    first_seen = interpreter_for(settings).FIRST_SEEN
    return sorted({table for entity, (table, _) in first_seen.items() if entities is None or entity in entities})


def raw_tables(connection: psycopg.Connection[Any], settings: RuleSettings) -> list[str]:
    """Return every table of source records of an agency's systems; BenefitPoint's where it is read beside AMS360."""
    schemas = {table.partition(".")[0] for table in tables_of(settings)}
    if settings.source_system == "ams360":
        schemas.add("raw_benefitpoint")
    return column(
        connection,
        """select table_schema || '.' || table_name from information_schema.columns
            where table_schema = any(%s) and column_name = 'payload' order by 1""",
        (sorted(schemas),),
    )


def payload_of(connection: psycopg.Connection[Any], agency: str, record: SourceRecord) -> dict[str, Any] | None:
    """Return a row's whole payload; None where there is none, or it was forgotten already."""
    payload = AgencyDb(connection, agency).scalar(
        f"select payload from {record.table} where agency = %(agency)s and entity_id = %(id)s", id=record.entity_id
    )
    return None if payload is None or FORGOTTEN in payload else dict(payload)


def payloads_of(
    connection: psycopg.Connection[Any], agency: str, records: Iterable[SourceRecord]
) -> list[dict[str, Any]]:
    """Return what these records hold; of a part, only what is this person's."""
    found = []
    for record in records:
        payload = payload_of(connection, agency, record)
        if payload is not None and record.part:
            entries = entries_of(NESTINGS[record.table], record.entity_id, payload, record.part)
            payload = {"entries": entries} if entries else None
        if payload is not None:
            found.append(payload)
    return found


def people_left(connection: psycopg.Connection[Any], agency: str, record: SourceRecord) -> list[str]:
    """Return the keys of the people inside a record, without those who were forgotten."""
    payload = payload_of(connection, agency, record)
    nesting = NESTINGS.get(record.table)
    if payload is None or nesting is None:
        return []
    return [key for key, person in people_in(nesting, record.entity_id, payload).items() if not is_forgotten(person)]


def records_with_email(
    connection: psycopg.Connection[Any], agency: str, tables: Sequence[str], email: str
) -> set[SourceRecord]:
    """Return the records, and the parts of records, that hold an email, whether or not they became a contact."""
    found = set()
    for table in tables:
        rows = connection.execute(
            f"""select entity_id, coalesce(customer_id, entity_id), payload from {table}
            where agency = %s and position(%s in lower(payload::text)) > 0""",
            (agency, email),
        )
        for entity_id, customer_id, payload in rows:
            if email not in emails_in(payload):
                continue
            record = SourceRecord(table, entity_id, customer_id)
            nesting = NESTINGS.get(table)
            parts = [] if nesting is None else [
                key for key in people_in(nesting, entity_id, payload)
                if email in emails_in(entries_of(nesting, entity_id, payload, key))
            ]  # fmt: skip
            found |= {replace(record, part=key) for key in parts} if parts else {record}
    return found


def with_what_belongs(
    connection: psycopg.Connection[Any], agency: str, records: set[SourceRecord]
) -> set[SourceRecord]:
    """Add the records that go with these: the same person elsewhere, then policies and whatever else is a customer's own."""
    found = records | _linked(connection, agency, records)
    found |= _once_more(connection, agency, found)
    for of, table, member in _BELONGS:
        customers = [record.entity_id for record in found if record.table == of and not record.part]
        found |= {
            SourceRecord(table, entity_id, customer_id)
            for entity_id, customer_id in connection.execute(
                f"select entity_id, customer_id from {table} where agency = %s and {member} = any(%s)",
                (agency, customers),
            )
        }
    parties = {record.tombstone for record in found}
    cases = connection.execute(
        """select c.entity_id, c.customer_id, c.payload from raw_mycase.cases c
        join raw_mycase.case_customers l on (l.agency, l.case_id) = (c.agency, c.entity_id)
        where c.agency = %s and l.customer_id = any(%s)""",
        (agency, [record.customer_id for record in found if record.table.startswith("raw_mycase.")]),
    )
    found |= {
        SourceRecord("raw_mycase.cases", entity_id, customer_id)
        for entity_id, customer_id, payload in cases
        if set(case_parties(payload)) <= parties
    }
    return found


def _linked(connection: psycopg.Connection[Any], agency: str, records: set[SourceRecord]) -> set[SourceRecord]:
    """Return the other system's record of a person whose AMS360 customer is a BenefitPoint account, or the other way round."""
    customers = [record.entity_id.lower() for record in records if record.table == "raw_ams360.customers"]
    accounts = [
        record.entity_id for record in records if record.table == "raw_benefitpoint.accounts" and not record.part
    ]
    rows = connection.execute(
        """select c.entity_id, a.entity_id from ops.account_links l
        join raw_ams360.customers c on c.agency = l.agency and lower(c.entity_id) = lower(l.ams360_customer_id)
        join raw_benefitpoint.accounts a on a.agency = l.agency and a.entity_id = l.benefitpoint_account_id::text
        where l.agency = %s and l.state = 'confirmed'
            and a.payload -> 'accountClassification' @? '$.** ? (@ like_regex "individual" flag "i")'
            and (lower(c.entity_id) = any(%s) or a.entity_id = any(%s))""",
        (agency, customers, accounts),
    ).fetchall()
    return {SourceRecord("raw_ams360.customers", customer, customer) for customer, _ in rows} | {
        SourceRecord("raw_benefitpoint.accounts", account, account) for _, account in rows
    }


def _once_more(connection: psycopg.Connection[Any], agency: str, records: set[SourceRecord]) -> set[SourceRecord]:
    """Return a customer's contacts and dependents that are the customer itself: of its name, or of its email and no name."""
    found = set()
    for of, table in _BESIDE:
        for record in records:
            if record.table != of or record.part:
                continue
            own = payload_of(connection, agency, record) or {}
            name, emails = _name_in(own), set(emails_in(own))
            for entity_id, payload in connection.execute(
                f"select entity_id, payload from {table} where agency = %s and customer_id = %s",
                (agency, record.entity_id),
            ):
                other = _name_in(payload)
                if (len(name) > 1 and name <= other) or (not other and emails.intersection(emails_in(payload))):
                    found.add(SourceRecord(table, entity_id, record.entity_id))
    return found


def _name_in(payload: dict[str, Any]) -> frozenset[str]:
    """Return the words of the name of the person that a record is about, in lower case."""
    individual = payload.get("individualAccountInfo")
    inner = individual.get("personInfo") if isinstance(individual, dict) else payload.get("contact")
    here = inner if isinstance(inner, dict) else payload
    texts = [here.get(name) for name in ("FirstName", "LastName", "ContactName", "firstName", "lastName")]
    return frozenset(word for text in texts if isinstance(text, str) for word in _NAMES.findall(text.lower()))
