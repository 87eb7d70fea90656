"""The Dagster UI in a real browser, as a data engineer walks through it, and `ams-etl up` that serves it."""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import yaml

from ams_etl.pages.people.page_users import save_user
from ams_etl.pages.people.roles import EVERY_AGENCY, Role
from ams_etl.store.database import connect
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.end_to_end.graphql import UserInterface
from ams_etl_tests.end_to_end.quiet_interface import QUIET
from ams_etl_tests.end_to_end.served import free_port, served
from ams_etl_tests.pages.pages_process import PASSWORD
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 90_000
"""Milliseconds, on a machine that does a lot besides."""
SECOND = "5551234-2"
TRACKER = "tracker.example"
MARKUP = (
    "[x](javascript:alert(1))", f"![](http://{TRACKER}/a.png)", f"<img src=//{TRACKER}/b.png onerror=alert(1)>",
    "a|b `code` ~~gone~~ **strong**", "two\nlines", f"<https://{TRACKER}/c> <b>bold</b> &lt;i&gt;", f"http://{TRACKER}/d",
    f"www.{TRACKER}/e spy@{TRACKER}",
)  # fmt: skip
"""Cities of the second agency, whose contacts are tagged with them."""
OURS = """
name: our_cities
notes: We work in one city.
meta:
  agencies: [demo]
  query: select contact_id::text as id, city from mart.contacts where agency = '{agency}' and city is not null
expectations:
  - {type: expect_column_values_to_be_in_set, kwargs: {column: city, value_set: [Nowhere]}, meta: {rule: OURS1}}
"""


class Walk:
    """What the engineer does and sees."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self._url = url

    def opens(self, path: str) -> None:
        self.page.goto(f"{self._url}{path}")

    def sees(self, text: str | re.Pattern[str]) -> None:
        self.page.get_by_text(text).first.wait_for(timeout=PATIENCE)

    def chooses(self, field: str, choice: str) -> None:
        """Choose from a list that the UI closes and makes again while it loads: open it until the choice is there."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not (offered := self.page.get_by_role("menuitem", name=choice, exact=True)).is_visible():
            assert time.monotonic() < deadline, f"{field} does not offer {choice}"
            self.page.get_by_placeholder(field).click(timeout=PATIENCE)
            self.page.wait_for_timeout(2000)
        offered.click()
        assert self.page.get_by_placeholder(field).input_value() == choice

    def shows_markdown(self, label: str) -> None:
        """Open an entry of the metadata that is too long for its row."""
        row = self.page.locator("tr", has_text=label)
        row.first.get_by_text("[Show Markdown]").click(timeout=PATIENCE)

    def shot(self, name: str) -> None:
        """Take a picture for the documentation, where one is asked for: small, since each lives in the repository for good."""
        folder = os.environ.get("PICTURES")
        if folder:
            from PIL import Image

            self.page.wait_for_timeout(8000)
            path = Path(folder) / f"{name}.png"
            self.page.screenshot(path=str(path))
            picture = Image.open(path).convert("RGB")
            picture.thumbnail((1100, 1100))
            picture.quantize(64).save(path, optimize=True)


@contextmanager
def browser_page(url: str) -> Iterator[Walk]:
    """A page of a real chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield Walk(browser.new_page(viewport={"width": 1500, "height": 1000}), url)
        browser.close()


def with_a_second_agency(line: CommandLine, pages: int) -> None:
    """Add an agency of the same system, and the integration page's address."""
    path = line.home / "agencies.yaml"
    written = yaml.safe_load(path.read_text())
    (demo,) = written["agencies"]
    second = {
        "id": "second",
        "name": "Second",
        "ams360": {**demo["ams360"], "agency_no": SECOND},
        "settings": {"tags": ["city"]},
    }
    written["agencies"].append(second)
    written["pages"] = {"public_url": f"http://127.0.0.1:{pages}"}
    path.write_text(yaml.safe_dump(written))


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on this machine: install Debian's package to see the UI tested"
)
def test_an_engineer_walks_from_the_catalog_to_why_launches_customers_and_backfills(
    tmp_path: Path, database: str
) -> None:
    """One walk, since `ams-etl up` takes longer to start than most of it."""
    pages = free_port()
    with running_sandbox(size=40, more=("--agency", f"second:{SECOND}:8:20")) as sandbox:
        line = command_line(tmp_path, database, sandbox)
        with_a_second_agency(line, pages)
        (line.home / "expectations").mkdir()
        (line.home / "expectations" / "our_cities.yaml").write_text(OURS)
        line.run("sync", "demo")
        with connect(database) as connection:
            save_user(connection, "sam", PASSWORD, {EVERY_AGENCY: Role.VIEWER})
            numbers = [
                row[0]
                for row in connection.execute(
                    "select customer_number from ams360.customers order by 1 limit 3"
                ).fetchall()
            ]
        with served(line, "--pages-port", str(pages)) as url, browser_page(url) as walk:
            ui = UserInterface(url)
            reads_the_catalog(walk, ui)
            follows_a_failing_check_to_why(walk, pages)
            launches_three_customers(walk, ui, numbers)
            with_cities_of_markup(sandbox)
            backfills_every_agency(walk, ui)
            reads_tags_as_they_are(walk)
            pictures_a_plan(walk, line, sandbox, numbers)


