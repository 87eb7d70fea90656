"""Why the contacts of BenefitPoint's accounts, and of QQ Catalyst, are as they are."""

from datetime import date
from typing import Any

from ams_etl.rules.model import Finding, Joined
from ams_etl.rules.records.ams360 import Reference
from ams_etl.rules.settings import RuleSettings
from ams_etl.rules.systems import qq_catalyst
from ams_etl.rules.systems.benefitpoint import AccountBundle, explain, joined

NAMES = Reference({}, {}, {}, {}, {}, {}, {})
TODAY = date(2026, 6, 1)
PEOPLE = ({"contact": {"contactID": 50, "firstName": "Jane", "lastName": "Roe"}, "accountID": 5, "primary": True},)


def explained(account: dict[str, Any], linked_to: str | None = None) -> tuple[Finding, ...]:
    bundle = AccountBundle({"accountID": 5, "active": True, **account}, PEOPLE, (), linked_to)
    return explain(bundle, NAMES, RuleSettings(), TODAY)


def test_an_account_that_ams360_has() -> None:
    """B11: it and its people go with the customer that it is linked to."""
    account = {"accountClassification": "Group", "groupAccountInfo": {"accountName": "Acme"}}
    assert explained(account, "c-1") == (
        Finding("account", "5", "linked", "c-1", "B11", "account", "5", "links"),
        Finding("account_contact", "50", "linked", "c-1", "B11", "account", "5", "links"),
    )


def test_an_account_that_sells() -> None:
    """B10: an agency and its people are no customers, and its classification says so."""
    assert explained({"accountClassification": "Agency"}) == (
        Finding("account", "5", "skipped", "not_a_customer", "B10", "account", "5", "accountClassification"),
        Finding("account_contact", "50", "skipped", "not_a_customer", "B10", "account", "5", "accountClassification"),
    )


def test_an_account_of_benefitpoint_alone() -> None:
    """B10: each value names its rule and the member of BenefitPoint that it was read from."""
    found = explained({"accountClassification": "Group", "groupAccountInfo": {"accountName": "Acme"}})
    values = {(finding.field, finding.value): (finding.rule, finding.source_field) for finding in found}
    assert values["first_name", "Jane"] == ("N8, N2", "contact.firstName, contact.lastName")
    assert values["company_name", "Acme"] == ("C8", "accountName")
    assert values["tag", "BenefitPoint"] == ("T1", "accountID")
    assert {finding.source_entity for finding in found} <= {"account", "account_contact"}


def test_a_linked_account_goes_with_its_customer() -> None:
    """B11: the account, and each of its people with whoever has the person's email."""
    people = ({"contact": {"contactID": 50, "email": "Jane@X.com"}}, {"contact": {"contactID": 51}})
    account = {
        "accountID": 5, "accountClassification": "Individual",
        "individualAccountInfo": {"dependents": [{"dependentID": 3, "personInfo": {"firstName": "Di", "lastName": "Oz"}}]},
    }  # fmt: skip
    dependents = [
        each for each in joined(AccountBundle(account, (), (), "c-1")).candidates if each.role == "second_insured"
    ]
    assert [(each.entity, each.entity_id, each.joined and each.joined.customer_id) for each in dependents] == [
        ("account_dependent", "3", "c-1")
    ]
    found = joined(AccountBundle({"accountID": 5}, people, (), "c-1")).candidates
    assert [(candidate.entity_id, candidate.joined) for candidate in found] == [
        ("5", Joined("c-1")),
        ("50", Joined("c-1", "jane@x.com")),
        ("51", Joined("c-1")),
    ]


def test_a_contact_of_qq_catalyst_that_sells() -> None:
    """A3: a vendor is no customer; a customer has findings of each value."""
    vendor = {"EntityID": 5, "ContactSubType": "V", "FirstName": "Ann", "LastName": "Doe"}
    skipped = Finding("contact", "5", "skipped", "not_a_customer", "A3", "contact", "5", "ContactSubType")
    assert qq_catalyst.explain(vendor, {}, (), RuleSettings(), TODAY) == (skipped,)
    found = qq_catalyst.explain({**vendor, "ContactSubType": "C"}, {}, (), RuleSettings(), TODAY)
    assert {(finding.field, finding.value) for finding in found} >= {("first_name", "Ann"), ("last_name", "Doe")}
