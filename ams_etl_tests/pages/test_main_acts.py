"""Every page's main act by a person in a real browser without JavaScript; what takes a run of its own is in test_walk.py."""

from typing import Any

import psycopg
import pytest

from ams_etl.rules.settings import RuleSettings
from ams_etl.sync.contacts.plan import make_plan
from ams_etl_tests.pages.browser import needs_chromium, opened
from ams_etl_tests.pages.pages_process import TODAY, Site
from ams_etl_tests.pages.test_contact_screens import contact_of, may_send
from ams_etl_tests.sync.source_history import AGENCY, NO_BRAKE, customer_id, refresh

pytestmark = [pytest.mark.browser, needs_chromium]


class Person:
    """What somebody does, in words of the page."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def opens(self, address: str) -> None:
        self.page.goto(address)

    def presses(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).first.click()

    def reads(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def types(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).first.fill(text)


@pytest.fixture
def person(quiet: Site, stored: psycopg.Connection[Any]) -> Any:
    """Somebody who may do everything, with a browser."""
    with opened(quiet.visitor(stored, "everywhere"), java_script_enabled=False) as page:
        yield Person(page)


def test_set_up_shows_each_value_of_the_second_document(person: Person) -> None:
    person.opens("/acme/set-up")
    person.page.get_by_role("link", name="Show the Destination Address and the Authentication Code to copy").click()
    for text in (
        "https://hooks.example.com/ams/notifications/acme/code-of-the-tests-0123456789", "Single Retry", "2.0",
        "AmsEtlNotificationClientService", "leave as “Custom”", "“Entity Access Security Only”", "“Check All”",
        "check these boxes", "The first notification arrived",
    ):  # fmt: skip
        person.reads(text)
    person.presses("Test connection")
    person.reads("Test the connection")


def test_users_are_filtered_by_type_and_imported_after_a_look_at_the_effect(
    person: Person, stored: psycopg.Connection[Any]
) -> None:
    from playwright.sync_api import expect

    stored.execute("delete from ops.user_mappings where agency = 'acme'")
    person.opens("/acme/users")
    types = person.page.locator("tbody td[data-title=Type]")
    assert {"Executive", "Representative"} == set(types.all_inner_texts())
    person.page.locator("select[name=type]").select_option("Representative")
    person.presses("Show")
    expect(types.filter(has_text="Executive")).to_have_count(0)
    expect(types.first).to_have_text("Representative")
    assert set(types.all_inner_texts()) == {"Representative"}
    rows = b"connection_type,employee_code,user_id,user_name\nRepresentative,R<1,u-rob,Rob Rep\n"
    person.page.get_by_label("CSV file").set_input_files({"name": "u.csv", "mimeType": "text/csv", "buffer": rows})
    person.page.get_by_role("button", name="See effect", exact=True).last.click()
    person.reads("1 mapping changes")
    person.presses("Save")
    person.reads("1 mappings saved.")
    refresh(stored, RuleSettings(), TODAY)


def test_a_contact_is_found_sent_from_renamed_suppressed_and_released(
    person: Person, stored: psycopg.Connection[Any]
) -> None:
    stored.execute("delete from ops.user_mappings where agency = 'acme'")
    stored.execute("insert into ops.user_mappings values ('acme', 'Representative', 'R<1', 'u-rob', 'Rob Rep')")
    refresh(stored, RuleSettings(), TODAY)
    contact_id = contact_of(stored, "pat16@example.com")
    person.opens("/acme/contacts")
    person.types("Name, email, phone or CustomerNumber", "pat16@ex")
    person.presses("Show")
    person.page.get_by_role("link", name="Pat16 Many").click()
    person.page.get_by_label("Send from").select_option("Executive")
    person.presses("Show")
    person.reads("the sender defaults to Contact Owner")
    person.types("First name", "Patrick")
    person.presses("Rename")
    person.reads("Renamed. The next sync publishes the name.")
    person.presses("Undo the rename")
    person.reads("The next sync publishes the name from AMS360 again.")
    person.page.get_by_label("Reason, such as").fill("asked by phone")
    person.presses("Suppress this contact")
    person.reads("everywhere suppressed it by hand")
    assert not may_send(stored, contact_id)
    person.presses("Release this contact")
    person.reads("Released.")
    assert may_send(stored, contact_id)
    person.presses("Refuse pat16@example.com for email")
    person.reads("this page: everywhere")
    person.presses("Release pat16@example.com for email")
    person.reads("this address may be used again")


def test_missing_says_why_with_the_setting_and_settings_tries_it(person: Person) -> None:
    person.opens("/acme/missing?q=Idle")
    person.reads("It is inactive in AMS360.")
    person.page.get_by_role("link", name="See what true would do").first.click()
    person.reads("import_inactive: true")
    person.presses("See what it would do")
    person.reads("Another one is running")
    person.page.get_by_role("link", name="Back to where you were").click()
    person.reads("import_inactive: true")


def test_a_suggested_link_is_confirmed_and_the_account_synced_from_both(
    person: Person, stored: psycopg.Connection[Any]
) -> None:
    stored.execute(
        """insert into raw_benefitpoint.accounts (agency, entity_id, customer_id, payload, content_hash, first_seen_at,
            last_seen_at)
        values ('acme', '7', '7', '{"accountID": 7, "active": true, "accountClassification": "Group",
            "groupAccountInfo": {"accountName": "Jon Doe"}}', '\\x00', now(), now()) on conflict do nothing"""
    )
    stored.execute(
        """insert into ops.account_links (agency, ams360_customer_id, benefitpoint_account_id, state, evidence, score)
        values ('acme', %s, 7, 'suggested', 'name', 0.9)
        on conflict (agency, ams360_customer_id, benefitpoint_account_id) do nothing""",
        (customer_id(1),),
    )
    person.opens("/acme/accounts/links")
    person.page.get_by_role("button", name="Confirm", exact=False).first.click()
    person.opens("/acme/accounts?synced=both")
    for mark in ("AMS360 synced", "BenefitPoint synced"):
        person.page.locator("tbody").get_by_text(mark).first.wait_for()
    person.opens("/acme/accounts/links")
    person.page.get_by_role("button", name="Undo the decision about", exact=False).first.click()


