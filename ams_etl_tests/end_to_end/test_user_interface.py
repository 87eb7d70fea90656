"""The Dagster UI in a real browser: the asset graph is there, and `contacts` is materialized."""

import json
import os
import shutil
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.end_to_end.served import served
from ams_etl_tests.sandbox_process import running_sandbox

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def asked(url: str, query: str) -> Any:
    """A GraphQL question to the UI's server."""
    request = urllib.request.Request(
        f"{url}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]


@pytest.mark.browser
@pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on this machine: install Debian's package to see the UI tested"
)
def test_a_person_sees_the_run_and_its_contacts_in_the_ui(tmp_path: Path, database: str) -> None:
    """A run from the command line is one that the UI shows, with its asset graph and numbers."""
    from playwright.sync_api import sync_playwright

    with running_sandbox(size=40) as sandbox:
        line = command_line(tmp_path, database, sandbox)
        line.run("sync", "demo")
        with served(line) as url:
            found = asked(url, "{runsOrError { ... on Runs { results { jobName status } } }}")
            assert {"jobName": "sync", "status": "SUCCESS"} in found["runsOrError"]["results"]
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
                page = browser.new_page(viewport={"width": 1500, "height": 900})
                page.goto(f"{url}/locations/ams_etl/asset-groups/contacts")
                page.get_by_text("contact_candidates").first.wait_for(timeout=60_000)
                page.goto(f"{url}/assets/mart/contacts?view=overview")
                page.get_by_text("One row a contact").first.wait_for(timeout=60_000)
                page.get_by_text("Latest materialization").first.wait_for(timeout=60_000)
                picture = os.environ.get("PICTURES")
                if picture:
                    page.wait_for_timeout(1500)
                    page.screenshot(path=str(Path(picture) / "contacts.png"))
                    page.goto(f"{url}/locations/ams_etl/asset-groups/contacts")
                    page.wait_for_timeout(3000)
                    page.screenshot(path=str(Path(picture) / "asset-graph.png"))
                browser.close()
