"""Everybody can read the pages: axe finds nothing on any of them, light and dark, wide and on a phone."""

import re
from typing import Any

import psycopg
import pytest

from ams_etl.pages.screens.registry import SCREENS
from ams_etl_tests.pages.browser import needs_chromium, opened
from ams_etl_tests.pages.pages_process import Site, what_if
from ams_etl_tests.pages.routes import address

PHONE = {"width": 375, "height": 700}
WIDE = {"width": 1300, "height": 900}


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize(
    ("scheme", "size"), [("light", WIDE), ("dark", PHONE)], ids=["light and wide", "dark and phone"]
)
def test_axe_finds_no_violation(
    quiet: Site, stored: psycopg.Connection[Any], scheme: str, size: dict[str, int]
) -> None:
    """Nor is any page wider than the screen; a failure lists page, rule and element."""
    from axe_playwright_python.sync_playwright import Axe

    stored.execute(
        """insert into ops.user_mappings values ('acme', 'Executive', 'E 1', 'u-eve', 'Eve') on conflict do nothing"""
    )
    visitor = quiet.visitor(stored, "everywhere")
    paths = [
        "/sign-in",
        "/",
        # A page that loads itself again might do so under axe's hands.
        *(
            f"{address(screen, stored)}{'?reload=no' if 'job_id' in screen.path else ''}"
            for screen in SCREENS
            if screen.method == "GET"
        ),
        f"/acme/jobs/{what_if(quiet, stored, 'tags', '[city]')}",
        "/acme/nowhere",
    ]
    found = []
    with opened(visitor, color_scheme=scheme, viewport=size) as page:
        for path in paths:
            page.goto(path)
            violations = Axe().run(page).response["violations"]
            found += [
                (path, violation["id"], [node["html"][:200] for node in violation["nodes"][:3]])
                for violation in violations
            ]
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wide > 0:
                found.append((path, "wider than the screen", [wide]))
    assert found == []
    assert len(paths) > 8
    assert all(re.match(r"^/", path) for path in paths)
