"""Templates, and what every response carries."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from ams_etl.pages.navigation import navigation
from ams_etl.rules.contacts.findings import meanings
from ams_etl.settings.systems import SYSTEM_NAMES

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
                               "frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}  # fmt: skip


@cache
def environment() -> Environment:
    """Return the templates of this package; every value is escaped, an unknown name is an error."""
    made = Environment(
        loader=PackageLoader("ams_etl.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip
    made.globals["navigation"] = navigation
    made.filters["count"] = lambda number: f"{number:,}"
    made.filters["share"] = lambda number: f"{number:.1%}"
    made.filters["moment"] = moment
    made.filters["lasting"] = lasting
    made.filters["system"] = lambda name: SYSTEM_NAMES.get(name, name)
    made.filters["meanings"] = meanings
    made.filters["words"] = lambda name: str(name).replace("_", " ")
    return made


def moment(value: datetime | None, zone: ZoneInfo) -> str:
    """Return a moment in the schedule's time zone, to the minute."""
    return "never" if value is None else f"{value.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def lasting(seconds: float | None) -> str:
    """Return a duration in its two largest units."""
    if seconds is None:
        return "—"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    for unit, size, below in (("min", 60, 3600), ("h", 3600, 86_400), ("days", 86_400, float("inf"))):
        if seconds < below:
            return f"{seconds / size:.1f} {unit}"
    return ""


def render(template: str, values: Mapping[str, Any], status: int = 200) -> Response:
    """Return a page."""
    return HTMLResponse(environment().get_template(template).render(values), status, headers=HEADERS)
