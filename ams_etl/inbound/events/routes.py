"""The platform's door: events in, their state out.

| request | answer |
|---|---|
| POST /events/{agency} | 202 with an id for each event, once all are committed |
| GET /events/{agency}/{id} | 200 with its state and its writebacks |

A body is one event, a list of events, or `{"events": [...]}`; docs/events.schema.json is the schema of one. An event
that is refused costs no other: the answer is then 422, with the path of each mistake and the ids of the rest. Sending
everything again is safe, the key of an event makes it once. 401 is the same for an unknown agency and a wrong token.
"""

import asyncio
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ams_etl.errors import DataError, TransientError
from ams_etl.inbound.bodies import TOO_LATE, read_body
from ams_etl.inbound.events.writer import EventWriter
from ams_etl.inbound.metrics import DoorMetrics
from ams_etl.writeback.events.accept import Accepted

MAX_EVENTS = 1000
_STATUS = {"accepted": 202, "repeated": 202, "refused": 422}


class _Json(JSONResponse):
    """JSON in ASCII: what is repeated of an event may hold half a character, which UTF-8 cannot say."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":")).encode("ascii")


class Events:
    """Answers for the platform.

    Args:
        tokens: the bearer token by agency id.
        writer: stores what came.
        metrics: counts events and refusals.
        max_body_bytes: a body beyond it is refused.
    """

    def __init__(
        self, tokens: Mapping[str, str], writer: EventWriter, metrics: DoorMetrics, max_body_bytes: int
    ) -> None:
        self._tokens, self._writer, self._metrics = tokens, writer, metrics
        self._max_body_bytes = max_body_bytes
        self._nobody = secrets.token_urlsafe(24)

    @property
    def routes(self) -> list[Route]:
        """What a Starlette application mounts."""
        return [
            Route("/events/{agency}", self._receive, methods=["POST"]),
            Route("/events/{agency}/{event_id:uuid}", self._tell, methods=["GET"]),
        ]

    async def _receive(self, request: Request) -> Response:
        agency = request.path_params["agency"]
        if not self._admits(request, agency):
            return self._refuse()
        body = await read_body(request, self._max_body_bytes)
        if isinstance(body, Response):
            return body
        try:
            # Files make an event large; reading it must not hold up the other requests.
            events = await asyncio.to_thread(_events, body)
        except ValueError as error:
            return _mistake("", str(error))
        try:
            outcomes = await self._writer.store(agency, events, len(body))
        except TransientError as error:
            self._metrics.unavailable.inc()
            return _Json({"error": f"{error}; send it again"}, 503, TOO_LATE)
        except DataError as error:
            return _mistake("", str(error))
        self._metrics.events.inc(sum(outcome.outcome == "accepted" for outcome in outcomes))
        described = [
            _described(outcome, f"{place}." if len(events) > 1 else "") for place, outcome in enumerate(outcomes)
        ]
        return _Json({"events": described}, max(_STATUS[outcome.outcome] for outcome in outcomes))

    async def _tell(self, request: Request) -> Response:
        agency = request.path_params["agency"]
        if not self._admits(request, agency):
            return self._refuse()
        event_id: UUID = request.path_params["event_id"]
        try:
            found = await self._writer.find(agency, event_id)
        except TransientError as error:
            return _Json({"error": str(error)}, 503, TOO_LATE)
        return _Json(found) if found else _Json({"error": "no such event"}, 404)

    def _admits(self, request: Request, agency: str) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        known = self._tokens.get(agency, self._nobody)
        right = hmac.compare_digest(token.strip().encode("utf-8", "replace"), known.encode())
        return right and scheme.lower() == "bearer"

    def _refuse(self) -> Response:
        self._metrics.refused.inc()
        return _Json(
            {"error": "expected a bearer token of this agency"}, 401,
            {"WWW-Authenticate": "Bearer", "Connection": "close"},
        )  # fmt: skip


def _events(body: bytes) -> list[Any]:
    """The events of a body.

    Raises:
        ValueError: it holds none, or too many; the message repeats nothing of it.
    """
    try:
        given = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON (line {error.lineno}, column {error.colno})") from None
    if isinstance(given, dict) and given.keys() == {"events"}:
        given = given["events"]
    events = given if isinstance(given, list) else [given]
    if not 1 <= len(events) <= MAX_EVENTS:
        raise ValueError(f"expected 1 to {MAX_EVENTS:,} events")
    return events


def _described(accepted: Accepted, where: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "outcome": accepted.outcome,
        "id": str(accepted.event_id) if accepted.event_id else None,
    }
    described["idempotency_key"] = accepted.idempotency_key
    if accepted.reason is not None:
        path, _, message = accepted.reason.partition(": ")
        described |= {"path": f"{where}{path}", "error": message}
    return described


def _mistake(path: str, message: str) -> Response:
    return _Json({"path": path, "error": message}, 422)
