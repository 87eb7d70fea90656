"""Derive contacts from HawkSoft's raw clients."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, ClassVar

import psycopg

from ams_etl.rules.model import Finding
from ams_etl.rules.settings import RuleSettings
from ams_etl.rules.systems.hawksoft import derive, explain, offices_of
from ams_etl.store.agency_db import column
from ams_etl.sync.interpret.interpreter import KeyColumn, ReadCustomer, live_payloads
from ams_etl.sync.raw.hawksoft_tables import CLIENTS


class HawkSoftInterpreter:
    """A client is one record, with people, contacts and policies inside."""

    LIVE_CUSTOMERS: ClassVar[str] = (
        "select entity_id as customer_id from raw_hawksoft.clients where agency = %(agency)s and deleted_at is null"
    )
    DELETED_CUSTOMERS: ClassVar[
        str
    ] = """select entity_id as customer_id, 'hawksoft' as system, 'client' as entity, entity_id
        from raw_hawksoft.clients where agency = %(agency)s and deleted_at is not null"""
    CUSTOMERS_BY_NUMBER: ClassVar[str] = (
        "select entity_id from raw_hawksoft.clients where agency = %(agency)s and entity_id = %(number)s::text"
    )
    FIRST_SEEN: ClassVar[Mapping[str, tuple[str, KeyColumn]]] = {
        "client": ("raw_hawksoft.clients", "entity_id"), "person": ("raw_hawksoft.clients", "customer_id"),
    }  # fmt: skip

    def open(
        self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date
    ) -> "_HawkSoftInterpretation":
        """Read the offices' names."""
        return _HawkSoftInterpretation(connection, agency, settings, today)


class _HawkSoftInterpretation:
    def __init__(self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date) -> None:
        self._connection, self._agency, self._settings, self._today = connection, agency, settings, today
        offices = column(connection, "select payload from raw_hawksoft.offices where agency = %s", (agency,))
        self._offices = offices_of(offices)

    def read(self, customer_ids: Sequence[str]) -> list[ReadCustomer]:
        return [
            (key, partial(derive, client, self._offices, self._settings, self._today))
            for key, client in self._read(customer_ids)
        ]

    def explain(self, customer_ids: Sequence[str]) -> tuple[Finding, ...]:
        return tuple(
            finding
            for _, client in self._read(customer_ids)
            for finding in explain(client, self._offices, self._settings, self._today)
        )

    def _read(self, customer_ids: Sequence[str]) -> list[tuple[str, Mapping[str, Any]]]:
        return live_payloads(self._connection, self._agency, CLIENTS.raw.qualified, "entity_id", customer_ids)
