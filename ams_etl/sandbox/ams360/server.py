"""The AMS360 sandbox as an HTTP application: the service with its faults, and a control API beside it."""

import gzip
import re
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ams_etl.sandbox.ams360.agency import Agency
from ams_etl.sandbox.ams360.control import Control
from ams_etl.sandbox.ams360.notifications.drift import Drift
from ams_etl.sandbox.ams360.notifications.sender import NotificationSender
from ams_etl.sandbox.ams360.operations import Ams360Operations
from ams_etl.sandbox.ams360.refusals import general
from ams_etl.sandbox.ams360.sessions import Sessions
from ams_etl.sandbox.faults import Faults
from ams_etl.sandbox.http import Request, Response
from ams_etl.sandbox.soap.calls import Calls
from ams_etl.sandbox.soap.contract import read_contract
from ams_etl.sandbox.soap.scalars import CHECKED
from ams_etl.sandbox.soap.service import SoapService
from ams_etl.sandbox.stats import Stats

PATH = "/v3/WSAPIService.svc"
_WSDL = Path(__file__).parent / "WSAPIService.wsdl"
_CONTROL = "/sandbox/"
_MIDNIGHT = re.compile(rb">(\d{4})-(\d\d)-(\d\d)T00:00:00<")
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
        operations = Ams360Operations(list(agencies.values()), sessions, contract, self._service.writer)
        self._faults, self.stats = Faults(seed, frozenset({"Login"})), Stats()
        self._calls = Calls(self._service, operations, self._faults, self.stats, _GENERAL)
        self.senders = {name: NotificationSender(agency) for name, agency in agencies.items()}
        self.drifts = {name: Drift(agency, operations.directory(agency), seed) for name, agency in agencies.items()}
        self._habits = operations.habits
        self._control = Control(
            agencies, contract, operations, sessions, self._faults, self.stats, self.senders, self.drifts
        )

    def switch(self, settings: dict[str, Any]) -> None:
        """Set switches as `POST /sandbox/faults` does."""
        self._control.switch(settings)

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """One HTTP request."""
        path, _, query = request.target.partition("?")
        if path.startswith(_CONTROL):
            return self._control.answer(request, path.removeprefix(_CONTROL), query)
        if path.lower() != PATH.lower():
            return Response(404, b"", "text/plain")
        if request.method == "GET":
            if query.lower() == "singlewsdl":
                return self._service.wsdl()
            part = self._service.wsdl_part(f"http://{request.headers.get('host', 'localhost')}{PATH}", query.lower())
            return part or Response(200, b"", "text/html")
        if request.method != "POST":
            return Response(405, b"", "text/plain")
        answer = self._calls.handle(request)
        if not (self._habits.gzip or self._habits.us_dates):
            return answer
        return self._dressed(request, answer) if isinstance(answer, Response) else self._dressed_later(request, answer)

    async def _dressed_later(self, request: Request, answer: Awaitable[Response]) -> Response:
        return self._dressed(request, await answer)

    def _dressed(self, request: Request, answer: Response) -> Response:
        """Write an answer's dates otherwise and compress it, where that is switched on."""
        body = answer.body
        if self._habits.us_dates:
            body = _MIDNIGHT.sub(
                lambda found: b">%d/%d/%s 12:00:00 AM<" % (int(found[2]), int(found[3]), found[1]), body
            )
        if not self._habits.gzip or "gzip" not in request.headers.get("accept-encoding", ""):
            return replace(answer, body=body)
        return replace(answer, body=gzip.compress(body, 1), headers={**answer.headers, "Content-Encoding": "gzip"})
