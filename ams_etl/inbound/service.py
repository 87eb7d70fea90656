"""The HTTP door as a Starlette application.

| request | answer |
|---|---|
| POST /notifications/{agency}/{token} | 200 in the caller's dialect, once the body is committed |
| POST /notifications/{agency} | the same, where the authentication code stands in the body alone |
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

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ams_etl.errors import TransientError
from ams_etl.inbound.answers import success
from ams_etl.inbound.chores import Chores
from ams_etl.inbound.metrics import DoorMetrics
from ams_etl.inbound.redaction import Gate, Presented
from ams_etl.inbound.settling import CAPTURED, Reader
from ams_etl.inbound.writer import GroupWriter, Received

_CLOSE = {"Connection": "close"}
_RETRY_AFTER = {"Retry-After": "5"}


@dataclass(frozen=True, slots=True)
class Door:
    """One agency's door.

    Attributes:
        gate: who may send.
        reader: how what is sent is read.
        capture: store everything, understand nothing.
        retention_days: how long a settled body is kept.
    """

    gate: Gate
    reader: Reader
    capture: bool
    retention_days: int


class Notifications:
    """Answers requests; `application` is what a server runs.

    Args:
        doors: by agency id.
        locate: gives the database URL, starting the embedded server if need be; called in threads.
        max_body_bytes: a body beyond it is refused.
    """

    def __init__(self, doors: Mapping[str, Door], locate: Callable[[], str], max_body_bytes: int) -> None:
        self._doors, self._max_body_bytes = doors, max_body_bytes
        self._locate = locate
        self._metrics = DoorMetrics()
        # Somebody who asks for an agency that is not here is kept as busy as somebody with a wrong code.
        self._nobody = Gate(secrets.token_urlsafe(24), ["AuthenticationCode"])
        self._writer: GroupWriter
        self._chores: Chores

    @property
    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/notifications/{agency}/{token}", self._receive, methods=["POST"]),
                Route("/notifications/{agency}", self._receive, methods=["POST"]),
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
            {name: door.retention_days for name, door in self._doors.items()},
            self._metrics,
        )
        self._writer = GroupWriter(self._locate, self._stored)
        self._chores.start()
        writing = asyncio.create_task(self._writer.run())
        yield
        self._writer.close()
        await writing
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
        body = await self._body(request)
        if isinstance(body, Response):
            return body
        began = time.perf_counter()
        redacted = gate.redact(body)
        if redacted.presented is Presented.WRONG or (token is None and redacted.presented is not Presented.RIGHT):
            return self._refuse(agency)
        if door is None:
            return self._refuse(agency)
        content_type = request.headers.get("content-type", "")[:200] or None
        state, reason = ("parked", CAPTURED) if door.capture else ("received", None)
        try:
            await self._writer.store(Received(agency, content_type, redacted.body, state, reason))
        except TransientError as error:
            self._metrics.unavailable.inc()
            return PlainTextResponse(f"{error}; send it again", 503, _RETRY_AFTER)
        answer = success(body)
        self._metrics.seconds.observe(time.perf_counter() - began)
        return Response(answer.body, media_type=answer.content_type)

    async def _body(self, request: Request) -> bytes | Response:
        declared = request.headers.get("content-length", "0")
        if declared.isdigit() and int(declared[:20]) > self._max_body_bytes:
            return self._oversized()
        chunks, size = [], 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size > self._max_body_bytes:
                    return self._oversized()
                chunks.append(chunk)
        except ClientDisconnect:
            return Response(status_code=400)
        return b"".join(chunks)

    def _oversized(self) -> Response:
        self._metrics.oversized.inc()
        return PlainTextResponse(f"more than {self._max_body_bytes} bytes", 413, _CLOSE)

    def _refuse(self, agency: str) -> Response:
        self._metrics.refused.inc()
        self._chores.refused(agency if agency in self._doors else "")
        return PlainTextResponse("Not Found", 404, _CLOSE)

    async def _health(self, _: Request) -> Response:
        try:
            await self._writer.ping()
        except TransientError as error:
            return PlainTextResponse(str(error), 503, _RETRY_AFTER)
        return PlainTextResponse("ok")

    async def _tell(self, _: Request) -> Response:
        return Response(self._metrics.text(self._chores.waiting), media_type=CONTENT_TYPE_LATEST)
