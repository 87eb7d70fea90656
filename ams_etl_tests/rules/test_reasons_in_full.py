"""The rule or reason that a tag, a mark and a skipped record name, to the letter: settings and pages look them up."""

from dataclasses import replace
from datetime import date

import pytest

from ams_etl.rules.contacts.candidates import derive
from ams_etl.rules.contacts.explain import explain
from ams_etl.rules.contacts.reasons import reason_for
from ams_etl.rules.names.fields import _tidy
from ams_etl.rules.names.marks import mark_in
from ams_etl.rules.records.ams360 import FORGOTTEN, Customer, CustomerBundle, CustomerContact, Employee, Reference
from ams_etl.rules.settings import RuleSettings

TODAY = date(2026, 6, 1)
REFERENCE = Reference({"E1": Employee("E1", "Eve Exe", "EVE")}, {}, {}, {}, {}, {}, {})
ANN = {
    "CustomerId": "a",
    "CustomerNumber": 1,
    "IsPersonal": True,
    "IsActive": True,
    "FirstName": "Ann",
    "LastName": "Vale",
}


@pytest.mark.parametrize(
    ("content", "flag"),
    [("see file", "note"), ("call office", "note"), ("in Reno", "note"), ("old account", "note"),
     ("no longer with Acme", "former"), ("left in May", "former")],
)  # fmt: skip
def test_what_a_remark_in_parentheses_says(content: str, flag: str) -> None:
    """A note says nothing about the person; `no longer` does."""
    assert mark_in(content, {}) == flag


def test_a_tag_of_ownership_names_its_rule() -> None:
    bundle = CustomerBundle(Customer.from_payload({**ANN, "AccountExecCode": "E1"}))
    settings = replace(RuleSettings(), ownership_tags=("executive",))
    found = [each for each in explain(bundle, REFERENCE, settings, TODAY) if each.source_field == "AccountExecCode"]
    assert ("tag", "T3", "E1") in {(each.field, each.rule, each.source_value) for each in found}


def test_a_forgotten_customer_is_skipped_for_a_reason_that_pages_know() -> None:
    skips = derive(
        CustomerBundle(Customer.from_payload({**ANN, FORGOTTEN: True})), REFERENCE, RuleSettings(), TODAY
    ).skips
    assert [(skip.reason, skip.rule) for skip in skips if skip.entity == "customer"] == [("forgotten", "Q3")]
    assert reason_for("forgotten").sentence


@pytest.mark.parametrize("name", ["Ann", "Ann - and &", "&, &, Ann", "Ann - and and-"])
def test_words_and_signs_at_the_ends_go_in_any_number(name: str) -> None:
    assert _tidy(name) == "Ann"


@pytest.mark.parametrize(("name", "rule"), [("Vale, Ann", "N11"), ("Ann Vale", "N3")])
def test_a_family_name_before_a_comma_has_a_rule_of_its_own(name: str, rule: str) -> None:
    firm = {"CustomerId": "f", "CustomerNumber": 2, "IsCommercial": True, "IsActive": True, "FirmName": "Acme LLC"}
    contact = {"CustomerContactId": "k", "ContactName": name, "EmailAddress": "ann@x.com"}
    bundle = CustomerBundle(Customer.from_payload(firm), (CustomerContact.from_payload(contact),))
    found = explain(bundle, REFERENCE, RuleSettings(), TODAY)
    assert {(each.value, each.rule) for each in found if each.field == "last_name"} == {("Vale", f"N8, {rule}")}
