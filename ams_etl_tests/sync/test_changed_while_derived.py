"""A customer that changes while it is derived: what was read before the change is not what stays."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

import psycopg
import pytest

from ams_etl.rules.model import Derivation
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.database import connect
from ams_etl.store.dirty_customers import mark_customers
from ams_etl.store.merge import Record, merge_records
from ams_etl.sync.contacts import derive
from ams_etl.sync.contacts.deriving.each_customer import derive_each
from ams_etl.sync.raw.ams360_tables import CUSTOMERS

AGENCY, TODAY = "acme", date(2026, 6, 1)


def store(connection: psycopg.Connection[Any], customer: str, city: str) -> None:
    """Store a customer as a reader does, with its mark, in one transaction."""
    payload = {
        "CustomerId": customer, "CustomerNumber": 1, "IsActive": True, "IsPersonal": True,
        "FirstName": "Ada", "LastName": "Hale", "Email": f"{customer}@example.com", "City": city,
    }  # fmt: skip
    with connection.transaction():
        merge_records(
            connection, CUSTOMERS, AGENCY, [Record(customer, customer, payload)], seen_at=datetime(2026, 5, 1, tzinfo=UTC)
        )  # fmt: skip
        mark_customers(AgencyDb(connection, AGENCY), [customer])


@pytest.mark.parametrize("moment", ["before its records are read", "after its records are read"])
def test_a_change_while_a_customer_is_derived_is_derived_too(
    moment: Literal["before its records are read", "after its records are read"],
    connection: psycopg.Connection[Any],
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with connect(database) as reader:
        for customer in ("c1", "c2", "c3"):
            store(connection, customer, "Old Town")
        changes = ["c2"]

        def meanwhile(interpretation: Any, chunk: Sequence[str]) -> tuple[list[tuple[str, Derivation]], dict[str, str]]:
            if changes and moment == "before its records are read":
                store(reader, changes.pop(), "New Town")
            found = derive_each(interpretation, chunk)
            if changes:
                store(reader, changes.pop(), "New Town")
            return found

        monkeypatch.setattr(derive, "derive_each", meanwhile)
        derive.mark_due(connection, AGENCY, RuleSettings(), TODAY)
        derive.derive_dirty(connection, AGENCY, RuleSettings(), TODAY)
        cities = dict(
            connection.execute("select customer_id, document -> 'address' ->> 'city' from stage.candidates").fetchall()
        )
        assert cities == {"c1": "Old Town", "c2": "New Town", "c3": "Old Town"}
        assert connection.execute("select count(*) from stage.dirty_customers").fetchone() == (0,)
