"""Calls of a SOAP service with everything that can go wrong with them: counted, delayed, struck by faults."""

import asyncio
from collections.abc import Awaitable

from ams_etl.sandbox.faults import BEFORE, Faults
from ams_etl.sandbox.http import Request, Response
from ams_etl.sandbox.soap.service import Operations, SoapFault, SoapService
from ams_etl.sandbox.stats import Stats

_BARE = SoapFault("The server was unable to process the request due to an internal error.", code="s:Server")
"""What a WCF service answers where its own code failed: no detail says which kind of fault it is."""


class Calls:
    """Answers the calls of one service.

    Args:
        service: reads and writes the messages.
        operations: carries the calls out.
        faults: what goes wrong on request.
        stats: what was asked.
        general: the service's general fault.
    """

    def __init__(
        self, service: SoapService, operations: Operations, faults: Faults, stats: Stats, general: SoapFault
    ) -> None:
        self._service, self._operations, self._general = service, operations, general
        self._faults, self._stats = faults, stats

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """One call, answered now or after the wait that is set."""
        found = self._service.operation_of(request)
        operation = found.name if found else "?"
        self._stats.begin(operation, len(request.body))
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
            self._stats.end(len(answer.body), is_fault=answer.status == 500 and not answer.drop)
        return answer

    def _with_faults(self, request: Request, operation: str) -> Response:
        sent = request.body.decode("utf-8", "replace")
        struck = self._faults.strike(operation, BEFORE, sent)
        if struck is None:
            answer = self._service.answer(request, self._operations)
            struck = self._faults.strike_after(operation, answer.status, sent)
            if struck is None:
                return answer
        self._stats.struck[struck] += 1
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
            case "bare_fault":
                return self._service.fault(_BARE)
            case _:
                return self._service.fault(self._general)
