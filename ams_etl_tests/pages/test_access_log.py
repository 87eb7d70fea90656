"""The access log: every page and download that shows a customer is counted under whoever looked, and holds nothing of it."""

from typing import Any

import psycopg

from ams_etl.pages.screens.registry import SCREENS
from ams_etl_tests.pages.pages_process import Site, Visitor
from ams_etl_tests.pages.routes import address

_PEOPLE = ("jd@example.com", "Bob (Bobby)", "Bobby", "Doe")
"""Of the agency's customers; the agency's own people are not in the access log."""


def _counted(connection: psycopg.Connection[Any], person: str) -> dict[tuple[str, str], tuple[int, int]]:
    rows = connection.execute(
        "select way, what, reads, records from ops.accesses where agency = 'acme' and person = %s", (person,)
    )
    return {(way, what): (reads, records) for way, what, reads, records in rows}


def test_each_page_that_shows_a_customer_is_counted(quiet: Site, stored: psycopg.Connection[Any]) -> None:
    """Whoever adds a screen and says that it shows nobody is held to it by the customers' names and addresses."""
    somebody = quiet.visitor(stored, "everywhere")
    for screen in SCREENS:
        if screen.method == "GET":
            before = _counted(stored, "everywhere").get(("page", screen.path or "/"), (0, 0))
            text = somebody.page(address(screen, stored))
            after = _counted(stored, "everywhere").get(("page", screen.path or "/"), (0, 0))
            if any(name in text for name in _PEOPLE):
                assert after[0] == before[0] + 1, screen.path
                assert after[1] > before[1], screen.path
            if not screen.shows_people:
                assert after == (0, 0), screen.path


def test_a_download_counts_its_rows_and_keeps_none(
    viewer: Visitor, admin: Visitor, stored: psycopg.Connection[Any]
) -> None:
    stored.execute("delete from ops.accesses where person = 'viewer'")
    lines = viewer.get("/acme/contacts?format=csv&q=jd").text.strip().splitlines()
    assert _counted(stored, "viewer") == {("export", "/contacts"): (1, len(lines) - 1)}
    assert len(lines) > 1
    text = "".join(row[0] for row in stored.execute("select to_jsonb(a)::text from ops.accesses a"))
    assert "jd@" not in text
    shown = admin.page("/acme/activity/accesses?person=viewer")
    assert "viewer" in shown
    assert "/contacts" in shown
    assert viewer.get("/acme/activity/accesses").status_code == 403
