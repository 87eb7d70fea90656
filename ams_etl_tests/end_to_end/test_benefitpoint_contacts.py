"""Accounts of BenefitPoint as contacts, before and after AMS360 has them (B10, B11), with both sandboxes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from ams_etl.rules.settings import RuleSettings
from ams_etl.store.name_overrides import NameGiven, set_name
from ams_etl.sync.contacts.quality import crosswalk_of
from ams_etl.sync.contacts.why import why
from ams_etl_tests.end_to_end.benefitpoint_agency import TODAY, Agency, running_agency


@pytest.fixture
def agency(connection: psycopg.Connection[Any]) -> Iterator[Agency]:
    with running_agency(connection) as made:
        yield made


def contact_of(agency: Agency, system: str, entity: str, key: str | int) -> Any:
    """Id and values of the contact that a record is part of."""
    found = agency.rows(
        """select contact_id, first_name, last_name, email, city from mart.contacts join mart.contact_sources
            using (agency, contact_id) where (system, entity, entity_id) = (%s, %s, %s)""",
        system, entity, str(key),
    )  # fmt: skip
    return found[0] if found else None


def no_record_is_lost(agency: Agency) -> bool:
    """Every live record of both systems is reported exactly once."""
    rows = agency.rows(crosswalk_of("demo", agency.rules))
    return bool(rows) and {entry for _, entry in rows} == {1}


def test_an_account_that_benefitpoint_alone_knows_is_a_contact(agency: Agency) -> None:
    """By the rules of every other customer; `why` takes its number, and nothing of it is lost on the way."""
    key = agency.new_account()
    agency.daily_sync()
    contact_id, *values = contact_of(agency, "benefitpoint", "account", key)
    assert values == ["Nora", "Quist", "other@example.org", None]
    assert agency.rows(
        "select tag from mart.contact_tags where contact_id = %s and category = 'default' order by 1", contact_id
    ) == [("BenefitPoint",), ("Personal",), ("Personal Prospect",)]
    # The primary contact of the same name fills its gaps.
    assert agency.rows(
        "select reason from mart.skipped_contacts where entity = 'account_contact' and customer_id = %s", str(key)
    ) == [("gap_filler",)]
    answer, filler = why(agency.connection, "demo", str(key), agency.rules, TODAY)
    assert (answer.contact_id, [record.value for record in filler.records]) == (contact_id, ["gap_filler"])
    assert ("first_name", "Nora", "personInfo.firstName") in {
        (record.field, record.value, record.source_field) for record in answer.records
    }
    assert no_record_is_lost(agency)


def test_when_the_link_appears_the_contact_keeps_its_id_and_ams360_gives_the_values(agency: Agency) -> None:
    """With the name that the platform gave it; what is edited in BenefitPoint afterwards stays there."""
    key = agency.new_account()
    agency.daily_sync()
    contact_id = contact_of(agency, "benefitpoint", "account", key)[0]
    customer_id = agency.new_customer()
    agency.hear_of(customer_id)
    assert contact_of(agency, "ams360", "customer", customer_id)[0] != contact_id
    agency.sandbox.benefitpoint.edit(
        "accounts",
        "update",
        key,
        individualAccountInfo={"accountIntegrationInfo": {"amsCustomerId": customer_id.upper()}},
    )
    agency.daily_sync()
    linked = (contact_id, "Nora", "Quist", "nora@example.org", "Tampa")
    assert contact_of(agency, "ams360", "customer", customer_id) == linked
    assert contact_of(agency, "benefitpoint", "account", key) == linked
    assert agency.rows("select count(*) from mart.contacts where last_name = 'Quist'") == [(1,)]
    set_name(agency.connection, "demo", NameGiven(contact_id, "Norma", None, None, "ann"))
    agency.sandbox.benefitpoint.edit(
        "accounts", "update", key,
        individualAccountInfo={"personInfo": {"firstName": "X", "lastName": "Y"}, "email": "x@example.org"}, active=False,
    )  # fmt: skip
    agency.daily_sync()
    assert contact_of(agency, "ams360", "customer", customer_id) == (contact_id, "Norma", *linked[2:])
    # AMS360 gives it up: BenefitPoint alone has it again, and it is still the same contact.
    agency.sandbox.benefitpoint.edit("accounts", "update", key, active=True)
    agency.sandbox.edit("customers", "delete", customer_id)
    agency.hear_of(customer_id)
    agency.daily_sync()
    assert contact_of(agency, "benefitpoint", "account", key) == (contact_id, "Norma", "Y", "x@example.org", None)
    assert no_record_is_lost(agency)


def test_an_agency_that_does_not_want_them_has_none(agency: Agency) -> None:
    """Switched off, they go; switched on, they are there again under the same ids."""
    before = agency.rows("select contact_id, system, entity_id from mart.contact_sources order by 1, 2, 3")
    of_both = [replace(agency, rules=RuleSettings()), agency]
    of_both[0].publish()
    assert agency.rows("select count(*) from mart.contact_sources where system = 'benefitpoint'") == [(0,)]
    assert agency.rows("select count(*) from mart.skipped_contacts where system = 'benefitpoint'") == [(0,)]
    of_both[1].publish()
    assert agency.rows("select contact_id, system, entity_id from mart.contact_sources order by 1, 2, 3") == before
    assert {row[1] for row in before} == {"ams360", "benefitpoint"}
