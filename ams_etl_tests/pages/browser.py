"""A real chromium for the page, signed in; scripts are off, so that everything is done as without JavaScript."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ams_etl_tests.end_to_end.quiet_interface import QUIET
from ams_etl_tests.pages.pages_process import COOKIE, Visitor

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: install Debian's package")


@contextmanager
def opened(visitor: Visitor, **options: Any) -> Iterator[Any]:
    """Open a page of a browser in which the visitor is signed in."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        context = browser.new_context(base_url=visitor.url, **options)
        context.add_cookies([{"name": COOKIE, "value": visitor.cookie, "url": visitor.url}])
        page = context.new_page()
        page.set_default_timeout(30_000)
        yield page
        browser.close()
