"""A JSON service as an HTTP application: its answers, with faults, and a control API beside it.

The service answers under `/NAME/`, its control under `/sandbox/NAME/`:

| request | answer |
|---|---|
| GET stats, POST reset-stats | what was asked of the service |
| GET faults, POST faults | the switches: those of `Faults.switch`, and the system's own |
| POST edit | insert, update or delete a record as a person there would: `{entity, op, key, fields}` |
| GET state/KIND, state/KIND/KEY | records as they are |
"""

import asyncio
import json
from collections.abc import Awaitable
from typing import Any, ClassVar, Protocol
from urllib.parse import unquote

from ams_etl.sandbox.faults import BEFORE, Faults
from ams_etl.sandbox.http import Request, Response
from ams_etl.sandbox.rest.book import Book, Record
from ams_etl.sandbox.rest.messages import Asked, RefusedError, answer, read_request
from ams_etl.sandbox.stats import Stats


class RestSystem(Protocol):
    """What makes a JSON service one system and not another."""

    NAME: ClassVar[str]
    """The path it answers under."""
    KINDS: ClassVar[frozenset[str]]
    """Kinds of records that `edit` and `state` know."""
    SPARED: ClassVar[frozenset[str]]
    """Operations that faults leave alone unless they are named."""
    book: Book

    def operation_of(self, asked: Asked) -> str:
        """A name for what is asked, for counts and faults; `?` for nothing there is."""

    def answer(self, asked: Asked, operation: str) -> Response:
        """The answer.

        Raises:
            RefusedError: with the refusal.
        """

    def error(self, status: int, said: str) -> Response:
        """A refusal in the system's own shape."""

    def edit(self, kind: str, op: str, key: str | None, fields: Record) -> str:
        """Insert or update a record, and return its key.

        Raises:
            KeyError: no such record.
        """

    def switch(self, given: dict[str, Any]) -> None:
        """Set switches of the system's own and take them out of `given`."""

    def switches(self) -> dict[str, Any]:
        """Its own switches as they are."""


class RestServer:
    """Answers for one system.

    Args:
        system: the system.
        seed: of the faults' chances.
    """

    def __init__(self, system: RestSystem, seed: int = 0) -> None:
        self._system = system
        self._prefix, self._control = f"/{system.NAME}/", f"/sandbox/{system.NAME}/"
        self._faults, self.stats = Faults(seed, system.SPARED), Stats()

    def answers(self, target: str) -> bool:
        """Whether a request's target is meant for this service or its control."""
        return target.startswith((self._prefix, self._control))

    def switch(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Set switches by name; those that are not named stay as they are. Returns all of them."""
        given = dict(settings)
        self._system.switch(given)
        self._faults.switch(given)
        return {**self._faults.as_dict(), **self._system.switches()}

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """One HTTP request."""
        if request.target.startswith(self._control):
            return self._controlled(request)
        asked = read_request(request, self._prefix)
        operation = self._system.operation_of(asked)
        self.stats.begin(operation, len(request.body))
        wait = self._faults.wait_ms(operation)
        return self._later(asked, operation, wait / 1000) if wait else self._counted(asked, operation)

    async def _later(self, asked: Asked, operation: str, seconds: float) -> Response:
        await asyncio.sleep(seconds)
        return self._counted(asked, operation)

    def _counted(self, asked: Asked, operation: str) -> Response:
        given = Response(500)
        try:
            given = self._answer(asked, operation)
        finally:
            self.stats.end(len(given.body), is_fault=False)
        return given

    def _answer(self, asked: Asked, operation: str) -> Response:
        given = Response(500)
        sent = asked.text
        struck = self._faults.strike(operation, BEFORE, sent)
        if struck is None:
            try:
                given = self._system.answer(asked, operation)
            except RefusedError as refusal:
                given = refusal.response
            struck = self._faults.strike_after(operation, given.status, sent)
            if struck is None:
                return given
        self.stats.struck[struck] += 1
        match struck:
            case "unavailable":
                return Response(503, b"Service Unavailable", "text/plain")
            case "throttled":
                busy = self._system.error(429, "Too many requests")
                return Response(429, busy.body, busy.content_type, {"Retry-After": "1"})
            case "drop" | "lost":
                return Response(200, drop=True)
            case "cut":
                return Response(given.status, given.body, given.content_type, cut=True)
            case "half":
                return Response(given.status, given.body[: len(given.body) // 2], given.content_type, given.headers)
            case _:
                return self._system.error(500, "An unexpected error has occurred.")

    def _controlled(self, request: Request) -> Response:
        path = [unquote(part) for part in request.target.partition("?")[0].removeprefix(self._control).split("/")]
        try:
            given = json.loads(request.body) if request.body else {}
            return answer(self._control_answer(request.method, path, given))
        except KeyError as error:
            return answer({"error": f"KeyError: {error}"}, 404)
        except (ValueError, TypeError, AttributeError) as error:
            return answer({"error": f"{type(error).__name__}: {error}"}, 400)

    def _control_answer(self, method: str, path: list[str], given: dict[str, Any]) -> Any:
        match (method, *path):
            case ("GET", "stats"):
                return self.stats.as_dict()
            case ("POST", "reset-stats"):
                self.stats.reset()
                return {}
            case ("GET", "faults"):
                return self.switch({})
            case ("POST", "faults"):
                return self.switch(given)
            case ("POST", "edit"):
                return self._edit(**given)
            case ("GET", "state", kind, *rest) if kind in self._system.KINDS:
                if not rest:
                    return list(self._system.book.all_of(kind).values())
                found = self._system.book.get(kind, rest[0])
                if found is not None:
                    return found
        raise KeyError("/".join(path))

    def _edit(self, *, entity: str, op: str, key: str | None = None, fields: Record | None = None) -> dict[str, Any]:
        if entity not in self._system.KINDS:
            raise KeyError(entity)
        if op == "delete":
            return {"deleted": self._system.book.remove(entity, key or "")}
        if op not in {"insert", "update"}:
            raise ValueError(op)
        return {"key": self._system.edit(entity, op, key, fields or {})}
