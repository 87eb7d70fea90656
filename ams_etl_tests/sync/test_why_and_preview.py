"""Asking why, and asking what if: both by the very code that runs, and both write nothing."""

from datetime import date
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from ams_etl.cli.names import the_contact
from ams_etl.cli.preview import changed_settings
from ams_etl.errors import ConfigError
from ams_etl.rules.settings import ProspectsWithin, RuleSettings
from ams_etl.settings import Agency
from ams_etl.store.name_overrides import NameGiven, clear_name, list_names, set_name
from ams_etl.sync.contacts.preview import preview
from ams_etl.sync.contacts.why import why
from ams_etl_tests.sync.source_history import (
    AGENCY,
    Source,
    contact,
    customer,
    mart,
    policy,
    refresh,
    store_reference,
)

TODAY = date(2026, 6, 1)


@pytest.fixture
def agency(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """A merged contact, a nickname, a prospect, and somebody inactive."""
    store_reference(connection)
    source = Source()
    source.put(customer(1, FirstName="Jonathan (Jon)", LastName="Doe", Email="jd@x.com", City="Bath"))
    source.put(policy(1, 1, WritingCompanyCode="TRV"))
    source.put(customer(2, FirmName="Doe Plumbing LLC", IsCommercial=True, Email="JD@x.com"))
    source.put(contact(1, 2, ContactName="Poe, Kim"))
    source.put(customer(3, FirstName="Ann", LastName="Lee", Email="al@x.com"))
    source.put(customer(4, FirstName="Old", LastName="Friend", IsActive=False))
    source.store(connection)
    refresh(connection, RuleSettings(), TODAY)
    return connection


def told(
    connection: psycopg.Connection[Any], asked: str, settings: RuleSettings | None = None
) -> set[tuple[str, str, str]]:
    answers = why(connection, AGENCY, asked, settings or RuleSettings(), TODAY)
    return {
        (finding.field, finding.value, finding.rule)
        for answer in answers
        for finding in (*answer.contact, *answer.records)
    }


def test_every_value_of_a_contact_has_its_rule_and_source(agency: psycopg.Connection[Any]) -> None:
    """Asked by email, by number or by id, the answer is the same contact's."""
    by_email = told(agency, "JD@x.com")
    assert ("first_name", "Jon", "N1") in by_email
    assert ("last_name", "Doe", "N3") in by_email
    assert any(field == "tag" and value == "Client" for field, value, _ in by_email)
    assert any(field == "connection" and rule == "X1" for field, _, rule in by_email)
    found = agency.execute("select contact_id from mart.contact_emails where email = 'jd@x.com'").fetchone()
    assert found is not None
    assert told(agency, str(found[0])) == by_email
    assert ("first_name", "Jon", "N1") in told(agency, "1")


def test_a_customer_that_is_no_contact_has_its_reason(agency: psycopg.Connection[Any]) -> None:
    """Skipped is an answer, unknown is an error."""
    assert told(agency, "4") == {("skipped", "inactive", "L7")}
    with pytest.raises(ConfigError, match="999"):
        told(agency, "999")


@pytest.mark.parametrize(
    "changes",
    [
        ["prospects=none"],
        ["tags+=city", "tags-=carrier"],
        ["merge_by=source_id"],
        ["import_inactive=true", "prospects={within_days: 30}"],
        ["segments={exclude: [Commercial]}"],
    ],
)
def test_a_preview_counts_what_the_sync_then_does_and_writes_nothing(
    agency: psycopg.Connection[Any], changes: list[str]
) -> None:
    """Nothing of a preview is left behind, and it promised the truth."""
    settings = changed_settings(RuleSettings(), changes)
    before = mart(agency)
    found = preview(agency, AGENCY, settings, TODAY)
    assert mart(agency) == before
    again = refresh(agency, RuleSettings(), TODAY)
    assert (again.insert, again.update, again.delete) == (0, 0, 0)
    real = refresh(agency, settings, TODAY)
    assert (found.counts.insert, found.counts.update, found.counts.delete) == (real.insert, real.update, real.delete)
    assert real.insert + real.update + real.delete > 0


def test_settings_are_changed_as_written_or_refused() -> None:
    """KEY=VALUE, KEY+=ITEM, KEY-=ITEM; anything else gets a clear error."""
    changed = changed_settings(RuleSettings(), ["tags+=city", "tags-=carrier", "prospects={within_days: 9}"])
    assert changed.tags == ("line_of_business", "city")
    assert changed.prospects == ProspectsWithin(9)
    for wrong in ("prospect=none", "tags+=colour", "second_insured+=x", "merge_by=luck"):
        with pytest.raises(ConfigError):
            changed_settings(RuleSettings(), [wrong])


def test_a_name_that_a_person_gave_stays_until_it_is_cleared(agency: psycopg.Connection[Any]) -> None:
    """N12, by what `ams-etl names` calls."""
    contact_id = agency.execute("select contact_id from mart.contacts where nickname = 'Jon'").fetchone()[0]  # type: ignore[index]

    def first_name() -> Any:
        refresh(agency, RuleSettings(), TODAY)
        return agency.execute("select first_name from mart.contacts where contact_id = %s", (contact_id,)).fetchone()[0]  # type: ignore[index]

    derived = first_name()
    set_name(agency, AGENCY, NameGiven(contact_id, "Johnny", None, None, "me"))
    assert first_name() == "Johnny"
    assert [name.first_name for name in list_names(agency, AGENCY)] == ["Johnny"]
    assert clear_name(agency, AGENCY, contact_id)
    assert first_name() == derived
    with pytest.raises(ConfigError, match="has no contact"):
        set_name(agency, AGENCY, NameGiven(uuid4(), "Johnny", None, None, None))
    with pytest.raises(ConfigError, match="needs a first name"):
        set_name(agency, AGENCY, NameGiven(contact_id, None, None, None, None))


def test_a_contact_is_named_by_id_number_or_email(agency: psycopg.Connection[Any]) -> None:
    """As `ams-etl names set` takes it: also by the number of a customer that became part of the contact (M1)."""
    login = {"wsdl": "http://x/?wsdl", "agency_no": "1234567-1", "login_id": "etl", "password_env": "P"}
    chosen = Agency.model_validate({"id": AGENCY, "name": "Acme", "ams360": login})
    ((contact_id,),) = agency.execute("select contact_id from mart.contacts where nickname = 'Jon'").fetchall()
    for asked in (str(contact_id), "1", "2", "JD@x.com"):
        assert the_contact(agency, chosen, asked) == contact_id
    with pytest.raises(ConfigError, match="nobody@x"):
        the_contact(agency, chosen, "nobody@x.com")


def test_why_names_the_rule_of_the_value_beside_the_rule_of_the_choice(connection: psycopg.Connection[Any]) -> None:
    """M7 says which record's value was chosen; the name's own rule, N8 of a firm and the marked text say the rest."""
    store_reference(connection)
    source = Source()
    source.put(customer(1, FirstName="Jonathan (Jon)", LastName="Doe", Email="jd@example.com"))
    source.put(customer(2, FirstName="Jonathan", LastName="Doe", Email="jd@example.com"))
    source.put(customer(3, FirstName="Harold (Deceased)", LastName="Roe", Email="hr@example.com"))
    source.put(customer(4, FirmName="Poe Plumbing LLC", IsCommercial=True, Email="poe@example.com"))
    source.put(contact(1, 4, ContactName="Kim Poe", EmailAddress="poe@example.com"))
    source.store(connection)
    refresh(connection, RuleSettings(), TODAY)
    merged = {(field, rule) for field, _, rule in told(connection, "jd@example.com") if rule.startswith("M")}
    assert ("last_name", "M7, N3") in merged, merged
    suppressed = [
        finding
        for answer in why(connection, AGENCY, "3", RuleSettings(), TODAY)
        for finding in answer.records
        if finding.field == "suppressed_reason"
    ]
    assert [(entry.source_field, entry.source_value) for entry in suppressed] == [("FirstName", "Harold (Deceased)")]
    named = {rule for field, _, rule in told(connection, "4") if field == "first_name"}
    assert any("N8" in rule for rule in named), named
