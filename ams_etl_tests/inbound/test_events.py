"""The platform's door over real HTTP: events in once each, mistakes by their path, what became of them."""

import json
import threading
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from ams_etl.settings import Agency, Ams360Settings
from ams_etl.writeback.planning.expand import expand_events
from ams_etl_tests.inbound.service_process import TOKEN, Service
from ams_etl_tests.writeback.sample_events import event, file

CUSTOMER = "00000000-0000-0000-0000-000000000001"


def send(service: Service, body: Any, token: str = TOKEN, agency: str = "demo") -> tuple[int, Any]:
    """POST as the platform does."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, answer, _ = service.ask("POST", f"/events/{agency}", content, {"Authorization": f"Bearer {token}"})
    return status, json.loads(answer) if answer.startswith((b"{", b"[")) else answer


def look(service: Service, event_id: str, token: str = TOKEN) -> tuple[int, Any]:
    status, answer, _ = service.ask("GET", f"/events/demo/{event_id}", None, {"Authorization": f"Bearer {token}"})
    return status, json.loads(answer)


def stored(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select count(*) from ops.events").fetchone()
    return int(row[0]) if row else 0


def test_events_are_accepted_once_and_their_state_can_be_asked(
    service: Service, connection: psycopg.Connection[Any]
) -> None:
    """One, a list, or a wrapped list; sent again they have the same ids."""
    note, mail = event("note", CUSTOMER), event("email", CUSTOMER, attachments=[file("a.pdf", b"x" * 200_000)])
    status, one = send(service, note)
    assert status == 202
    assert send(service, [note, mail])[0] == 202
    status, both = send(service, {"events": [note, mail]})
    assert status == 202
    assert [answer["outcome"] for answer in both["events"]] == ["repeated", "repeated"]
    assert both["events"][0]["id"] == one["events"][0]["id"]
    assert stored(connection) == 2
    status, found = look(service, one["events"][0]["id"])
    assert (status, found["state"], found["kind"], found["writebacks"]) == (200, "received", "note", [])
    assert look(service, str(uuid.uuid4()))[0] == 404


def test_a_mistake_is_told_by_its_path_and_costs_no_other(
    service: Service, connection: psycopg.Connection[Any]
) -> None:
    """Nothing of the event is repeated."""
    bad = event("text", CUSTOMER, direction="secret")
    status, told = send(service, [event("note", CUSTOMER), bad, event("note", CUSTOMER)])
    assert status == 422
    assert [answer["outcome"] for answer in told["events"]] == ["accepted", "refused", "accepted"]
    assert told["events"][1]["path"].startswith("1.")
    assert told["events"][1]["path"].endswith("direction")
    assert "secret" not in json.dumps(told)
    assert stored(connection) == 2


def test_dates_that_cannot_be_are_refused_with_their_path(
    service: Service, connection: psycopg.Connection[Any]
) -> None:
    """A deal's policy that ends before it starts, and moments that no other time zone has; the others are accepted."""
    ends_early = {"effective_date": "2026-06-01", "expiration_date": "2026-05-31"}
    bad = {
        "deal_won.policy": event("deal_won", CUSTOMER, policy=ends_early),
        "note.occurred_at": event("note", CUSTOMER, occurred_at="0001-01-01T00:00:00Z"),
        "call.occurred_at": event("call", CUSTOMER, occurred_at="9999-12-31T23:59:59-10:00"),
        "ticket_created.due_at": event("ticket_created", CUSTOMER, due_at="0001-01-01T00:00:00Z"),
    }
    status, told = send(service, [*bad.values(), event("note", CUSTOMER)])
    assert status == 422
    assert [answer["outcome"] for answer in told["events"]] == ["refused"] * len(bad) + ["accepted"]
    for place, (path, answer) in enumerate(zip(bad, told["events"], strict=False)):
        assert answer["path"].startswith(f"{place}.{path}"), answer
    assert "expiration_date on or after the effective_date" in json.dumps(told["events"][0])
    assert stored(connection) == 1


def test_what_is_not_written_of_an_accepted_event_is_a_word_in_its_state(
    service: Service, connection: psycopg.Connection[Any]
) -> None:
    """`call me` is no phone number: accepted at the inbound service, left out by the rules, and said so to who asks."""
    status, told = send(
        service, event("properties_found", CUSTOMER, properties={"cell_phone": "call me", "occupation": "Baker"})
    )
    assert status == 202
    reach = Ams360Settings(wsdl="unused", agency_no="5551234-1", login_id="etl", password_env="UNUSED")
    expand_events(connection, Agency(id="demo", name="Demo", ams360=reach), ZoneInfo("UTC"))
    status, found = look(service, told["events"][0]["id"])
    assert (status, found["state"]) == (200, "planned")
    assert "cell_phone is not written: not a ten-digit phone number" in json.dumps(found)
    assert "call me" not in json.dumps(found)


def test_what_is_no_event_is_refused(service: Service, connection: psycopg.Connection[Any]) -> None:
    for body in (
        b"{", b"", b"[]", b"3", b"\xff\xfe\x00", b"[" * 100_000, b"9" * 5000, b'[{"a": NaN}]', b"[" + b"1," * 1000 + b"1]",
    ):  # fmt: skip
        assert send(service, body)[0] == 422, body[:20]
    assert stored(connection) == 0


def test_a_body_that_is_too_large_is_refused_unread(service: Service) -> None:
    """Its length is enough to know."""
    head = {"Authorization": f"Bearer {TOKEN}", "Content-Length": "3000000", "Expect": "100-continue"}
    assert service.ask("POST", "/events/demo", b"{", head)[0] == 413


def test_an_unknown_agency_and_a_wrong_token_look_the_same(
    service: Service, connection: psycopg.Connection[Any]
) -> None:
    """No token of one agency opens another, and nobody learns which agencies there are."""
    note = event("note", CUSTOMER)
    answers = [
        send(service, note, "wrong-token-0123456789"),
        send(service, note, agency="nobody"),
        send(service, note, ""),
    ]
    assert answers == [(401, {"error": "expected a bearer token of this agency"})] * 3
    assert look(service, str(uuid.uuid4()), "wrong")[0] == 401
    assert service.ask("POST", "/events/demo", b"{}", {"Authorization": f"Basic {TOKEN}"})[0] == 401
    assert stored(connection) == 0


def test_many_at_once_are_each_stored_and_each_told_of_their_own(
    service: Service, connection: psycopg.Connection[Any]
) -> None:
    """Requests that share a commit get their own answers."""
    told: dict[str, str] = {}

    def client(name: str) -> None:
        for number in range(10):
            key = f"{name}-{number}"
            status, answer = send(service, event("note", CUSTOMER, idempotency_key=key))
            assert status == 202
            told[key] = answer["events"][0]["id"]

    threads = [threading.Thread(target=client, args=(f"c{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = {key: str(found) for key, found in connection.execute("select idempotency_key, event_id from ops.events")}
    assert kept == told
    assert len(kept) == 80
