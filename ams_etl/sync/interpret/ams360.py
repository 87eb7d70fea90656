"""AMS360's raw records as the rules take them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar, TypeVar

import psycopg
from psycopg.rows import tuple_row

from ams_etl.rules.contacts.candidates import derive
from ams_etl.rules.contacts.explain import explain
from ams_etl.rules.model import Candidate, Derivation, Finding
from ams_etl.rules.records.ams360 import Customer, CustomerBundle, CustomerContact, CustomerDependent, Payload, Policy
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.agency_db import column
from ams_etl.sync.interpret.interpreter import KeyColumn
from ams_etl.sync.raw.reference_names import load_reference

T = TypeVar("T")
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

    def derive(self, customer_ids: Sequence[str]) -> list[tuple[str, Derivation]]:
        return [
            (bundle.customer.customer_id, derive(bundle, self._reference, self._settings, self._today))
            for bundle in read_bundles(self._connection, self._agency, customer_ids)
        ]

    def explain(self, customer_ids: Sequence[str]) -> tuple[Finding, ...]:
        return tuple(
            finding
            for bundle in read_bundles(self._connection, self._agency, customer_ids)
            for finding in explain(bundle, self._reference, self._settings, self._today)
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
        for bundle in read_bundles(connection, agency, customer_ids, gone=True)
        for candidate in derive(bundle, reference, everybody, today).candidates
    ]


def read_bundles(
    connection: psycopg.Connection[Any], agency: str, customer_ids: Sequence[str], *, gone: bool = False
) -> list[CustomerBundle]:
    """These customers as raw has them, each with everything live beneath it.

    Args:
        connection: any.
        agency: the agency id.
        customer_ids: those asked for.
        gone: return those that are gone, as they were last, and leave out the live ones; otherwise the other way round.
    """
    key = (agency, list(customer_ids))
    is_meant = _WAS_BENEATH if gone else "deleted_at is null"
    rows = connection.cursor(row_factory=tuple_row)

    def beneath(table: str, make: Callable[[Payload], T]) -> dict[str, list[T]]:
        found: dict[str, list[T]] = {}
        for customer_id, payload in rows.execute(
            f"""select customer_id, payload from raw_ams360.{table} t
            where agency = %s and customer_id = any(%s) and {is_meant} order by entity_id""",
            key,
        ):
            found.setdefault(customer_id, []).append(make(payload))
        return found

    contacts = beneath("customer_contacts", CustomerContact.from_payload)
    dependents = beneath("customer_dependents", CustomerDependent.from_payload)
    policies = beneath("policies", Policy.from_payload)
    shells = frozenset(column(connection, "select policy_id from ops.policy_shells where agency = %s", (agency,)))
    return [
        CustomerBundle(
            customer=Customer.from_payload(payload),
            contacts=tuple(contacts.get(customer_id, ())),
            dependents=tuple(dependents.get(customer_id, ())),
            policies=tuple(policies.get(customer_id, ())),
            shell_policy_ids=shells,
        )
        for customer_id, payload in rows.execute(
            f"""select entity_id, payload from raw_ams360.customers
            where agency = %s and entity_id = any(%s) and deleted_at is {"not null" if gone else "null"}""",
            key,
        ).fetchall()
    ]
