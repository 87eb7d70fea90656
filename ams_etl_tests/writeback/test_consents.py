"""Consent per channel and address: the strongest answer wins, and what AMS360 marks stays."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ams_etl.store.sending.consents import Consent, hashed, store_consents
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.writeback.sample_events import event
from ams_etl_tests.writeback.working_agency import office

_AGENCY, _NOW = "acme", datetime(2026, 6, 1, tzinfo=UTC)


def _contact(connection: psycopg.Connection[Any], email: str | None, suppressed: str | None = None) -> UUID:
    contact_id = uuid4()
    connection.execute(
        """insert into mart.contacts (agency, contact_id, record_type, status, email, phone, address1, suppressed_reason,
            created_at, updated_at) values (%s, %s, 'personal', 'client', %s, '+14155550142', '1 A St', %s, now(), now())""",
        (_AGENCY, contact_id, email, suppressed),
    )
    return contact_id


def _may(connection: psycopg.Connection[Any], contact_id: UUID, channel: str = "email") -> bool:
    ((answer,),) = connection.execute("select mart.may_send(%s, %s)", (contact_id, channel)).fetchall()
    return bool(answer)


def _say(
    connection: psycopg.Connection[Any],
    source: Any,
    answer: Any,
    address: str,
    at: datetime = _NOW,
    channel: Any = "email",
) -> None:
    store_consents(connection, _AGENCY, source, [Consent(channel, address, answer, at)])


def test_a_refusal_belongs_to_the_address(connection: psycopg.Connection[Any]) -> None:
    """Whoever shares it is not written to there, and is by every other channel."""
    ann, bob = _contact(connection, "x@example.com"), _contact(connection, "x@example.com")
    other = _contact(connection, "y@example.com")
    _say(connection, "platform", "no", "x@example.com")
    assert [_may(connection, found) for found in (ann, bob, other)] == [False, False, True]
    assert all(_may(connection, ann, channel) for channel in ("text", "phone", "mail"))
    _say(connection, "manual", "no", "+14155550142", channel="text")
    _say(connection, "manual", "no", str(ann), channel="mail")
    assert [_may(connection, ann, channel) for channel in ("text", "phone", "mail")] == [False, True, False]


def test_a_mark_of_the_source_stays_and_an_unknown_contact_is_not_written_to(
    connection: psycopg.Connection[Any],
) -> None:
    marked = _contact(connection, "z@example.com", "do_not_contact")
    _say(connection, "platform", "yes", "z@example.com")
    assert not any(_may(connection, marked, channel) for channel in ("email", "text", "phone", "mail"))
    assert not _may(connection, uuid4())
    assert not _may(connection, _contact(connection, None))
    assert not _may(connection, _contact(connection, "q@example.com"), "pigeon")


def test_a_hashed_suppression_list_stops_the_address(connection: psycopg.Connection[Any]) -> None:
    contact_id = _contact(connection, "hash@example.com")
    _say(connection, "import", "no", hashed(" Hash@Example.com "))
    assert not _may(connection, contact_id)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.lists(
        st.tuples(st.sampled_from(["platform", "page", "import", "manual"]), st.sampled_from(["yes", "no"]), st.integers(0, 3)),
        max_size=6,
    )
)  # fmt: skip
def test_the_latest_answer_of_each_source_counts_and_any_no_wins(
    connection: psycopg.Connection[Any], said: list[tuple[str, str, int]]
) -> None:
    """In whatever order answers arrive."""
    orders = list(itertools.islice(itertools.permutations(said), 3))
    outcomes = set()
    for order in orders:
        connection.execute("truncate ops.consents")
        contact_id = _contact(connection, "p@example.com")
        for source, answer, day in order:
            _say(connection, source, answer, "p@example.com", _NOW + timedelta(days=day))
        outcomes.add(_may(connection, contact_id))
    latest = {source: max((day, answer == "no") for by, answer, day in said if by == source) for source, _, _ in said}
    assert outcomes == {not any(is_no for _, is_no in latest.values())}


def test_the_platforms_events_are_kept_and_written_to_no_system(
    connection: psycopg.Connection[Any], sandbox: Sandbox
) -> None:
    demo = office(connection, sandbox)
    demo.tell(
        event("consent_changed"),
        event("consent_changed", channel="text", address="(415) 555-0142"),
        event("consent_changed", address="nobody"),
    )
    demo.drain()
    kept = connection.execute("select channel, address, answer, source from ops.consents order by 1").fetchall()
    assert kept == [("email", "jo@example.com", "no", "platform"), ("text", "+14155550142", "no", "platform")]
    states = connection.execute("select state, error from ops.events order by seq").fetchall()
    assert [state for state, _ in states] == ["done", "done", "refused"]
    assert "nobody" not in states[2][1]
    assert sandbox.ask("writes") == []


def test_a_number_of_somebody_who_refused_is_not_called_whoever_else_has_it(
    connection: psycopg.Connection[Any],
) -> None:
    """M6: the refusal belongs to the number; it suppresses nobody, and email to the other goes on."""
    john, jane = UUID(int=1), UUID(int=2)
    for key, reason, email in ((john, "do_not_contact", None), (jane, None, "jane@x.example")):
        connection.execute(
            """insert into mart.contacts (agency, contact_id, record_type, status, email, phone, suppressed_reason,
                created_at, updated_at) values ('acme', %s, 'personal', 'client', %s, '+12175550101', %s, now(), now())""",
            (key, email, reason),
        )
        connection.execute(
            "insert into mart.contact_phones values ('acme', %s, '+12175550101', 'cell', null, true)", (key,)
        )
    answers = connection.execute(
        "select mart.may_send(%s, channel) from unnest(array['phone', 'text', 'mail', 'email']) channel", (jane,)
    ).fetchall()
    assert answers == [(False,), (False,), (False,), (True,)]
    connection.execute("update mart.contacts set suppressed_reason = null where contact_id = %s", (john,))
    ((call,),) = connection.execute("select mart.may_send(%s, 'phone')", (jane,)).fetchall()
    assert call
