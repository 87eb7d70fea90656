"""How a system's raw records become candidates: the half of a read side that needs no connection to the system.

`derive`, `plan`, `publish`, `why` and `preview` are the same for every system; an `Interpreter` holds what differs.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, Literal, Protocol

import psycopg

from ams_etl.rules.model import Derivation, Finding
from ams_etl.rules.settings import RuleSettings

KeyColumn = Literal["entity_id", "customer_id"]
ReadCustomer = tuple[str, Callable[[], Derivation]]
"""A customer's id, and what derives it from the records that were read: without a database, so that it may run beside one."""


class Interpretation(Protocol):
    """One agency's raw records, with the names of their codes, as they are now."""

    def read(self, customer_ids: Sequence[str]) -> list[ReadCustomer]:
        """Read the records of each of these customers; those that raw does not have, or has as deleted, are left out."""

    def explain(self, customer_ids: Sequence[str]) -> tuple[Finding, ...]:
        """Why these customers gave it."""


class Interpreter(Protocol):
    """What a system's raw records mean."""

    LIVE_CUSTOMERS: ClassVar[str]
    """SQL: the ids of an agency's (`%(agency)s`) customers that are not deleted, as `customer_id`."""
    DELETED_CUSTOMERS: ClassVar[str]
    """SQL: an agency's (`%(agency)s`) customers that the source deleted: `customer_id, system, entity, entity_id`."""
    CUSTOMERS_BY_NUMBER: ClassVar[str]
    """SQL: the ids of an agency's (`%(agency)s`) customers of the number (`%(number)s`) that people know them by."""
    FIRST_SEEN: ClassVar[Mapping[str, tuple[str, KeyColumn]]]
    """Entity -> the raw table that knows when it was first seen, and which of a candidate's columns is its key there."""

    def open(
        self, connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, today: date
    ) -> Interpretation:
        """Read an agency's names of codes, once for many customers."""


def live_payloads(
    connection: psycopg.Connection[Any], agency: str, table: str, column: str, keys: Sequence[str]
) -> list[tuple[str, Mapping[str, Any]]]:
    """Key and payload of the live records of a raw table whose `column` is one of these, in the order of their ids."""
    return connection.execute(
        f"""select {column}, payload from {table}
        where agency = %s and {column} = any(%b) and deleted_at is null order by entity_id""",
        (agency, list(keys)),
    ).fetchall()
