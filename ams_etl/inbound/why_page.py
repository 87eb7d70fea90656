"""`GET /why/{agency}`: what `ams-etl why` prints, as a page that Dagster's asset pages link to.

It shows personal data, so it is there only where `inbound.why_password_env` is set, and asks for that password (HTTP
Basic, any user name); behind TLS like everything here.
"""

import asyncio
import base64
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from ams_etl.errors import AmsEtlError
from ams_etl.rules.model import Finding
from ams_etl.settings import Agencies
from ams_etl.store.database import connect
from ams_etl.sync.contacts.why import Answer, why

_STYLE = """body{font:15px system-ui;margin:2rem;max-width:75rem}table{border-collapse:collapse;margin:1rem 0}
td,th{border:1px solid #ddd;padding:.3rem .6rem;text-align:left;vertical-align:top}th{background:#f4f4f4}
input{font:inherit;padding:.3rem;width:24rem}"""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class WhyPage:
    """Answers the page's requests.

    Args:
        password: what a person must give.
        agencies: whose contacts may be asked for.
        locate: gives the database URL; called in threads.
    """

    password: str
    agencies: Agencies
    locate: Callable[[], str]

    @property
    def routes(self) -> list[Route]:
        """What the application adds to its own."""
        return [Route("/why/{agency}", self.answer, methods=["GET"])]

    async def answer(self, request: Request) -> Response:
        """The page: 200, 401 without the password, 404 for an unknown agency; what is asked stands in `?q=`."""
        if not self._admits(request.headers.get("authorization", "")):
            return PlainTextResponse(
                "password?", 401, {"WWW-Authenticate": 'Basic realm="ams_etl why", charset="UTF-8"'}
            )
        agency = request.path_params["agency"]
        if agency not in {listed.id for listed in self.agencies.all}:
            return PlainTextResponse("Not Found", 404)
        asked = request.query_params.get("q", "").strip()[:320]
        told = await asyncio.to_thread(self._tell, agency, asked) if asked else ""
        return HTMLResponse(_page(agency, asked, told), headers=_HEADERS)

    def _admits(self, header: str) -> bool:
        scheme, _, given = header.partition(" ")
        try:
            password = base64.b64decode(given, validate=True).partition(b":")[2] if scheme.lower() == "basic" else b""
        except ValueError:
            return False
        return hmac.compare_digest(password, self.password.encode())

    def _tell(self, agency: str, asked: str) -> str:
        today = datetime.now(self.agencies.schedule.zone).date()
        try:
            with connect(self.locate()) as connection:
                answers = why(connection, agency, asked, self.agencies.get(agency).settings, today)
        except AmsEtlError as error:
            return f"<p>{escape(str(error))}</p>"
        return "".join(_section(answer) for answer in answers)


def _section(answer: Answer) -> str:
    if answer.contact_id is None:
        return _table("No contact of their own", answer.records)
    return _table(f"Contact {answer.contact_id}", answer.contact) + _table(
        "What its source records give", answer.records
    )


def _table(title: str, findings: Iterable[Finding]) -> str:
    header = "".join(f"<th>{name}</th>" for name in ("field", "value", "rule", "from", "member", "as it stands there"))
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td>{escape(cell or '')}</td>"
            for cell in (
                finding.field, finding.value, finding.rule, f"{finding.source_entity} {finding.source_entity_id}",
                finding.source_field, finding.source_value,
            )
        )
        + "</tr>"
        for finding in findings
    )  # fmt: skip
    return f"<h2>{escape(title)}</h2><table><tr>{header}</tr>{rows}</table>"


def _page(agency: str, asked: str, told: str) -> str:
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Why · {escape(agency)}</title>
<style>{_STYLE}</style><h1>Why · {escape(agency)}</h1>
<form><label>Contact id, CustomerNumber or e-mail <input name="q" value="{escape(asked)}" autofocus></label></form>
{told}</html>"""
