"""A customer that changes while it is derived: what was read before the change is not what stays."""

from contextlib import suppress
from datetime import UTC, date, datetime
from random import Random
from threading import Lock
from typing import Any

import psycopg
import pytest

from ams_etl.rules.settings import RuleSettings
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.database import connect
from ams_etl.store.dirty_customers import mark_customers
from ams_etl.store.merge import Record, merge_records
from ams_etl.sync.contacts import derive
from ams_etl.sync.contacts.deriving import chunks
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


@pytest.mark.parametrize("chunk", [1, 2, 3, 1000])
@pytest.mark.parametrize("seed", range(4))
def test_whoever_changes_while_customers_are_derived_is_derived_again(
    chunk: int, seed: int, connection: psycopg.Connection[Any], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the moment: between marks and records, while the rules work, and while the chunk before is stored."""
    draw = Random(seed)
    customers = [f"c{number}" for number in range(6)]
    latest = dict.fromkeys(customers, "Town 0")
    changes = list(range(1, 13))
    one_at_a_time = Lock()
    with connect(database) as reader:
        reader.execute("set lock_timeout = '100ms'")

        def change_somebody() -> None:
            with one_at_a_time:
                if not changes or draw.random() < 0.3:
                    return
                customer, city = draw.choice(customers), f"Town {changes.pop(0)}"
                # Whose mark is just being taken changes after that.
                with suppress(psycopg.errors.LockNotAvailable):
                    store(reader, customer, city)
                    latest[customer] = city

        def between(module: Any, name: str) -> None:
            """Have somebody change before and after each call of a function."""
            whole = getattr(module, name)

            def meanwhile(*arguments: Any) -> Any:
                change_somebody()
                found = whole(*arguments)
                change_somebody()
                return found

            monkeypatch.setattr(module, name, meanwhile)

        for customer in customers:
            store(connection, customer, "Town 0")
        monkeypatch.setattr(chunks, "CHUNK", chunk)
        for name in ("due_customers", "derive_each", "store_derived"):
            between(chunks, name)
        derive.mark_due(connection, AGENCY, RuleSettings(), TODAY)
        derive.derive_dirty(connection, AGENCY, RuleSettings(), TODAY)
    cities = dict(
        connection.execute("select customer_id, document -> 'address' ->> 'city' from stage.candidates").fetchall()
    )
    assert cities == latest
    assert connection.execute("select count(*) from stage.dirty_customers").fetchone() == (0,)
    assert len(changes) < 12, "nobody changed"
