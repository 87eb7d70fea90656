"""What another value of a setting would do: counts, kinds and examples as tables, at an address to send to somebody."""

import time
from typing import Any

import lxml.html
import psycopg

from ams_etl_tests.pages.forms import form_of
from ams_etl_tests.pages.pages_process import Site, Visitor, what_if


def tables_of(page: str) -> dict[str, list[list[str]]]:
    """Return each table's rows by the label of its region."""
    return {
        region.get("aria-label"): [
            [" ".join(" ".join(cell.itertext()).split()) for cell in row.findall("td")]
            for row in region.xpath(".//tbody/tr")
        ]
        for region in lxml.html.fromstring(page).xpath("//div[@role='region']")
    }


def test_an_operator_tries_a_value_and_sends_the_result_to_others(site: Site, stored: psycopg.Connection[Any]) -> None:
    """By the page's own process from the form to the tables; another agency's people do not find it."""
    stranger = site.visitor(stored, "stranger")
    form = form_of(stranger.page("/other/settings?key=import_inactive&value=true"), "/other/settings/preview")
    answer = stranger.post(form.action, {**form.values, "key": "import_inactive", "value": "true"})
    assert answer.status_code == 303, answer.text
    address = answer.headers["location"]
    while "What if" not in (page := stranger.page(address)):
        assert "It failed" not in page, page
        time.sleep(0.2)
    tables = tables_of(page)
    assert ["Ida Idle", "", "ida@example.com"] in [row[:3] for row in tables["Contacts that would appear"]]
    assert "new contact" in [row[0] for row in tables["Kinds of change"]]
    assert ["1", "no longer skipped", "inactive. It is inactive in AMS360.", "L7"] in tables["Skipped records"]
    assert "<code>false</code>" in page, "the value that agencies.yaml has"
    assert "settings: {import_inactive: true}" in page
    assert f'href="{address}"' in stranger.page("/other/settings")
    viewer = site.visitor(stored, "viewer")
    assert {viewer.get(address.replace("/other/", f"/{agency}/")).status_code for agency in ("other", "acme")} == {404}


def test_what_would_change_is_said_of_people_by_name(
    quiet: Site, viewer: Visitor, stored: psycopg.Connection[Any]
) -> None:
    """From what to what and by which rule, owners by their user's name; each kind of change once with its count."""
    stored.execute("delete from ops.user_mappings where agency = 'acme'")
    stored.execute("insert into ops.user_mappings values ('acme', 'Executive', 'E 1', 'u-eve', 'Eve Exec')")
    tables = tables_of(viewer.page(f"/acme/jobs/{what_if(quiet, stored, 'tags', '[city]')}"))
    kinds = {row[0]: row[1:] for row in tables["Kinds of change"]}
    assert kinds["tag added: Ätna"] == ["1", "Ines Ink, <b>Ink & Sons</b>, ink@example.com"]
    changes = {row[0]: row[1:] for row in tables["Contacts that would change"]}
    company, email, changed = changes["Ines Ink"]
    assert (company, email) == ("<b>Ink & Sons</b>", "ink@example.com")
    for text in ("owner user id: nobody → Eve Exec (u-eve) (O", "tags: nothing → Ätna (T"):
        assert text in changed, changed
    assert {"Jon Doe", "Johanna Doe"} & changes.keys(), "an example of each kind, not five of the most frequent one"
    gone = tables_of(viewer.page(f"/acme/jobs/{what_if(quiet, stored, 'prospects', 'none')}"))
    assert len(gone["Contacts that would disappear"]) == 5
    disappeared = next(row for row in gone["Kinds of change"] if row[0] == "contact deleted")
    assert ["status", "prospect", disappeared[1], "0"] in gone["Contacts before and after"]
    skipped = [row[1:] for row in gone["Skipped records"]]
    assert ["skipped from now on", "prospect. It is a prospect: it has no active policy.", "L6"] in skipped, skipped
