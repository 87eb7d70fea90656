"""Who shared an address with somebody that left it is evaluated again, though nothing joins the two any more."""

from collections.abc import Callable
from datetime import date
from typing import Any

import psycopg
import pytest

from ams_etl.rules.settings import RuleSettings
from ams_etl.sync.contacts.deriving import store_derived
from ams_etl_tests.sync.source_history import Source, customer, mart, rebuilt, refresh, store_reference

TODAY = date(2026, 6, 1)
ONE_CUSTOMER_AN_ADDRESS = RuleSettings(shared_email_limit=1)


def leaves(source: Source) -> None:
    source.put(customer(1, FirstName="Flo (DNC)", LastName="Aa", Email="b@x.com"))


def is_deleted(source: Source) -> None:
    source.customers.pop(1)


def differs_after(connection: psycopg.Connection[Any], happens: Callable[[Source], None]) -> bool:
    """Whether a sync after it ends otherwise than a rebuild would."""
    store_reference(connection)
    source = Source()
    for number, name in enumerate(("Flo (DNC)", "Ann", "Cid"), start=1):
        source.put(customer(number, FirstName=name, LastName=f"Name{number}", Email="a@x.com"))
    for change in (lambda _: None, happens):
        change(source)
        source.store(connection, range(1, 4))
        refresh(connection, ONE_CUSTOMER_AN_ADDRESS, TODAY)
    return mart(connection) != rebuilt(connection, ONE_CUSTOMER_AN_ADDRESS, TODAY)


@pytest.mark.parametrize("happens", [leaves, is_deleted])
def test_an_address_that_nobody_refuses_any_more_is_free_for_the_others(
    connection: psycopg.Connection[Any], happens: Callable[[Source], None]
) -> None:
    """M5, M6: the address brings nobody together, so that only it leads from one of them to the others."""
    assert not differs_after(connection, happens)


@pytest.mark.parametrize("happens", [leaves, is_deleted])
def test_without_the_mark_of_former_sharers_it_would_not_be(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch, happens: Callable[[Source], None]
) -> None:
    """So that the test above can fail: a random history meets this too rarely."""
    monkeypatch.setattr(store_derived, "touch_former_sharers", lambda *_: None)
    assert differs_after(connection, happens)
