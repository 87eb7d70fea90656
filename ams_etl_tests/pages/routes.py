"""The addresses of the page's screens, with real ids in their places."""

import re
from typing import Any

import psycopg

from ams_etl.pages.visit import Screen

PLACES = {
    "contact_id": "select contact_id::text from mart.contacts where agency = 'acme' and email = 'jd@example.com'",
    "job_id": "select job_id::text from ops.page_jobs where agency = 'acme' and kind = 'sync'",
    "writeback_id": "select writeback_id::text from ops.writebacks where agency = 'acme' and status = 'uncertain'",
}
"""Path parameter -> a query for one of the first agency's."""


def address(screen: Screen, connection: psycopg.Connection[Any], agency: str = "acme") -> str:
    def value(match: re.Match[str]) -> str:
        row = connection.execute(PLACES[match[1]]).fetchone()
        assert row is not None, match[1]
        return str(row[0])

    return f"/{agency}" + re.sub(r"\{(\w+)\}", value, screen.path)
