"""No input at any route is answered with a 500, and none ends the service."""

import base64
import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ams_etl.writeback.events.events import schema
from ams_etl_tests.inbound.bodies import ASSUMED
from ams_etl_tests.inbound.service_process import CODE, TOKEN, Service
from ams_etl_tests.raw_requests import MANY, request, status_of
from ams_etl_tests.raw_requests import broken as broken_bytes
from ams_etl_tests.writeback.schema_values import broken as broken_values
from ams_etl_tests.writeback.schema_values import values_of

_NIL = "00000000-0000-0000-0000-000000000000"
_PATHS = [
    f"/notifications/demo/{CODE}", "/notifications/demo", "/notifications/demo/%ff%00", "/notifications/%F0%9F", "/events/demo",
    f"/events/demo/{_NIL}", "/events/demo/x", "/healthz", "/metrics", "/why/demo", "/why/demo?q=%00", "/why/%20?q=a", "/", "//",
]  # fmt: skip
_EVENT = {"type": "note", "idempotency_key": "k", "occurred_at": "2026-01-02T03:04:05Z", "text": "t"}
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.sampled_from([*_EVENT, "contact", "x"]), inside, max_size=5),
    max_leaves=12,
)  # fmt: skip
_bodies = (
    st.binary(max_size=200)
    | _json.map(lambda value: json.dumps(value).encode())
    | st.builds(
        lambda extra: json.dumps({**_EVENT, **extra}).encode(), st.dictionaries(st.sampled_from([*_EVENT]), _json)
    )
    | st.sampled_from(list(ASSUMED.values()))
)
_EVENTS = st.sampled_from(schema()["oneOf"]).flatmap(lambda kind: values_of(kind, schema()))
_authorizations = st.sampled_from(
    [
        "", "Basic", "Basic =", "Basic ÿ", "Basic " + base64.b64encode(b":\xff").decode(), f"Bearer {TOKEN}", "Bearer ÿ",
        f"Bearer {TOKEN} ", "Digest x", "Bearer", "Basic YTpi", f"bearer {TOKEN}",
    ]
)  # fmt: skip


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "PUT", "OPTIONS"]),
    path=st.sampled_from(_PATHS),
    body=_bodies,
    authorization=_authorizations,
    content_type=st.sampled_from(["application/json", "text/xml; charset=utf-16", "multipart/form-data", "ÿ", ""]),
)
def test_no_input_is_a_500(
    service: Service, method: str, path: str, body: bytes, authorization: str, content_type: str
) -> None:
    headers = {"Authorization": authorization.encode("latin-1"), "Content-Type": content_type.encode("latin-1")}
    status, answer, _ = service.ask(method, path, body, headers)  # type: ignore[arg-type]
    assert status < 500, (status, answer[:300])


@settings(
    max_examples=int(os.environ.get("EVENTS", "15")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, *HealthCheck],
)
@given(event=_EVENTS | broken_values(_EVENTS))
def test_no_event_of_the_published_schema_and_none_that_breaks_it_is_a_500(service: Service, event: Any) -> None:
    """docs/events.schema.json is what a fuzzer of OpenAPI would read: valid events, and events with one thing out of place."""
    body = json.dumps(event).encode()
    status, answer, _ = service.ask("POST", "/events/demo", body, {"Authorization": f"Bearer {TOKEN}"})
    assert status in {200, 202, 413, 422}, (status, answer[:300])


def test_no_bytes_are_a_500(service: Service) -> None:
    """Requests broken beneath HTTP: half lines, headers of every kind, chunks that end nowhere."""
    authorized = f"Authorization: Bearer {TOKEN}"
    whole = [
        *(request("GET", path) for path in _PATHS),
        *(request("POST", f"/notifications/demo/{CODE}", body, "Content-Type: text/xml") for body in ASSUMED.values()),
        request("POST", "/events/demo", json.dumps(_EVENT).encode(), authorized),
        request("GET", f"/events/demo/{_NIL}", b"", authorized),
    ]
    rng = random.Random(1)
    answers = Counter(status_of(service.url, broken_bytes(whole, rng)) for _ in range(MANY))
    assert {status for status in answers if status is not None and status >= 500} == set(), answers
    assert answers[200], answers
    assert answers[400], answers
    assert service.ask("GET", "/healthz")[0] == 200


@pytest.mark.parametrize("key", ["\ud800", "a\u0000b", "\udfff" * 3, "k\ud83d"])
def test_a_poison_event_costs_no_other(service: Service, key: str) -> None:
    good = [
        {
            "type": "note",
            "idempotency_key": f"good {number}",
            "customer_number": "7",
            "occurred_at": "2026-01-02T03:04:05Z",
        }
        for number in range(2)
    ]
    body = json.dumps([good[0], {**good[0], "idempotency_key": key}, good[1]]).encode()
    status, answer, _ = service.ask("POST", "/events/demo", body, {"Authorization": f"Bearer {TOKEN}"})
    assert status == 422, answer
    assert json.loads(answer)["events"][1]["outcome"] == "refused"


def test_the_repository_has_no_other_route_than_those_tried() -> None:
    """A route that is added is tried here as well."""
    import ams_etl.inbound

    tried = {path.split("/")[1].split("?")[0] for path in _PATHS}
    sources = "".join(file.read_text() for file in Path(ams_etl.inbound.__file__).parent.rglob("*.py"))
    routes = {piece.split('"')[1].split("/")[1] for piece in sources.split("Route(")[1:] if piece.startswith('"')}
    assert routes <= tried
