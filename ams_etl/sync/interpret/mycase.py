"""Derive contacts from MyCase's raw clients, companies and cases."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, ClassVar

import psycopg

from ams_etl.rules.model import Finding
from ams_etl.rules.settings import RuleSettings
from ams_etl.rules.systems.mycase import CLIENT, COMPANY, Party, derive, explain, staff_names
from ams_etl.store.agency_db import column
from ams_etl.sync.interpret.interpreter import KeyColumn, ReadCustomer, live_payloads
from ams_etl.sync.raw.mycase_tables import CLIENTS, COMPANIES


class MyCaseInterpreter:
    """A client or company with every case that names it."""

    LIVE_CUSTOMERS: ClassVar[str] = """select customer_id from raw_mycase.clients
        where agency = %(agency)s and deleted_at is null
        union all select customer_id from raw_mycase.companies where agency = %(agency)s and deleted_at is null"""
    DELETED_CUSTOMERS: ClassVar[str] = f"""select customer_id, 'mycase' as system, '{CLIENT}' as entity, entity_id
        from raw_mycase.clients where agency = %(agency)s and deleted_at is not null
        union all select customer_id, 'mycase' as system, '{COMPANY}' as entity, entity_id
        from raw_mycase.companies where agency = %(agency)s and deleted_at is not null"""
    CUSTOMERS_BY_NUMBER: ClassVar[str] = """select customer_id from raw_mycase.clients
        where agency = %(agency)s and entity_id = %(number)s::text
        union all select customer_id from raw_mycase.companies where agency = %(agency)s and entity_id = %(number)s::text"""
    FIRST_SEEN: ClassVar[Mapping[str, tuple[str, KeyColumn]]] = {
        CLIENT: ("raw_mycase.clients", "entity_id"), COMPANY: ("raw_mycase.companies", "entity_id"),
    }  # fmt: skip

    def open(
        self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date
    ) -> "_MyCaseInterpretation":
        """Read the staff's names; those who left keep theirs."""
        return _MyCaseInterpretation(connection, agency, settings, today)


class _MyCaseInterpretation:
    def __init__(self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date) -> None:
        self._connection, self._agency, self._settings, self._today = connection, agency, settings, today
        staff = column(connection, "select payload from raw_mycase.staff where agency = %s", (agency,))
        self._staff = staff_names(staff)

    def read(self, customer_ids: Sequence[str]) -> list[ReadCustomer]:
        return [
            (party.customer_id, partial(derive, party, self._staff, self._settings, self._today))
            for party in self._read(customer_ids)
        ]

    def explain(self, customer_ids: Sequence[str]) -> tuple[Finding, ...]:
        return tuple(
            finding for party in self._read(customer_ids) for finding in explain(party, self._settings, self._today)
        )

    def _read(self, customer_ids: Sequence[str]) -> list[Party]:
        cases: dict[str, list[Mapping[str, Any]]] = {}
        for customer_id, payload in self._connection.execute(
            """select l.customer_id, c.payload from raw_mycase.case_customers l
            join raw_mycase.cases c on (c.agency, c.entity_id) = (l.agency, l.case_id)
            where l.agency = %s and l.customer_id = any(%b) and c.deleted_at is null""",
            (self._agency, list(customer_ids)),
        ):
            cases.setdefault(customer_id, []).append(payload)
        found = []
        for kind, table in ((CLIENT, CLIENTS), (COMPANY, COMPANIES)):
            keys = [
                key for party, _, key in (customer_id.partition(":") for customer_id in customer_ids) if party == kind
            ]
            rows = live_payloads(self._connection, self._agency, table.raw.qualified, "entity_id", keys)
            found += [Party(kind, record, tuple(cases.get(f"{kind}:{key}", ()))) for key, record in rows]
        return found
