"""Merging by content hash, against a model."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ams_etl.store.content import canonical_json
from ams_etl.store.merge import RawTable, Record, merge_records

TABLE = RawTable("raw_ams360", "policies")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PAYLOADS = st.dictionaries(st.sampled_from("abc"), st.one_of(st.none(), st.integers(), st.text(max_size=5)), max_size=3)
BATCHES = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from("1234"), st.sampled_from("AB"), PAYLOADS), max_size=6),
        st.sampled_from([(), ("A",), ("A", "B"), "agency"]),
    ),
    max_size=5,
)


def rows(connection: psycopg.Connection[Any]) -> dict[str, tuple[str, Any, bool]]:
    return {
        key: (owner, payload, gone)
        for key, owner, payload, gone in connection.execute(
            "select entity_id, customer_id, payload, deleted_at is not null from raw_ams360.policies"
        )
    }


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES)
def test_raw_is_what_the_listings_said(connection: psycopg.Connection[Any], batches: list[Any]) -> None:
    """The last of two wins, a complete listing deletes what it lacks and only there, and the counts add up."""
    connection.execute("truncate raw_ams360.policies")
    model: dict[str, tuple[str, Any, bool]] = {}
    for number, (batch, complete) in enumerate(batches):
        before = dict(model)
        with connection.transaction():
            counts = merge_records(
                connection,
                TABLE,
                "acme",
                [Record(*entry) for entry in batch],
                seen_at=BEGIN + timedelta(days=number),
                complete_for=complete,
            )
        listed = {key: (owner, _stored(payload), False) for key, owner, payload in batch}
        for key, (owner, payload, _) in before.items():
            if key not in listed and (complete == "agency" or owner in complete):
                model[key] = (owner, payload, True)
        model.update(listed)
        assert rows(connection) == model
        assert counts.seen == len(listed)
        assert counts.doubled == len(batch) - len(listed)
        assert counts.inserted == len(set(listed) - set(before))
        assert counts.unchanged == sum(before.get(key) == value for key, value in listed.items())
        assert counts.seen == counts.inserted + counts.updated + counts.unchanged
        assert counts.deleted == sum(not before[key][2] and model[key][2] for key in before)


def _stored(payload: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.replace("\0", "\ufffd") if isinstance(value, str) else value
        for key, value in payload.items()
        if value is not None
    }


def test_an_unchanged_record_is_not_written_and_a_failed_batch_leaves_no_trace(
    connection: psycopg.Connection[Any],
) -> None:
    """A second sync with nothing changed writes no rows; half a batch is no batch."""
    record = Record("1", "A", {"b": 1, "a": "é"})
    with connection.transaction():
        merge_records(connection, TABLE, "acme", [record], seen_at=BEGIN)
    first = connection.execute("select xmin, last_seen_at from raw_ams360.policies").fetchall()
    with connection.transaction():
        again = Record("1", "A", {"a": "é", "b": 1})
        counts = merge_records(connection, TABLE, "acme", [again], seen_at=BEGIN + timedelta(1), complete_for="agency")
    assert (counts.unchanged, counts.updated) == (1, 0)
    assert connection.execute("select xmin, last_seen_at from raw_ams360.policies").fetchall() == first
    with pytest.raises(RuntimeError), connection.transaction():
        merge_records(connection, TABLE, "acme", [Record("2", "A", {})], seen_at=BEGIN, complete_for="agency")
        raise RuntimeError
    assert set(rows(connection)) == {"1"}


def test_a_record_comes_back_with_its_first_day(connection: psycopg.Connection[Any]) -> None:
    """M3 depends on first_seen_at surviving a deletion."""
    for number, batch in enumerate(([Record("1", "A", {})], [], [Record("1", "A", {})])):
        with connection.transaction():
            merge_records(connection, TABLE, "acme", batch, seen_at=BEGIN + timedelta(days=number), complete_for=("A",))
    found = connection.execute("select first_seen_at, deleted_at from raw_ams360.policies").fetchall()
    assert found == [(BEGIN, None)]


def test_a_record_that_moves_touches_both_customers(connection: psycopg.Connection[Any]) -> None:
    """The customer it left must be derived again, too."""
    for owner in "AB":
        with connection.transaction():
            counts = merge_records(connection, TABLE, "acme", [Record("1", owner, {})], seen_at=BEGIN)
    assert counts.customers == {"A", "B"}


def test_equal_payloads_have_equal_bytes() -> None:
    """The hash must not depend on the order in which members came."""
    assert canonical_json({"a": 1, "b": 2, "c": None}) == canonical_json({"b": 2, "a": 1})
