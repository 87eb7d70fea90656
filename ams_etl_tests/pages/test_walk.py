"""A person walks through the page in a real browser without JavaScript, beside the real sandbox and real runs."""

import os
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from ams_etl.pages.people.page_users import save_user
from ams_etl.pages.people.roles import EVERY_AGENCY, Role
from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.pages.browser import needs_chromium, opened
from ams_etl_tests.pages.pages_process import PASSWORD, Visitor, running_pages
from ams_etl_tests.sandbox_process import running_sandbox

PATIENCE = 300_000
"""Milliseconds for a run, on a machine that does a lot besides."""


class Walk:
    """What the person does, in words of the page."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).first.click()

    def follow(self, link: str) -> None:
        self.page.get_by_role("link", name=link, exact=True).first.click()

    def reads(self, text: str, patience: int = 30_000) -> None:
        self.page.get_by_text(text).locator("visible=true").first.wait_for(timeout=patience)

    def waits_for_the_job(self) -> None:
        """The page loads itself again until the job has ended."""
        self.page.locator(".notice, .problem").first.wait_for(timeout=PATIENCE)
        assert self.page.locator(".notice").count(), self.page.content()

    def pictures(self, name: str) -> None:
        folder = os.environ.get("PICTURES")
        if folder:
            self.page.screenshot(path=str(Path(folder) / f"page-{name}.png"))


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
def test_a_stranger_finds_why_a_customer_is_missing_and_what_a_setting_would_do(
    tmp_path: Path, database: str, connection: psycopg.Connection[Any]
) -> None:
    """Sign in, sync, map a user, see who would send, see why somebody is missing, try the setting, apply it, look up, refresh."""
    with running_sandbox(size=40, more=("--benefitpoint",)) as sandbox:
        line = command_line(tmp_path, database, sandbox)
        secrets = {name: value for name, value in line.environment.items() if name.startswith("TEST_")}
        with running_pages(tmp_path, database, **secrets) as site:
            save_user(connection, "sam", PASSWORD, {EVERY_AGENCY: Role.ADMIN})
            visitor = Visitor(site.url, "sam", "")
            with opened(visitor, java_script_enabled=False, viewport={"width": 1280, "height": 860}) as page:
                walk = Walk(page)
                sign_in(walk)
                sync(walk)
                map_a_user(walk)
                see_who_would_send(walk)
                see_why_somebody_is_missing(walk, connection)
                apply_the_setting(walk, connection, tmp_path / "agencies.yaml")
                look_up_and_refresh(walk, connection, sandbox)
                sync_benefitpoint(walk)
                walk.page.goto("/demo/activity")
                walk.reads("map user")


def sign_in(walk: Walk) -> None:
    walk.page.goto("/demo")
    walk.page.get_by_label("Name").fill("sam")
    walk.page.get_by_label("Password").fill(PASSWORD)
    walk.press("Sign in")
    walk.reads("No full sync has finished yet.")


def sync(walk: Walk) -> None:
    walk.press("Sync everything")
    walk.waits_for_the_job()
    walk.page.goto("/demo")
    walk.reads("Contacts: client")
    walk.pictures("overview")


def map_a_user(walk: Walk) -> None:
    walk.follow("Users")
    walk.page.locator("select[name=type]").select_option("Executive")
    walk.press("Show")
    assert walk.page.locator("tbody tr td:first-child").all_inner_texts().count("Representative") == 0
    row = walk.page.locator("tbody tr").first
    row.locator("input[name=user_id]").fill("u-7")
    row.locator("input[name=user_name]").fill("Uma Seven")
    walk.pictures("users")
    row.get_by_role("button").click()
    walk.reads("Then")
    walk.press("Save")
    walk.reads("Saved: Executive")


def see_who_would_send(walk: Walk) -> None:
    walk.follow("Contacts")
    walk.page.locator("tbody a").first.click()
    walk.page.locator("select[name=sender]").select_option("Representative")
    walk.press("Show")
    walk.reads("the sender defaults to Contact Owner")
    walk.pictures("contact")


def see_why_somebody_is_missing(walk: Walk, connection: psycopg.Connection[Any]) -> None:
    reason = connection.execute(
        "select 1 from mart.skipped_contacts where agency = 'demo' and reason = 'inactive' limit 1"
    ).fetchone()
    assert reason is not None, "the sandbox's agency has somebody inactive"
    walk.follow("Missing")
    walk.reads("It is inactive in AMS360.")
    walk.pictures("missing")
    walk.page.get_by_role("link", name="See what true would do").first.click()
    walk.reads("import_inactive: true")
    walk.press("See what it would do")
    walk.waits_for_the_job()
    walk.reads("Contacts that would appear")
    walk.pictures("what-if")


def apply_the_setting(walk: Walk, connection: psycopg.Connection[Any], file: Path) -> None:
    """As an engineer puts the lines of the page into agencies.yaml; the plan that is applied is the one that was reviewed."""
    missing = "select count(*) from mart.skipped_contacts where agency = 'demo' and reason = 'inactive'"
    assert connection.execute(missing).fetchone() != (0,)
    document = yaml.safe_load(file.read_text())
    document["agencies"][0]["settings"] = {"import_inactive": True}
    file.write_text(yaml.safe_dump(document))
    walk.page.goto("/demo/plan")
    walk.press("Read and plan")
    walk.waits_for_the_job()
    walk.follow("Review the plan")
    walk.reads("appears")
    walk.pictures("plan")
    walk.press("Apply exactly this plan")
    walk.waits_for_the_job()
    assert connection.execute(missing).fetchone() == (0,)


def look_up_and_refresh(walk: Walk, connection: psycopg.Connection[Any], sandbox: Any) -> None:
    row = connection.execute(
        """select s.customer_id, c.customer_number from mart.contact_sources s
        join ams360.customers c using (agency, customer_id) where s.entity = 'customer' order by 1 limit 1"""
    ).fetchone()
    assert row is not None
    sandbox.edit("customers", "update", row[0], City="Nowhereville")
    walk.follow("Lookup")
    walk.page.locator("main input[name=q]").fill(str(row[1]))
    walk.press("Look up")
    walk.reads("Nowhereville")
    walk.pictures("lookup")
    walk.press("Refresh: read and publish just this customer")
    walk.waits_for_the_job()
    walk.page.goto(f"/demo/lookup?q={row[1]}")
    walk.reads("Everything that is stored is as AMS360 has it now.")
    assert connection.execute(
        "select city from mart.contacts join mart.contact_sources s using (agency, contact_id) where s.customer_id = %s limit 1",
        (row[0],),
    ).fetchone() == ("Nowhereville",)


def sync_benefitpoint(walk: Walk) -> None:
    walk.page.goto("/demo")
    walk.press("Daily AMS sync: BenefitPoint")
    walk.waits_for_the_job()
    walk.page.goto("/demo/accounts?synced=benefitpoint")
    walk.page.locator("tbody").get_by_text("BenefitPoint synced").first.wait_for()
    walk.pictures("accounts")
