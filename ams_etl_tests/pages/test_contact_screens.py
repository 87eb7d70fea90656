"""Contacts on the page: found by any part of what identifies them, explained, sent for, renamed and renamed back."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from ams_etl.rules.contacts.reasons import REASONS
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.sending.consents import Consent, store_consents
from ams_etl_tests.pages.forms import column, form_of
from ams_etl_tests.pages.pages_process import TODAY, Visitor
from ams_etl_tests.sync.source_history import Source, customer, mart, rebuilt, refresh


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
        ("3", {f"pat{number}@example.com" for number in range(10, 75) if "3" in str(number)}),

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
            entry
            for page in (1, 2, 3)
            for entry in column(viewer.page(f"/acme/contacts?sort={sort}&page={page}"), "Contact id")
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
    assert REASONS["inactive"].sentence in viewer.page("/acme/why?q=4")
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


def test_a_suppressed_contact_stays_so_through_syncs_and_a_rebuild_until_released(
    operator: Visitor, admin: Visitor, stored: psycopg.Connection[Any]
) -> None:
    """`mart.may_send` knows it at once, the mart and the feed with the next sync; a stale form decides nothing."""
    contact_id = contact_of(stored, "pat12@example.com")
    address = f"/acme/contacts/{contact_id}"
    first = form_of(operator.page(address), f"{address}/suppress")
    second = form_of(admin.page(address), f"{address}/suppress")
    assert may_send(stored, contact_id)
    assert operator.post(first.action, {**first.values, "reason": "asked by phone"}).status_code == 303
    assert not may_send(stored, contact_id)
    assert admin.post(second.action, second.values).status_code == 409
    assert "suppressed it by hand" in admin.page(address)
    assert "is not published yet" in admin.page(address)
    refresh(stored, RuleSettings(), TODAY)
    assert reason_of(stored, contact_id) == "by_hand"
    page = operator.page(address)
    assert "asked by phone" in page
    assert "is not published yet" not in page
    assert "suppressed reason: nothing → by_hand" in page, "the history has it"
    assert "N17" in page, "so has why"
    ours = [row for row in mart(stored)["contacts"] if '"agency": "acme"' in row]
    assert rebuilt(stored, RuleSettings(), TODAY)["contacts"] == ours, "incremental equals full"
    undo = form_of(admin.page(address), f"{address}/release")
    assert admin.post(undo.action, {**undo.values, "had": ""}).status_code == 409
    assert admin.post(undo.action, undo.values).status_code == 303
    assert may_send(stored, contact_id) is False, "the mart still has the reason"
    refresh(stored, RuleSettings(), TODAY)
    assert (reason_of(stored, contact_id), may_send(stored, contact_id)) == (None, True)
    acts = stored.execute(
        "select act, user_name from ops.page_acts where subject = %s order by act_id", (contact_id,)
    ).fetchall()
    assert acts == [("suppress_contact", "operator"), ("release_contact", "admin")]


def test_a_mark_or_a_refusal_is_not_released_and_its_source_is_said(
    operator: Visitor, stored: psycopg.Connection[Any]
) -> None:
    source = Source()
    source.put(customer(93, FirstName="Harold (Deceased)", LastName="Gone", Email="harold@example.com"))
    source.store(stored)
    refresh(stored, RuleSettings(), TODAY)
    marked = contact_of(stored, "harold@example.com")
    page = operator.page(f"/acme/contacts/{marked}")
    assert "deceased, by a mark in its source" in page
    refused = operator.post(f"/acme/contacts/{marked}/release")
    assert refused.status_code == 422
    assert "FirstName “Harold (Deceased)”" in refused.text
    contact_id = contact_of(stored, "pat13@example.com")
    for source_name in ("platform", "import"):
        answer = Consent(
            "email", "pat13@example.com", "no", datetime(2026, 5, 3, tzinfo=UTC), f"proof of {source_name}"
        )
        store_consents(stored, "acme", source_name, [answer])
    refused = operator.post(f"/acme/contacts/{contact_id}/release")
    assert refused.status_code == 422
    assert "an imported list: proof of import on 2026-05-03; the platform: proof of platform" in refused.text
    channel = {"channel": "email", "address": "pat13@example.com"}
    refused = operator.post(f"/acme/contacts/{contact_id}/consent", {**channel, "answer": "yes"})
    assert refused.status_code == 422
    assert "Only who refused can take it back" in refused.text


def test_an_address_is_refused_for_one_channel_and_released(operator: Visitor, stored: psycopg.Connection[Any]) -> None:
    contact_id = contact_of(stored, "pat14@example.com")
    address = f"/acme/contacts/{contact_id}"
    form = form_of(operator.page(address), f"{address}/consent", channel="email")
    assert operator.post(form.action, {**form.values, "answer": "no"}).status_code == 303
    assert not may_send(stored, contact_id)
    assert operator.post(form.action, {**form.values, "answer": "no"}).status_code == 409
    assert "this page: operator" in operator.page(address)
    assert operator.post(form.action, {**form.values, "answer": "yes"}).status_code == 303
    assert may_send(stored, contact_id)
    assert operator.post(form.action, {**form.values, "address": "else@example.com"}).status_code == 409


def test_a_contact_that_became_part_of_another_leads_there(viewer: Visitor, stored: psycopg.Connection[Any]) -> None:
    source = Source()
    source.put(customer(91, FirstName="Mia", LastName="Merge", Email="mia@example.com"))
    source.put(customer(92, FirstName="Mia", LastName="Merge", Email="mia2@example.com"))
    source.store(stored)
    refresh(stored, RuleSettings(), TODAY)
    was = [contact_of(stored, email) for email in ("mia@example.com", "mia2@example.com")]
    source.put(customer(92, FirstName="Mia", LastName="Merge", Email="mia@example.com"))
    source.store(stored)
    refresh(stored, RuleSettings(), TODAY)
    left = contact_of(stored, "mia@example.com")
    (gone,) = set(was) - {left}
    assert viewer.get(f"/acme/contacts/{gone}").headers["location"] == f"/acme/contacts/{left}"
    assert "The contact that you asked for became part of this one." in viewer.page(f"/acme/contacts/{left}")


def may_send(stored: psycopg.Connection[Any], contact_id: str) -> bool:
    ((answer,),) = stored.execute("select mart.may_send(%s, 'email')", (contact_id,)).fetchall()
    return bool(answer)


def reason_of(stored: psycopg.Connection[Any], contact_id: str) -> str | None:
    ((reason,),) = stored.execute(
        "select suppressed_reason from mart.contacts where contact_id = %s", (contact_id,)
    ).fetchall()
    return reason  # type: ignore[no-any-return]


def test_another_agencys_contact_is_not_here(operator: Visitor, stored: psycopg.Connection[Any]) -> None:
    theirs = contact_of(stored, "jd@example.com", "other")
    assert operator.get(f"/acme/contacts/{theirs}").status_code == 404
    assert operator.post(f"/acme/contacts/{theirs}/name", {"first_name": "X"}).status_code == 422
    assert stored.execute("select count(*) from ops.name_overrides where contact_id = %s", (theirs,)).fetchone() == (0,)