def reads_the_catalog(walk: Walk, ui: UserInterface) -> None:
    """The graph; of contacts: columns, their lineage, a picture."""
    walk.opens("/locations/ams_etl/asset-groups/contacts")
    walk.sees("contact_candidates")
    walk.shot("asset-graph")
    walk.opens("/assets/mart/contacts?view=overview")
    walk.sees("One row a contact")
    walk.sees("Latest materialization")
    walk.sees("Freshness policy")
    walk.sees("First name for greetings")
    walk.shot("contacts")
    assert ("raw_ams360/customers", "payload.City") in ui.column_lineage(["mart", "contacts"], "city")
    walk.opens("/assets/mart/contacts?view=partitions&partition=demo")
    walk.sees("since last time")
    walk.shows_markdown("picture")
    walk.page.locator("img[alt='Contacts by status']").first.wait_for(timeout=PATIENCE)
    walk.shot("contacts-by-status")


def follows_a_failing_check_to_why(walk: Walk, pages: int) -> None:
    """A suite of the agency's own fails: its expectation with the rule, the ids of its rows, and why one is what it is."""
    check = "this_installations_own_expectations_hold"
    walk.opens(f"/assets/mart/contacts?view=checks&checkDetail={check}")
    # The page may choose the first check by itself, before it reads which one the address names or after this click.
    result = walk.page.get_by_text("open one of the ids").first
    deadline = time.monotonic() + PATIENCE / 1000
    while not result.is_visible():
        assert time.monotonic() < deadline, "the failing check's result is not shown"
        walk.page.get_by_text("Failed").first.click(timeout=PATIENCE)
        walk.page.wait_for_timeout(2000)
    walk.shows_markdown("sample_ids")
    links = walk.page.locator(f"a[href*='127.0.0.1:{pages}/demo/why']")
    links.first.wait_for(timeout=PATIENCE)
    walk.shot("failing-check")
    where = links.first.get_attribute("href")
    walk.page.goto(f"http://127.0.0.1:{pages}/demo")
    walk.page.get_by_label("Name").fill("sam")
    walk.page.get_by_label("Password").fill(PASSWORD)
    walk.page.get_by_role("button", name="Sign in", exact=True).click()
    walk.page.wait_for_url(re.compile("/demo"), timeout=PATIENCE)
    walk.page.goto(where)
    walk.sees("FirstName")
    assert "/demo/contacts/" in walk.page.url


def launches_three_customers(walk: Walk, ui: UserInterface, numbers: list[int]) -> None:
    """From the job's Launchpad: a wrong value is refused before there is a run; then three CustomerNumbers."""
    walk.opens("/locations/ams_etl/jobs/sync/playground")
    walk.chooses("Partition", "demo")
    button = walk.page.get_by_role("button", name="Launch Run")
    button.wait_for(timeout=PATIENCE)
    known = len(ui.runs())

    def configure(customers: object) -> None:
        text = json.dumps({"resources": {"sync_scope": {"config": {"customers": customers}}}})
        walk.page.wait_for_function("document.querySelector('.CodeMirror')?.CodeMirror", timeout=PATIENCE)
        walk.page.evaluate("text => document.querySelector('.CodeMirror').CodeMirror.setValue(text)", text)
        walk.page.wait_for_timeout(2000)
        button.click()

    configure(["Smith"])
    walk.sees(re.compile("expected a CustomerNumber such as 1017"))
    walk.shot("launchpad-refuses")
    assert len(ui.runs()) == known, "a run was created"
    walk.page.keyboard.press("Escape")
    configure([str(number) for number in numbers])
    walk.page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}"), timeout=PATIENCE)
    run_id = walk.page.url.partition("/runs/")[2][:36]
    assert ui.ended(run_id, seconds=400) == "SUCCESS", ui.why(run_id)


def backfills_every_agency(walk: Walk, ui: UserInterface) -> None:
    """As "Launch backfill" of the job's page asks for it."""
    backfill = ui.backfill("sync", ["demo", "second"])
    assert ui.backfill_ended(backfill) == "COMPLETED_SUCCESS"
    walk.opens(f"/runs/b/{backfill}")
    walk.sees(re.compile("Completed|Succeeded"))
    walk.shot("backfill")


def with_cities_of_markup(sandbox: Sandbox) -> None:
    for (key, _), city in zip(sandbox.ask("customers?agency=second"), cycle(MARKUP), strict=False):
        edit = {"entity": "customers", "op": "update", "key": key, "fields": {"City": city}, "agency": "second"}
        sandbox.ask("edit", edit)


def reads_tags_as_they_are(walk: Walk) -> None:
    """No text of the source becomes a link, a picture, HTML or another cell on the asset's page."""
    asked: list[str] = []
    walk.page.on("request", lambda request: asked.append(request.url))
    walk.opens("/assets/mart/contact_tags?view=partitions&partition=second")
    table = walk.page.locator("table", has_text="javascript:alert(1)").last
    table.wait_for(timeout=PATIENCE)
    cells = [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]
    assert all(len(row) == 2 for row in cells), cells
    assert {" ".join(city.split()) for city in MARKUP} <= {tag.strip().replace("\u2060", "") for tag, _ in cells}, cells
    assert table.locator("a, img, b, strong, del, code, script, iframe").count() == 0, table.inner_html()
    assert [url for url in asked if TRACKER in url] == []


def pictures_a_plan(walk: Walk, line: CommandLine, sandbox: Sandbox, numbers: list[int]) -> None:
    """For the documentation alone: the page that `ams-etl plan --to plan.html` writes after an edit in AMS360."""
    if "PICTURES" not in os.environ:
        return
    for at, number in enumerate(numbers):
        (key,) = [key for key, known in sandbox.ask("customers") if known == number]
        sandbox.edit("customers", "update", key, City="Reno", Email=f"new{at}@example.com")
    line.run("sync", "demo", "--plan", *(part for number in numbers for part in ("--customer", str(number))))
    line.run("plan", "demo", "--full", "--to", str(line.home / "plan.html"))
    walk.page.goto(f"file://{line.home}/plan.html")
    walk.shot("plan")
