"""Derive contacts from QQ Catalyst's raw contacts, account information and policies."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, ClassVar

import psycopg

from ams_etl.rules.model import Finding
from ams_etl.rules.settings import RuleSettings
from ams_etl.rules.systems.qq_catalyst import derive, explain
from ams_etl.sync.interpret.interpreter import KeyColumn, ReadCustomer, live_payloads
from ams_etl.sync.raw.qq_catalyst_tables import ACCOUNT_INFOS, CONTACTS, POLICIES
from ams_etl.sync.raw.source_table import SourceTable


class QQCatalystInterpreter:
    """A contact with its account information and policies."""

    LIVE_CUSTOMERS: ClassVar[str] = (
        "select entity_id as customer_id from raw_qq_catalyst.contacts where agency = %(agency)s and deleted_at is null"
    )
    DELETED_CUSTOMERS: ClassVar[
        str
    ] = """select entity_id as customer_id, 'qq_catalyst' as system, 'contact' as entity, entity_id
        from raw_qq_catalyst.contacts where agency = %(agency)s and deleted_at is not null"""
    CUSTOMERS_BY_NUMBER: ClassVar[str] = """select entity_id from raw_qq_catalyst.contacts
        where agency = %(agency)s and (entity_id = %(number)s::text or ltrim(payload ->> 'CustomerNo', '0') = %(number)s::text)"""
    FIRST_SEEN: ClassVar[Mapping[str, tuple[str, KeyColumn]]] = {"contact": ("raw_qq_catalyst.contacts", "entity_id")}

    def open(
        self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date
    ) -> "_QQCatalystInterpretation":
        """Read nothing ahead: the records hold the names of their codes."""
        return _QQCatalystInterpretation(connection, agency, settings, today)


class _QQCatalystInterpretation:
    def __init__(self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date) -> None:
        self._connection, self._agency, self._settings, self._today = connection, agency, settings, today

    def read(self, customer_ids: Sequence[str]) -> list[ReadCustomer]:
        return [
            (key, partial(derive, *found, self._settings, self._today))
            for key, found in self._read(customer_ids).items()
        ]

    def explain(self, customer_ids: Sequence[str]) -> tuple[Finding, ...]:
        return tuple(
            finding
            for found in self._read(customer_ids).values()
            for finding in explain(*found, self._settings, self._today)
        )

    def _read(
        self, customer_ids: Sequence[str]
    ) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any], list[Mapping[str, Any]]]]:
        def rows(table: SourceTable, column: str) -> list[tuple[str, Mapping[str, Any]]]:
            return live_payloads(self._connection, self._agency, table.raw.qualified, column, customer_ids)

        infos = dict(rows(ACCOUNT_INFOS, "entity_id"))
        policies: dict[str, list[Mapping[str, Any]]] = {}
        for customer_id, payload in rows(POLICIES, "customer_id"):
            policies.setdefault(customer_id, []).append(payload)
        return {
            key: (payload, infos.get(key, {}), policies.get(key, [])) for key, payload in rows(CONTACTS, "entity_id")
        }
