"""The change feed's promise: in order, at least once, nothing missed; and nothing deleted that a consumer has not read."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ams_etl.feed import Change, FeedBehindHorizon, follow, snapshot
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import RetentionSettings
from ams_etl.store.change_feed import hold_feed
from ams_etl.store.database import connect
from ams_etl.store.maintenance.retention import prune
from ams_etl_tests.sync.source_history import AGENCY, Source, customer, refresh, store_reference

TODAY = date(2026, 6, 1)


@pytest.fixture
def source(connection: psycopg.Connection[Any], database: str, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", database)
    store_reference(connection)
    return Source()


def edit(connection: psycopg.Connection[Any], source: Source, *numbers: int, name: str = "Ann") -> None:
    for number in numbers:
        source.put(customer(number, FirstName=name, LastName="Lee", Email=f"{number}@example.com"))
    source.store(connection)
    refresh(connection, RuleSettings(), TODAY)


def test_a_consumer_that_applies_every_change_holds_the_mart(
    connection: psycopg.Connection[Any], source: Source
) -> None:
    """From a snapshot or from the beginning, in one go or with stops in between."""
    edit(connection, source, 1, 2, 3)
    with snapshot(AGENCY) as (start, documents):
        copied = {document["contact_id"]: document for document in documents}
    edit(connection, source, 2, 4, name="Bea")
    source.put(customer(3, FirstName="Ann", LastName="Lee", Email="3@example.com", IsActive=False))
    edit(connection, source)
    from_start: dict[str, Mapping[str, Any]] = {}
    cursor = 0
    for change in follow(AGENCY, wait=False):
        assert change.seq > cursor
        cursor = change.seq
        apply(from_start, change)
    for change in follow(AGENCY, start, wait=False):
        apply(copied, change)
    with snapshot(AGENCY) as (end, documents):
        published = {document["contact_id"]: document for document in documents}
    assert len(published) == 3
    assert from_start == copied == published
    assert end == cursor


def apply(contacts: dict[str, Mapping[str, Any]], change: Change) -> None:
    if change.after is None:
        del contacts[change.entity_id]
    else:
        contacts[change.entity_id] = change.after


def test_a_named_consumer_goes_on_where_it_stopped(connection: psycopg.Connection[Any], source: Source) -> None:
    edit(connection, source, 1, 2, 3)
    seen = [change.seq for change in follow(AGENCY, consumer="billing", wait=False)]
    assert len(seen) == 3
    assert list(follow(AGENCY, consumer="billing", wait=False)) == []
    edit(connection, source, 4)
    stopped = follow(AGENCY, consumer="billing", wait=False)
    again = next(stopped)
    stopped.close()
    assert [change.seq for change in follow(AGENCY, consumer="billing", wait=False)] == [again.seq]


def test_retention_waits_for_a_consumer_and_says_when_one_is_too_late(
    connection: psycopg.Connection[Any], source: Source
) -> None:
    edit(connection, source, 1, 2)
    list(follow(AGENCY, consumer="billing", wait=False))
    edit(connection, source, 3)
    connection.execute("update mart.changes set at = now() - interval '500 days'")
    assert prune(connection, AGENCY, RetentionSettings(), datetime.now(UTC))["mart.changes"] == 2
    assert len(list(follow(AGENCY, consumer="billing", wait=False))) == 1
    with pytest.raises(FeedBehindHorizon, match="snapshot"):
        list(follow(AGENCY, wait=False))
    with snapshot(AGENCY) as (start, documents):
        assert len(list(documents)) == 3
    assert list(follow(AGENCY, start, wait=False)) == []


def test_another_entitys_changes_move_the_cursor_and_are_not_seen(
    connection: psycopg.Connection[Any], source: Source
) -> None:
    edit(connection, source, 1)
    connection.execute(
        """insert into mart.changes (agency, entity, entity_id, op, after) values (%s, 'account', 'a', 'insert', '{}')""",
        (AGENCY,),
    )
    assert [change.entity for change in follow(AGENCY, consumer="billing", wait=False)] == ["contact"]
    newest = connection.execute("select max(seq) from mart.changes").fetchone()
    assert connection.execute("select cursor_seq from ops.feed_consumers").fetchone() == newest
    assert [change.entity for change in follow(AGENCY, entity=None, wait=False)] == ["contact", "account"]


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["contacts", "accounts"]))
def test_two_publishes_of_an_agency_never_number_their_changes_side_by_side(database: str, first: str) -> None:
    """Else a consumer that keeps the highest seq would miss the lower ones that commit later."""
    with connect(database) as one, connect(database) as other, one.transaction():
        hold_feed(one, first)
        other.execute("set lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            hold_feed(other, first)
        hold_feed(other, "another-agency")
