"""The stand-in AMS360 as an HTTP application: the service, its faults, and a control API beside it."""

import asyncio
import json
import random
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from ams_etl.sandbox.ams360.agency import KEYS, Agency
from ams_etl.sandbox.ams360.operations import Ams360Operations
from ams_etl.sandbox.ams360.rendering import Rendering
from ams_etl.sandbox.faults import Faults, Stats
from ams_etl.sandbox.http import Request, Response
from ams_etl.sandbox.soap.service import SoapService
from ams_etl.sandbox.soap.types import load_schema

PATH = "/v3/WSAPIService.svc"
DATA_NAMESPACE = "http://www.WSAPI.AMS360.com/v3.0/DataContract"
_WSDL = Path(__file__).parent / "WSAPIService.wsdl"


class Ams360Server:
    """Answers SOAP calls at `PATH` and control requests under `/sandbox/`.

    Args:
        agencies: by their short id.
        login_id: the login.
        password: its password.
        seed: of the faults' chances.
    """

    def __init__(self, agencies: dict[str, Agency], login_id: str, password: str, seed: int = 0) -> None:
        schema = load_schema(_WSDL)
        self._agencies = agencies
        rendering = Rendering(schema, DATA_NAMESPACE, self._prefix)
        self._operations = Ams360Operations(
            {agency.agency_no: agency for agency in agencies.values()}, login_id, password, rendering
        )
        self._service = SoapService(schema, _WSDL.read_bytes(), self._operations, DATA_NAMESPACE)
        self.faults, self.stats = Faults(), Stats()
        self._rng = random.Random(seed)  # noqa: S311

    def _prefix(self, namespace: str) -> str:
        return self._service.prefix(namespace)

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """One HTTP request."""
        path, _, query = request.target.partition("?")
        if path.startswith("/sandbox/"):
            return self._control(request, path.removeprefix("/sandbox/"))
        if path != PATH:
            return Response(404, b"", "text/plain")
        if request.method == "GET":
            return self._service.wsdl() if query.lower() in {"wsdl", "singlewsdl"} else Response(200, b"", "text/html")
        if request.method != "POST":
            return Response(405, b"", "text/plain")
        if self.faults.latency_ms:
            return self._answer_later(request)
        self._begin()
        return self._answer(request)

    def _begin(self) -> None:
        self.stats.in_flight += 1
        self.stats.peak_in_flight = max(self.stats.peak_in_flight, self.stats.in_flight)

    async def _answer_later(self, request: Request) -> Response:
        self._begin()
        await asyncio.sleep(self.faults.latency_ms / 1000)
        return self._answer(request)

    def _answer(self, request: Request) -> Response:
        operation = self._service.operation_of(request)
        try:
            self.stats.calls[operation or "?"] += 1
            struck = self.faults.strike(operation, self._rng)
            if struck is not None:
                self.stats.faults += 1
                return struck
            answer = self._service.answer(request)
            self.stats.bytes_out += len(answer.body)
            if self.faults.cut_next(operation):
                self.stats.faults += 1
                return Response(answer.status, answer.body, cut=True)
            return answer
        finally:
            self.stats.in_flight -= 1

    def _control(self, request: Request, what: str) -> Response:
        try:
            given = json.loads(request.body) if request.body else {}
            return _json(200, self._controlled(request.method, what, given))
        except (KeyError, ValueError, TypeError, StopIteration) as error:
            return _json(400, {"error": f"{type(error).__name__}: {error}"})

    def _controlled(self, method: str, what: str, given: dict[str, Any]) -> Any:
        verb, *rest = what.split("/")
        match (method, verb):
            case ("GET", "stats"):
                return {**self.stats.as_dict(), "logins": self._operations.logins}
            case ("POST", "reset-stats"):
                self.stats, self._operations.logins = Stats(), 0
                return {}
            case ("POST", "faults"):
                return self._switch(given)
            case ("POST", "edit"):
                return self._edit(**given)
            case ("GET", "customers"):
                agency = self._agency(rest[0] if rest else None)
                return [[key, customer["CustomerNumber"]] for key, customer in agency.customers.items()]
            case ("GET", "state"):
                agency = self._agency(None)
                return agency.get(rest[0], rest[1]) if len(rest) > 1 else list(_every(agency, rest[0]))
        raise KeyError(what)

    def _switch(self, given: dict[str, Any]) -> dict[str, Any]:
        if given.pop("expire_tickets", False):
            self._operations.expire_tickets()
        if "denied" in given:
            self._operations.denied = set(given.pop("denied"))
        if "refuse" in given:
            self._operations.refused = set(given.pop("refuse"))
        if "ticket_calls" in given:
            self._operations.ticket_calls = given.pop("ticket_calls")
        self.faults.switch(given)
        return {}

    def _edit(
        self,
        *,
        entity: str,
        op: str,
        key: str | None = None,
        fields: dict[str, Any] | None = None,
        agency: str | None = None,
    ) -> dict[str, Any]:
        """Insert, update or delete a record as a person in AMS360 would; `fields` by AMS360's member names."""
        where = self._agency(agency)
        if op == "delete":
            return {"deleted": where.remove(entity, key or "")}
        if op not in {"insert", "update"}:
            raise ValueError(op)
        before = where.get(entity, key) if key else None
        if op == "update" and before is None:
            raise KeyError(key)
        record = {**(before or {}), **(fields or {})}
        record.setdefault(KEYS[entity], key or where.new_id())
        if entity == "customers":
            record.setdefault("CustomerNumber", 1 + max(one["CustomerNumber"] for one in where.customers.values()))
        where.put(entity, record)
        return {"key": record[KEYS[entity]]}

    def _agency(self, agency: str | None) -> Agency:
        return self._agencies[agency] if agency else next(iter(self._agencies.values()))


def _every(agency: Agency, kind: str) -> Any:
    if kind in {"customers", "employees"}:
        return getattr(agency, kind).values()
    return (row for rows in agency.by_customer[kind].values() for row in rows.values())


def _json(status: int, value: Any) -> Response:
    return Response(status, json.dumps(value, default=str).encode(), "application/json")
