"""The stand-in AMS360 as an HTTP application: the service with its faults, and a control API beside it."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from ams_etl.sandbox.ams360.agency import Agency
from ams_etl.sandbox.ams360.control import Control
from ams_etl.sandbox.ams360.operations import Ams360Operations
from ams_etl.sandbox.ams360.refusals import general
from ams_etl.sandbox.ams360.sessions import Sessions
from ams_etl.sandbox.faults import AFTER, BEFORE, Faults
from ams_etl.sandbox.http import Request, Response
from ams_etl.sandbox.soap.contract import read_contract
from ams_etl.sandbox.soap.scalars import CHECKED
from ams_etl.sandbox.soap.service import SoapService
from ams_etl.sandbox.stats import Stats

PATH = "/v3/WSAPIService.svc"
_WSDL = Path(__file__).parent / "WSAPIService.wsdl"
_CONTROL = "/sandbox/"
_GENERAL = general("An unexpected error has occurred.")


class Ams360Server:
    """Answers SOAP calls at `PATH` and control requests under `/sandbox/`.

    Args:
        agencies: by their short id.
        login_id: the login.
        password: its password.
        seed: of the faults' chances.
    """

    def __init__(self, agencies: dict[str, Agency], login_id: str, password: str, seed: int = 0) -> None:
        wsdl = _WSDL.read_bytes()
        contract = read_contract(wsdl, checked=CHECKED)
        self._service = SoapService(contract, wsdl)
        sessions = Sessions({agency.agency_no: agency for agency in agencies.values()}, login_id, password)
        self._operations = Ams360Operations(list(agencies.values()), sessions, contract, self._service.writer)
        self._faults, self.stats = Faults(seed, frozenset({"Login"})), Stats()
        self._control = Control(agencies, contract, self._operations, sessions, self._faults, self.stats)

    def switch(self, settings: dict[str, Any]) -> None:
        """Set switches as `POST /sandbox/faults` does."""
        self._control.switch(settings)

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """One HTTP request."""
        path, _, query = request.target.partition("?")
        if path.startswith(_CONTROL):
            return self._control.answer(request, path.removeprefix(_CONTROL), query)
        if path != PATH:
            return Response(404, b"", "text/plain")
        if request.method == "GET":
            return self._service.wsdl() if query.lower() in {"wsdl", "singlewsdl"} else Response(200, b"", "text/html")
        if request.method != "POST":
            return Response(405, b"", "text/plain")
        found = self._service.operation_of(request)
        operation = found.name if found else "?"
        self.stats.begin(operation, len(request.body))
        wait = self._faults.wait_ms(operation)
        if wait:
            return self._answer_later(request, operation, wait / 1000)
        return self._answer(request, operation)

    async def _answer_later(self, request: Request, operation: str, seconds: float) -> Response:
        await asyncio.sleep(seconds)
        return self._answer(request, operation)

    def _answer(self, request: Request, operation: str) -> Response:
        answer = Response(500)
        try:
            answer = self._with_faults(request, operation)
        finally:
            self.stats.end(len(answer.body), is_fault=answer.status == 500 and not answer.drop)
        return answer

    def _with_faults(self, request: Request, operation: str) -> Response:
        struck = self._faults.strike(operation, BEFORE)
        if struck is None:
            answer = self._service.answer(request, self._operations)
            struck = self._faults.strike(operation, AFTER)
            if struck is None:
                return answer
        self.stats.struck[struck] += 1
        match struck:
            case "unavailable":
                return Response(503, b"Service Unavailable", "text/plain")
            case "throttled":
                return Response(429, b"Too Many Requests", "text/plain", {"Retry-After": "1"})
            case "drop" | "lost":
                return Response(200, drop=True)
            case "cut":
                return Response(answer.status, answer.body, cut=True)
            case "half":
                return Response(answer.status, answer.body[: len(answer.body) // 2])
            case _:
                return self._service.fault(_GENERAL)
