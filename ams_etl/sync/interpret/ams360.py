"""AMS360's raw records as the rules take them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any, ClassVar

import psycopg

from ams_etl.rules.contacts.candidates import derive
from ams_etl.rules.contacts.explain import explain
from ams_etl.rules.model import Candidate, Derivation, Finding
from ams_etl.rules.records.ams360 import Customer, CustomerBundle, CustomerContact, CustomerDependent, Policy, Reference
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.agency_db import column
from ams_etl.store.content import parse_json
from ams_etl.sync.interpret.interpreter import KeyColumn, ReadCustomer
from ams_etl.sync.raw.reference_names import load_reference

_WAS_BENEATH = """deleted_at >= (
    select c.deleted_at from raw_ams360.customers c where (c.agency, c.entity_id) = (t.agency, t.customer_id))"""
"""A record that went with its customer."""


class Ams360Interpreter:
    """Customers with their contacts, dependents and policies."""

    LIVE_CUSTOMERS: ClassVar[str] = (
        "select entity_id as customer_id from raw_ams360.customers where agency = %(agency)s and deleted_at is null"
    )
    DELETED_CUSTOMERS: ClassVar[
        str
    ] = """select entity_id as customer_id, 'ams360' as system, 'customer' as entity, entity_id
        from raw_ams360.customers where agency = %(agency)s and deleted_at is not null"""
    CUSTOMERS_BY_NUMBER: ClassVar[str] = (
        "select customer_id from ams360.customers where agency = %(agency)s and customer_number = %(number)s"
    )
    FIRST_SEEN: ClassVar[Mapping[str, tuple[str, KeyColumn]]] = {
        "customer": ("raw_ams360.customers", "entity_id"),
        "customer_contact": ("raw_ams360.customer_contacts", "entity_id"),
        "customer_dependent": ("raw_ams360.customer_dependents", "entity_id"),
    }

    def open(
        self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date
    ) -> "_Ams360Interpretation":
        """Read employees, carriers, lines of business and units."""
        return _Ams360Interpretation(connection, agency, settings, today)


class _Ams360Interpretation:
    def __init__(self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date) -> None:
        self._connection, self._agency, self._settings, self._today = connection, agency, settings, today
        self._reference = load_reference(connection, agency)

    def read(self, customer_ids: Sequence[str]) -> list[ReadCustomer]:
        return [
            (customer_id, partial(_derive, records, self._reference, self._settings, self._today))
            for customer_id, records in _read(self._connection, self._agency, customer_ids).items()
        ]

    def explain(self, customer_ids: Sequence[str]) -> tuple[Finding, ...]:
        return tuple(
            finding
            for records in _read(self._connection, self._agency, customer_ids).values()
            for finding in explain(records.bundle(), self._reference, self._settings, self._today)
        )


def last_candidates(
    connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date, customer_ids: Sequence[str]
) -> list[Candidate]:
    """Return the candidates that these customers, all of them gone, would be by their last records (M9).

    Whatever the settings leave out is in it: a refusal counts, whoever becomes a contact.
    """
    reference = load_reference(connection, agency)
    everybody = replace(settings, import_inactive=True, prospects="all")
    return [
        candidate
        for records in _read(connection, agency, customer_ids, gone=True).values()
        for candidate in _derive(records, reference, everybody, today).candidates
    ]


@dataclass(slots=True)
class _Records:
    """A customer and everything live beneath it, each as the JSON text that Postgres sent: to parse it is part of deriving."""

    customer: str
    shells: frozenset[str]
    customer_contacts: list[str] = field(default_factory=list)
    customer_dependents: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)

    def bundle(self) -> CustomerBundle:
        """Return the records as the rules take them."""
        return CustomerBundle(
            customer=Customer.from_payload(parse_json(self.customer)),
            contacts=tuple([CustomerContact.from_payload(parse_json(text)) for text in self.customer_contacts]),
            dependents=tuple([CustomerDependent.from_payload(parse_json(text)) for text in self.customer_dependents]),
            policies=tuple([Policy.from_payload(parse_json(text)) for text in self.policies]),
            shell_policy_ids=self.shells,
        )


def _derive(records: _Records, reference: Reference, settings: RuleSettings, today: date) -> Derivation:
    return derive(records.bundle(), reference, settings, today)


def _read(
    connection: psycopg.Connection[Any], agency: str, customer_ids: Sequence[str], *, gone: bool = False
) -> dict[str, _Records]:
    """Read these customers as raw has them, each with everything live beneath it.

    Args:
        connection: any.
        agency: the agency id.
        customer_ids: those asked for.
        gone: return those that are gone, as they were last, and leave out the live ones; otherwise the other way round.
    """
    key = (agency, list(customer_ids))
    shells = frozenset(column(connection, "select policy_id from ops.policy_shells where agency = %s", (agency,)))
    found = {
        customer_id: _Records(payload, shells)
        for customer_id, payload in connection.execute(
            f"""select entity_id, payload::text from raw_ams360.customers
            where agency = %s and entity_id = any(%b) and deleted_at is {"not null" if gone else "null"}""",
            key,
        ).fetchall()
    }
    is_meant = _WAS_BENEATH if gone else "deleted_at is null"
    for table in ("customer_contacts", "customer_dependents", "policies"):
        for customer_id, payload in connection.execute(
            f"""select customer_id, payload::text from raw_ams360.{table} t
            where agency = %s and customer_id = any(%b) and {is_meant} order by entity_id""",
            key,
        ).fetchall():
            # A record whose customer is not here belongs to one that is gone, or not yet.
            if customer_id in found:
                getattr(found[customer_id], table).append(payload)
    return found
