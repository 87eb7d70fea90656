"""AMS360's customers, and beside them the accounts that BenefitPoint knows (B10, B11)."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, ClassVar

import psycopg

from ams_etl.rules.model import Finding
from ams_etl.rules.settings import RuleSettings
from ams_etl.rules.systems.benefitpoint import AccountBundle, derive, explain, names_of
from ams_etl.sync.interpret.ams360 import Ams360Interpreter
from ams_etl.sync.interpret.interpreter import Interpretation, KeyColumn, ReadCustomer, live_payloads
from ams_etl.sync.raw.benefitpoint_tables import ACCOUNTS, CARRIERS, CONTACTS, OFFICES, PLANS, PRODUCT_TYPES


class Ams360WithBenefitPoint:
    """Two systems of one agency: a CustomerId is a GUID, an accountID a number, so an id tells whose it is."""

    LIVE_CUSTOMERS: ClassVar[str] = f"""{Ams360Interpreter.LIVE_CUSTOMERS}
        union all select entity_id from raw_benefitpoint.accounts where agency = %(agency)s and deleted_at is null"""
    DELETED_CUSTOMERS: ClassVar[str] = f"""{Ams360Interpreter.DELETED_CUSTOMERS}
        union all select entity_id as customer_id, 'benefitpoint' as system, 'account' as entity, entity_id
        from raw_benefitpoint.accounts where agency = %(agency)s and deleted_at is not null"""
    CUSTOMERS_BY_NUMBER: ClassVar[str] = f"""{Ams360Interpreter.CUSTOMERS_BY_NUMBER}
        union all select entity_id from raw_benefitpoint.accounts
        where agency = %(agency)s and entity_id = %(number)s::text and deleted_at is null"""
    FIRST_SEEN: ClassVar[Mapping[str, tuple[str, KeyColumn]]] = {
        **Ams360Interpreter.FIRST_SEEN,
        "account": ("raw_benefitpoint.accounts", "entity_id"),
        "account_contact": ("raw_benefitpoint.contacts", "entity_id"),
        "account_dependent": ("raw_benefitpoint.accounts", "customer_id"),
    }

    def open(
        self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date
    ) -> "_BothInterpretations":
        """Read the names of both systems, and which account is which customer."""
        return _BothInterpretations(
            Ams360Interpreter().open(connection, agency, settings, today),
            _BenefitPointInterpretation(connection, agency, settings, today),
        )


class _BothInterpretations:
    def __init__(self, ams360: Interpretation, benefitpoint: Interpretation) -> None:
        self._ams360, self._benefitpoint = ams360, benefitpoint

    def read(self, customer_ids: Sequence[str]) -> list[ReadCustomer]:
        customers, accounts = _parted(customer_ids)
        return self._ams360.read(customers) + self._benefitpoint.read(accounts)

    def explain(self, customer_ids: Sequence[str]) -> tuple[Finding, ...]:
        customers, accounts = _parted(customer_ids)
        return self._ams360.explain(customers) + self._benefitpoint.explain(accounts)


def _parted(customer_ids: Sequence[str]) -> tuple[list[str], list[str]]:
    return [customer_id for customer_id in customer_ids if not customer_id.isdecimal()], [
        customer_id for customer_id in customer_ids if customer_id.isdecimal()
    ]


class _BenefitPointInterpretation:
    def __init__(self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date) -> None:
        self._connection, self._agency, self._settings, self._today = connection, agency, settings, today
        self._names = names_of(
            self._named(OFFICES.qualified, "officeName"),
            self._named(CARRIERS.qualified, "carrierName"),
            self._named(PRODUCT_TYPES.qualified, "lineOfCoverage"),
        )

    def read(self, customer_ids: Sequence[str]) -> list[ReadCustomer]:
        return [
            (bundle.account_id, partial(derive, bundle, self._names, self._settings, self._today))
            for bundle in self._read(customer_ids)
        ]

    def explain(self, customer_ids: Sequence[str]) -> tuple[Finding, ...]:
        return tuple(
            finding
            for bundle in self._read(customer_ids)
            for finding in explain(bundle, self._names, self._settings, self._today)
        )

    def _read(self, account_ids: Sequence[str]) -> list[AccountBundle]:
        if not account_ids:
            return []
        beneath: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
        for table in (CONTACTS, PLANS):
            found = beneath.setdefault(table.name, {})
            for account_id, payload in live_payloads(
                self._connection, self._agency, table.qualified, "customer_id", account_ids
            ):
                found.setdefault(account_id, []).append(payload)
        # The id as AMS360 writes it: candidates are known by it.
        links: dict[str, str] = dict(
            self._connection.execute(
                """select l.benefitpoint_account_id::text, coalesce(c.document ->> 'customer_id', l.ams360_customer_id)
                from ops.account_links l left join stage.account_customers c
                    on (c.agency, c.customer_key) = (l.agency, lower(l.ams360_customer_id))
                where l.agency = %s and l.benefitpoint_account_id = any(%s::int[]) and l.state = 'confirmed'""",
                (self._agency, [int(account_id) for account_id in account_ids]),
            ).fetchall()
        )
        return [
            AccountBundle(
                account,
                tuple(beneath[CONTACTS.name].get(account_id, ())),
                tuple(beneath[PLANS.name].get(account_id, ())),
                links.get(account_id),
            )
            for account_id, account in live_payloads(
                self._connection, self._agency, ACCOUNTS.qualified, "entity_id", account_ids
            )
        ]

    def _named(self, table: str, member: str) -> dict[str, str]:
        rows = self._connection.execute(
            f"select entity_id, payload ->> %s from {table} where agency = %s and payload ->> %s is not null",
            (member, self._agency, member),
        )
        return dict(rows.fetchall())
