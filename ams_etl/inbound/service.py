"""The inbound service as a Starlette application.

| request | answer |
|---|---|
| POST /notifications/{agency}/{token} | 200 in the body format of the caller, once the body is committed |
| POST /notifications/{agency} | the same, where only the body has the authentication code |
| POST /events/{agency}, GET /events/{agency}/{id} | the platform's: see `events` |
| GET /why/{agency} | a redirect to the integration page, which says why a contact is what it is |
| GET /healthz | 200 while Postgres answers, else 503 |
| GET /metrics | Prometheus text |

An unknown agency and a wrong code get the same 404, 413 is a body beyond the limit, 503 says that nothing was stored
for certain and the same notification should come again.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ams_etl.errors import TransientError
from ams_etl.inbound.bodies import TOO_LATE, read_body
from ams_etl.inbound.chores import Chores
from ams_etl.inbound.events.routes import Events
from ams_etl.inbound.events.writer import EventWriter
from ams_etl.inbound.metrics import DoorMetrics
from ams_etl.inbound.notifications.answers import success
from ams_etl.inbound.notifications.documents import UnreadableError
from ams_etl.inbound.notifications.interpret import CAPTURED, Reader
from ams_etl.inbound.notifications.personal_data import without_personal_data
from ams_etl.inbound.notifications.redaction import Gate, Presented
from ams_etl.inbound.notifications.writer import GroupWriter, Received
from ams_etl.inbound.retention import Retention

_CLOSE = {"Connection": "close"}


@dataclass(frozen=True, slots=True)
class Door:
    """One agency's door.

    Attributes:
        gate: who may send.
        reader: how what is sent is read.
        capture: store everything, understand nothing.
        retention: how long bodies are kept.
    """

    gate: Gate
    reader: Reader
    capture: bool
    retention: Retention


class Service:
    """Answers requests; `application` is what a server runs.

    Args:
        doors: of AMS360's notifications, by agency id.
        tokens: of the platform's events, by agency id.
        locate: returns the database URL, starting the embedded server if need be; called in threads.
        max_body_bytes: a notification beyond it is refused.
        max_event_bytes: a request with events beyond it is refused.
        pages_address: where the integration page is, which `/why` has moved to.
    """

    def __init__(
        self, doors: Mapping[str, Door], tokens: Mapping[str, str], locate: Callable[[], str], max_body_bytes: int,
        max_event_bytes: int, pages_address: str,
    ) -> None:  # fmt: skip
        self._pages_address = pages_address
        self._doors, self._max_body_bytes = doors, max_body_bytes
        self._locate = locate
        self._metrics = DoorMetrics()
        # Somebody who asks for an agency that is not here is kept as busy as somebody with a wrong code.
        self._nobody = Gate(secrets.token_urlsafe(24), ["AuthenticationCode"])
        self._event_writer = EventWriter(locate)
        self._events = Events(tokens, self._event_writer, self._metrics, max_event_bytes)
        self._writer: GroupWriter
        self._chores: Chores

    @property
    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/notifications/{agency}/{token}", self._receive, methods=["POST"]),
                Route("/notifications/{agency}", self._receive, methods=["POST"]),
                *self._events.routes,
                Route("/why/{agency}", self._why, methods=["GET"]),
                Route("/healthz", self._health, methods=["GET"]),
                Route("/metrics", self._tell, methods=["GET"]),
            ],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._chores = Chores(
            self._locate,
            {name: door.reader for name, door in self._doors.items()},
            {name: door.retention for name, door in self._doors.items()},
            self._metrics,
        )
        self._writer = GroupWriter(self._locate, self._stored)
        self._chores.start()
        writing = [asyncio.create_task(writer.run()) for writer in (self._writer, self._event_writer)]
        yield
        self._writer.close()
        self._event_writer.close()
        await asyncio.gather(*writing)
        self._chores.close()
        await asyncio.to_thread(self._chores.join, 10)

    def _stored(self, count: int) -> None:
        self._metrics.stored.inc(count)
        self._metrics.commits.inc()
        self._chores.look()

    async def _receive(self, request: Request) -> Response:
        agency, token = request.path_params["agency"], request.path_params.get("token")
        door = self._doors.get(agency)
        gate = door.gate if door else self._nobody
        if token is not None and not gate.admits(token):
            return self._refuse(agency)
        body = await read_body(request, self._max_body_bytes)
        if isinstance(body, Response):
            self._metrics.oversized.inc(body.status_code == 413)
            return body
        began = time.perf_counter()
        redacted = gate.redact(body)
        if redacted.presented is Presented.WRONG or (token is None and redacted.presented is not Presented.RIGHT):
            return self._refuse(agency)
        if door is None:
            return self._refuse(agency)
        kept = _storable(redacted.body, door)
        content_type = request.headers.get("content-type", "")[:200] or None
        state, reason = ("parked", CAPTURED) if door.capture else ("received", None)
        try:
            await self._writer.store(Received(agency, content_type, kept, state, reason))
        except TransientError as error:
            self._metrics.unavailable.inc()
            return PlainTextResponse(f"{error}; send it again", 503, TOO_LATE)
        answer = success(body)
        self._metrics.seconds.observe(time.perf_counter() - began)
        return Response(answer.body, media_type=answer.content_type)

    def _refuse(self, agency: str) -> Response:
        self._metrics.refused.inc()
        self._chores.refused(agency if agency in self._doors else "")
        return PlainTextResponse("Not Found", 404, _CLOSE)

    async def _why(self, request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        where = f"{self._pages_address}/{quote(request.path_params['agency'], safe='')}/why{query}"
        return RedirectResponse(where, 301, _CLOSE)

    async def _health(self, _: Request) -> Response:
        try:
            await self._writer.ping()
        except TransientError as error:
            return PlainTextResponse(str(error), 503, TOO_LATE)
        return PlainTextResponse("ok")

    async def _tell(self, _: Request) -> Response:
        return Response(self._metrics.text(self._chores.waiting), media_type=CONTENT_TYPE_LATEST)


def _storable(body: bytes, door: Door) -> bytes:
    """The body without personal numbers, or encrypted if they cannot be found for certain."""
    if not body.strip():
        return body
    try:
        return door.gate.without_code(without_personal_data(body))
    except UnreadableError:
        return door.reader.seal.seal(body)
