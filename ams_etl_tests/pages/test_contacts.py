"""Contacts on the page: found by any part of what identifies them, explained, sent for, renamed and renamed back."""

from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from ams_etl.rules.settings import RuleSettings
from ams_etl_tests.pages.forms import column, form_of
from ams_etl_tests.pages.pages_process import TODAY, Visitor
from ams_etl_tests.sync.source_history import refresh


def contact_of(stored: psycopg.Connection[Any], email: str, agency: str = "acme") -> str:
    row = stored.execute(
        "select contact_id::text from mart.contacts where agency = %s and email = %s", (agency, email)
    ).fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("doe", {"jd@example.com", "jo@example.com"}), ("OE", {"jd@example.com", "jo@example.com"}),
        ("jd@ex", {"jd@example.com"}), ("ink & s", {"ink@example.com"}),
        ("3", {f"pat{one}@example.com" for one in range(10, 75) if "3" in str(one)}),

        ("%", set()), ("_", set()), ("pat1_", set()), ("\\", set()), ("nobody here", set()),
    ],
)  # fmt: skip
def test_a_search_finds_any_part_and_takes_nothing_for_a_wildcard(viewer: Visitor, asked: str, found: set[str]) -> None:
    assert set(column(viewer.page(f"/acme/contacts?q={quote(asked)}"), "Email")) == found


def test_pages_of_the_list_hold_every_contact_once_in_order(viewer: Visitor, stored: psycopg.Connection[Any]) -> None:
    """Whatever the sort; the CSV holds the same."""
    total = stored.execute("select count(*) from mart.contacts where agency = 'acme'").fetchone()
    for sort in ("name", "-email", "status", "-updated_at"):
        ids = [
            one
            for page in (1, 2, 3)
            for one in column(viewer.page(f"/acme/contacts?sort={sort}&page={page}"), "Contact id")
        ]
        assert (len(ids), len(set(ids))) == (total[0], total[0]) if total else False
        csv = viewer.page(f"/acme/contacts?sort={sort}&format=csv").splitlines()
        assert [line.rsplit(",", 1)[1] for line in csv[1:]] == ids
    assert column(viewer.page("/acme/contacts?page=99999"), "Name") == []
    assert len(column(viewer.page("/acme/contacts?page=-1&sort=agency;&status=x"), "Name")) == 50


def test_who_would_send_with_the_fallback_said(viewer: Visitor, stored: psycopg.Connection[Any]) -> None:
    stored.execute("delete from ops.user_mappings where agency = 'acme'")
    stored.execute("insert into ops.user_mappings values ('acme', 'Representative', 'R<1', 'u-rob', 'Rob Rep')")
    refresh(stored, RuleSettings(), TODAY)
    address = f"/acme/contacts/{contact_of(stored, 'jd@example.com')}"
    assert "<strong>Rob Rep</strong> would send" in viewer.page(f"{address}?sender=Representative")
    fallback = viewer.page(f"{address}?sender=Executive")
    assert "<strong>Rob Rep</strong> would send" in fallback
    assert "There is no connection type that matches Executive: the sender defaults to Contact Owner." in fallback
    firm = viewer.page(f"/acme/contacts/{contact_of(stored, 'ink@example.com')}?sender=nonsense")
    assert "<strong>Nobody</strong> would send" in firm


def test_a_contact_is_explained_and_what_the_source_says_is_text(
    viewer: Visitor, stored: psycopg.Connection[Any]
) -> None:
    page = viewer.page(f"/acme/contacts/{contact_of(stored, 'jd@example.com')}")
    assert "Jonathan (Jon)" in page
    assert "N1" in page
    assert "Renewal" in page
    firm = viewer.page(f"/acme/contacts/{contact_of(stored, 'ink@example.com')}")
    assert "<b>Ink" not in firm
    assert "&lt;b&gt;Ink" in firm


def test_why_answers_by_number_email_and_for_a_customer_without_a_contact(
    viewer: Visitor, stored: psycopg.Connection[Any]
) -> None:
    """One contact leads to its page; what is no contact is explained; nonsense is answered in words."""
    contact_id = contact_of(stored, "ink@example.com")
    assert viewer.get("/acme/why?q=ink@example.com").headers["location"] == f"/acme/contacts/{contact_id}#why"
    assert "inactive" in viewer.page("/acme/why?q=4")
    for asked in ("nobody@example.com", "²", "9" * 40, "x"):
        assert "has no contact, customer or email" in viewer.page(f"/acme/why?q={quote(asked)}")


def test_a_rename_is_published_undone_and_never_overwrites_anothers(
    operator: Visitor, admin: Visitor, stored: psycopg.Connection[Any]
) -> None:
    contact_id = contact_of(stored, "pat10@example.com")
    address = f"/acme/contacts/{contact_id}"
    first = form_of(operator.page(address), f"{address}/name")
    second = form_of(admin.page(address), f"{address}/name")
    assert operator.post(first.action, {**first.values, "first_name": "Patricia"}).status_code == 303
    refused = admin.post(second.action, {**second.values, "first_name": "Patrick"})
    assert refused.status_code == 409
    assert "Patricia" in refused.text
    refresh(stored, RuleSettings(), TODAY)
    page = operator.page(address)
    assert "<h1>Patricia Many</h1>" in page
    assert "first name: Pat10 → Patricia" in page, "the history has it"
    undo = form_of(page, f"{address}/name/undo")
    assert operator.post(undo.action, undo.values).status_code == 303
    refresh(stored, RuleSettings(), TODAY)
    assert "<h1>Pat10 Many</h1>" in operator.page(address)
    acts = stored.execute("select act from ops.page_acts where subject = %s order by act_id", (contact_id,)).fetchall()
    assert acts == [("rename_contact",), ("undo_rename",)]


def test_another_agencys_contact_is_not_here(operator: Visitor, stored: psycopg.Connection[Any]) -> None:
    theirs = contact_of(stored, "jd@example.com", "other")
    assert operator.get(f"/acme/contacts/{theirs}").status_code == 404
    assert operator.post(f"/acme/contacts/{theirs}/name", {"first_name": "X"}).status_code == 422
    assert stored.execute("select count(*) from ops.name_overrides where contact_id = %s", (theirs,)).fetchone() == (0,)
