"""docs/events.schema.json and the code that accepts events are one truth: each generated event gets one verdict of both.

`EVENTS=20000 python -m pytest ams_etl_tests/writeback/test_schema.py` asks for more of them.
"""

import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ams_etl.writeback.events.events import read_event, schema
from ams_etl_tests.writeback.sample_events import event as sample
from ams_etl_tests.writeback.schema_values import broken, validator_of, values_of

_SCHEMA = schema()
_JUDGE = validator_of(_SCHEMA)
_EVENTS = st.sampled_from(_SCHEMA["oneOf"]).flatmap(lambda kind: values_of(kind, _SCHEMA))
_MANY = settings(
    max_examples=int(os.environ.get("EVENTS", "20")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def _why_refused(event: Any) -> str | None:
    try:
        read_event(event)
    except ValueError as error:
        return str(error)
    return None


def _ends_before_it_starts(event: Any) -> bool:
    """The one rule that JSON Schema has no words for; the schema says it in a description."""
    policy = event.get("policy") if isinstance(event, dict) else None
    days = [(policy.get(name) or "")[:10] for name in ("effective_date", "expiration_date")] if policy else [""]
    return all(days) and days[1] < days[0]


@_MANY
@given(event=_EVENTS)
def test_what_the_schema_admits_is_accepted(event: Any) -> None:
    """Whoever generates events from the published schema never gets a 422."""
    assert list(_JUDGE.iter_errors(event)) == []
    if not _ends_before_it_starts(event):
        assert _why_refused(event) is None


@_MANY
@given(event=broken(_EVENTS))
def test_what_breaks_the_schema_is_refused_and_nothing_else(event: Any) -> None:
    """A member left out, unknown, retyped or out of its range: schema and code agree, and the code says where."""
    why = _why_refused(event)
    if _JUDGE.is_valid(event):
        assert why is None or _ends_before_it_starts(event)
    else:
        assert why is not None
        assert ": " in why


def test_a_contact_of_nothing_is_refused_by_both() -> None:
    """Neither a reference nor an email: there would be nobody to look for."""
    empty = sample("contact_created", None, contact={}, properties={"first_name": "Ann", "last_name": "Doe"})
    assert not _JUDGE.is_valid(empty)
    assert _why_refused(empty)
    named = {**empty, "contact": {"email": "ann@doe.example"}}
    assert _JUDGE.is_valid(named)
    assert _why_refused(named) is None
