"""Events into Postgres: each key once, files apart, and a schema that is what the models say."""

import threading
from typing import Any
from uuid import UUID

import psycopg
import pytest

from ams_etl.store.database import connect
from ams_etl.writeback.events.accept import accept_events
from ams_etl.writeback.events.events import read_event
from ams_etl.writeback.events.schema import PAGE, render
from ams_etl_tests.writeback.sample_events import event, file

CUSTOMER = "00000000-0000-0000-0000-000000000001"


def _stored(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select count(*) from ops.events").fetchone()
    return int(row[0]) if row else 0


def test_the_same_key_twice_is_one_event_with_one_id(connection: psycopg.Connection[Any]) -> None:
    """Within a batch, in a later one, and through an agency of another name."""
    note = event("note", CUSTOMER)
    first, second = accept_events(connection, "demo", [note, note])
    (again,) = accept_events(connection, "demo", [note])
    (elsewhere,) = accept_events(connection, "other", [note])
    assert [first.outcome, second.outcome, again.outcome] == ["accepted", "repeated", "repeated"]
    assert first.event_id == second.event_id == again.event_id != elsewhere.event_id
    assert _stored(connection) == 2


def test_a_key_with_another_content_is_refused_with_its_reason(connection: psycopg.Connection[Any]) -> None:
    """Another text, another kind, another file of the same name."""
    note = event("note", CUSTOMER)
    mail = event("email", CUSTOMER, attachments=[file("a.pdf", b"one")])
    accept_events(connection, "demo", [note, mail])
    changed = [
        {**note, "text": "Something else"},
        event("meeting", CUSTOMER, idempotency_key=note["idempotency_key"]),
        {**mail, "attachments": [file("a.pdf", b"two")]},
    ]
    for answer in accept_events(connection, "demo", changed):
        assert (answer.outcome, (answer.reason or "")[:15]) == ("refused", "idempotency_key")
    assert _stored(connection) == 2


def test_a_bad_event_is_refused_by_its_place_and_without_its_values_and_the_others_are_stored(
    connection: psycopg.Connection[Any],
) -> None:
    """One bad event of a batch must not cost the others."""
    bad: list[Any] = [
        event("note", CUSTOMER, text=None),
        event("note", None),
        event("text", CUSTOMER, direction="secret sideways"),
        event("dance", CUSTOMER),
        event("note", CUSTOMER, secret="secret"),
        "secret",
    ]
    good = event("note", CUSTOMER, text="nul \x00 and half a pair \ud800 go")
    answers = accept_events(connection, "demo", [*bad, good])
    assert [answer.outcome for answer in answers] == ["refused"] * len(bad) + ["accepted"]
    assert [(answer.reason or "").split(":")[0] for answer in answers[:3]] == [
        "note.text",
        "note.contact",
        "text.direction",
    ]
    assert not any("sideways" in (answer.reason or "") for answer in answers)
    assert connection.execute("select payload ->> 'text' from ops.events").fetchone() == ("nul  and half a pair  go",)


@pytest.mark.parametrize("character", ["\ud800", "\x00", "\x1f", "\uffff"])
def test_a_key_that_cannot_be_stored_is_refused_alone(connection: psycopg.Connection[Any], character: str) -> None:
    """Without the character it would be another key, and perhaps another event's; the answer can be written as UTF-8."""
    bad, nested = event("note", CUSTOMER), event("note", CUSTOMER)
    bad["idempotency_key"] += character
    nested[f"more{character}"] = "of it"
    answers = accept_events(connection, "demo", [bad, nested, event("note", CUSTOMER)])
    assert [answer.outcome for answer in answers] == ["refused", "refused", "accepted"]
    assert [(answer.reason or "").split(":")[0] for answer in answers[:2]] == ["idempotency_key", "note.more"]
    assert "".join(f"{answer.idempotency_key}{answer.reason}" for answer in answers).encode()


def test_files_lie_apart_from_the_event_as_they_came(connection: psycopg.Connection[Any]) -> None:
    """Bytes and type; the event holds their hash."""
    content = bytes(range(256)) * 40
    (answer,) = accept_events(connection, "demo", [event("email", CUSTOMER, attachments=[file("a.pdf", content)])])
    row = connection.execute("select event_id, file_name, content_type, content from ops.event_attachments").fetchone()
    assert row == (answer.event_id, "a.pdf", "application/pdf", content)
    stored = connection.execute("select payload -> 'attachments' -> 0 from ops.events").fetchone()
    assert stored is not None
    (held,) = stored
    assert (held["bytes"], "content_base64" in held) == (len(content), False)


def test_two_senders_of_one_batch_at_once_store_it_once(database: str, connection: psycopg.Connection[Any]) -> None:
    """Both get the same ids."""
    batch = [event("note", CUSTOMER) for _ in range(200)]
    found: list[list[UUID | None]] = []
    start = threading.Barrier(4)

    def send() -> None:
        with connect(database) as own:
            start.wait()
            found.append([answer.event_id for answer in accept_events(own, "demo", batch)])

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert len(found) == 4
    assert all(ids == found[0] for ids in found)
    assert _stored(connection) == len(batch)


def test_an_event_needs_a_time_with_a_zone() -> None:
    """A wall time of nobody knows where would be another time in AMS360."""
    with pytest.raises(ValueError, match=r"note\.occurred_at"):
        read_event(event("note", CUSTOMER, occurred_at="2026-06-01T18:30:00"))


def test_the_published_schema_is_not_stale() -> None:
    """`python -m ams_etl.writeback.events.schema --write` rewrites it."""
    assert PAGE.read_text(encoding="utf-8") == render()


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        (event("note", CUSTOMER, occurred_at="0001-01-01T00:00:00Z"), "note.occurred_at"),
        (event("note", CUSTOMER, occurred_at="9999-12-31T23:59:59-10:00"), "note.occurred_at"),
        (event("ticket_created", CUSTOMER, due_at="0001-01-01T00:00:00Z"), "ticket_created.due_at"),
        (
            event("deal_won", CUSTOMER, policy={"effective_date": "2026-06-01", "expiration_date": "2026-05-31"}),
            "deal_won.policy",
        ),
    ],
)
def test_a_date_that_nothing_can_be_written_for_is_refused_with_its_path(bad: dict[str, Any], path: str) -> None:
    """W14: accepted, such an event stopped the writeback of its whole agency."""
    with pytest.raises(ValueError, match=f"^{path}: .*expected an? "):
        read_event(bad)