def test_a_suggested_merge_is_confirmed_and_undone(person: Person, stored: psycopg.Connection[Any]) -> None:
    stored.execute("delete from ops.customer_merge_decisions where agency = 'acme'")
    refresh(stored, RuleSettings(), TODAY)
    person.opens("/acme/accounts")
    person.page.get_by_role("link", name="Merged customers", exact=True).click()
    person.reads("equal: name")
    person.presses("Confirm that Pat20 Many and Pat20 Many were merged")
    person.reads("Saved. The next sync acts on it.")
    person.reads("a user confirmed it")
    person.presses("Undo the decision about Pat20 Many and Pat20 Many")
    person.reads("equal: name")


def test_a_plan_is_reviewed_and_discarded(person: Person, stored: psycopg.Connection[Any]) -> None:
    make_plan(stored, AGENCY, RuleSettings(), NO_BRAKE, TODAY)
    person.opens("/acme/plan")
    person.reads("Apply exactly this plan")
    person.presses("Discard")
    person.reads("Discarded. The next sync plans again.")


def test_an_uncertain_write_is_resolved_after_a_look_at_what_to_look_for(
    person: Person, stored: psycopg.Connection[Any]
) -> None:
    again = (
        "update ops.writebacks set status = 'uncertain', target_id = null where agency = 'acme' and lane = 'uncertain'"
    )
    stored.execute(again)
    person.opens("/acme/writeback?status=uncertain")
    person.reads("Open customer c-1 in AMS360")
    person.types("Its id there, if you know it", "n-7")
    person.page.get_by_role("button", name="It is there", exact=False).first.click()
    person.reads("Resolved: delivered")
    person.opens("/acme/writeback?status=uncertain")
    person.reads("Nothing to show")
    person.opens("/acme/writeback?status=delivered")
    person.reads("n-7")
    stored.execute(again)


def test_the_log_and_the_activity_say_what_happened(person: Person) -> None:
    person.opens("/acme/log")
    person.reads("70 customers read")
    person.page.get_by_text("70 calls").first.click()
    person.reads("CustomerGetById 70")
    person.page.get_by_role("link", name="Notifications", exact=True).click()
    person.reads("as the test has it")
    person.opens("/acme/activity?user=everywhere")
    person.reads("suppress contact")
