"""What `why` says of whole records and contacts, by example: each value with its rule and the member it was read from."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml

from ams_etl.rules.contacts.candidates import derive
from ams_etl.rules.contacts.explain import explain, explain_contact
from ams_etl.rules.contacts.merging import Predecessor
from ams_etl.rules.contacts.naming import is_same_person
from ams_etl.rules.model import Candidate, Finding, NameOverride
from ams_etl.rules.records.ams360 import (
    Customer,
    CustomerBundle,
    CustomerContact,
    CustomerDependent,
    Employee,
    Policy,
    Reference,
)
from ams_etl.rules.settings import Ownership, RuleSettings

SETTINGS = RuleSettings()
EXPECTED = yaml.safe_load((Path(__file__).parent / "cases" / "explained" / "findings.yaml").read_text("utf-8"))
FIRM = CustomerBundle(
    Customer.from_payload(
        {
            "CustomerId": "f", "CustomerNumber": 1, "IsCommercial": True, "IsActive": True, "FirmName": "Acme LLC", "Email": "n/a",
            "AccountExecCode": "E 1", "AccountRepCode": "R", "BusinessAreaCode": "217", "BusinessPhone": "5550101",
            "BusinessExtension": "7", "GLBranchCode": "B",
        }
    ),
    (
        CustomerContact.from_payload(
            {"CustomerContactId": "k1", "ContactName": "Ann Lisle (VIP)", "EmailAddress": "ann@x.com", "SortOrder": 1,
             "Address1": "1 Main St", "City": "Reno", "State": "NV", "Zip": "89501"}
        ),
        CustomerContact.from_payload(
            {"CustomerContactId": "k2", "ContactName": "Bo Ray (Deceased)", "MobileAreaCode": "217", "MobilePhone": "555-0102",
             "SortOrder": 2}
        ),
        CustomerContact.from_payload(
            {"CustomerContactId": "k3", "EmailAddress": "DO NOT EMAIL cy@x.com; test@x.com", "SortOrder": 3}
        ),
    ),
    (),
    (
        Policy.from_payload(
            {"PolicyId": "p1", "PolicyStatus": "A", "PolicyEffectiveDate": "2026-01-01", "PolicyExpirationDate": "2027-01-01",
             "LineOfBusinessList": [{"PolicyLineOfBusiness": "GL"}], "WritingCompanyCode": "TRV"}
        ),
    ),
)  # fmt: skip
HOUSEHOLD = CustomerBundle(
    Customer.from_payload(
        {
            "CustomerId": "h", "CustomerNumber": 2, "IsPersonal": True, "IsActive": True, "FirstName": "Tom (Tommy)",
            "LastName": "Vale", "MiddleName": "Lee", "InformalSalutation": "Tom and Sue (Deceased)", "DateOfBirth": "1980-05-06",
            "AddressLine1": "2 Elm St", "City": "Ely", "CellAreaCode": "217", "CellPhone": "5550103",
        }
    ),
    (CustomerContact.from_payload({"CustomerContactId": "k4", "ContactName": "Di Vale", "EmailAddress": "di@x.com"}),),
    (
        CustomerDependent.from_payload(
            {"DependentId": "d1", "Relationship": "Spouse", "FirstName": "Di", "DOB": "1981-01-02", "Email": "d@x.com"}
        ),
        CustomerDependent.from_payload({"DependentId": "d2", "Relationship": "Child", "FirstName": "Ed"}),
    ),
)  # fmt: skip
NAMELESS = CustomerBundle(
    Customer.from_payload(
        {"CustomerId": "n", "CustomerNumber": 3, "IsPersonal": True, "IsActive": True, "Email": "only@x.com"}
    )
)
REFERENCE = Reference(
    {"E 1": Employee("E 1", "Eve Exe", "EVE")}, {"TRV": "Travelers"}, {"GL": "Liability"}, {"B": "North"}, {}, {}, {}
)
TODAY = date(2026, 6, 1)


def explained(bundle: CustomerBundle) -> list[str]:
    return list(map(line, explain(bundle, REFERENCE, SETTINGS, TODAY)))


def line(finding: Finding) -> str:
    source = f"{finding.source_entity} {finding.source_entity_id}.{finding.source_field}"
    read = "" if finding.source_value is None else f" {finding.source_value!r}"
    return f"{finding.entity_id} {finding.field}={finding.value} [{finding.rule}] {source}{read}"


def merged(
    *people: Mapping[str, object],
    refused: frozenset[str] = frozenset(),
    over_shared: frozenset[str] = frozenset(),
    override: NameOverride | None = None,
    gone: Mapping[str, object] | None = None,
) -> list[str]:
    """The findings of the contact that personal customers `c0`, `c1`, ... make together."""
    candidates = [_candidate(number, person) for number, person in enumerate(people)]
    key = ("ams360", "customer", "c0")
    predecessors = {key: [Predecessor(_candidate(9, gone))]} if gone else {}
    found = explain_contact(
        candidates,
        replace(SETTINGS, ownership=Ownership("executive", "executive")),
        {("Executive", "E 1"): "eve"},
        {key: override} if override else {},
        refused,
        over_shared,
        predecessors,
    )
    return list(map(line, found))


def _candidate(number: int, person: Mapping[str, object]) -> Candidate:
    payload = {"CustomerId": f"c{number}", "CustomerNumber": number, "IsPersonal": True, "IsActive": True, **person}
    (candidate,) = derive(CustomerBundle(Customer.from_payload(payload)), REFERENCE, SETTINGS, TODAY).candidates
    return candidate


TOM = {
    "FirstName": "Tom",
    "LastName": "Vale",
    "Email": "v@x.com",
    "DateOfBirth": "1980-05-06",
    "AccountExecCode": "E 1",
}
SUE = {"FirstName": "Sue", "LastName": "Vale", "Email": "v@x.com", "CellPhone": "2175550103", "City": "Ely"}


@pytest.mark.parametrize(
    ("name", "bundle"), [("a firm", FIRM), ("a household", HOUSEHOLD), ("an email alone", NAMELESS)]
)
def test_the_findings_of_a_customer(name: str, bundle: CustomerBundle) -> None:
    """Q3: each value, mark and skip, in the order in which it is shown."""
    assert explained(bundle) == EXPECTED[name]


@pytest.mark.parametrize(
    ("name", "found_in"),
    [
        ("a couple", lambda: merged(TOM, SUE)),
        ("a couple, named in the platform", lambda: merged(TOM, SUE, override=NameOverride("Tommy", None, None))),
        ("one of them is dead", lambda: merged({**TOM, "FirstName": "Tom (Deceased)"}, SUE)),
        (
            "both are dead",
            lambda: merged({**TOM, "FirstName": "Tom (Deceased)"}, {**SUE, "FirstName": "Sue (Deceased)"}),
        ),
        ("one of them refuses", lambda: merged(TOM, {**SUE, "LastName": "Vale (DO NOT CONTACT)"})),
        ("somebody else refuses the address", lambda: merged(TOM, refused=frozenset({"v@x.com"}))),
        ("an address of too many", lambda: merged(TOM, over_shared=frozenset({"v@x.com"}))),
        ("a record that goes on as one of two", lambda: merged(TOM, SUE, gone={**SUE, "FirstName": "Sue (Deceased)"})),
        ("a record that goes on", lambda: merged(TOM, gone={**SUE, "LastName": "Vale (DO NOT CONTACT)"})),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_findings_of_a_contact(name: str, found_in: Callable[[], list[str]]) -> None:
    """M2, M6, M8, M9, N12: which member each value came from, and what suppresses or names the contact."""
    assert found_in() == EXPECTED[name]


def test_the_last_name_of_a_record_that_only_its_firm_names() -> None:
    """N9: it was read from FirmName."""
    person = {
        "CustomerId": "x", "CustomerNumber": 4, "IsPersonal": True, "IsActive": True, "FirmName": "John Doen", "Email": "j@x.com",
    }  # fmt: skip
    found = explained(CustomerBundle(Customer.from_payload(person)))
    assert "x last_name=Doen [N9] customer x.FirmName 'John Doen'" in found


@pytest.mark.parametrize(
    ("short", "long", "same"),
    [("Jon", "Jonathan", True), ("J", "Joseph", True), ("Jo", "Joseph", False), ("Joseph", "Josephine", False)],
)
def test_whether_two_records_name_one_person(short: str, long: str, same: bool) -> None:
    """M8: a short form of three letters or an initial; two letters are a name of their own, and so is a woman's form."""
    one, other = (_candidate(number, {**SUE, "FirstName": name}) for number, name in enumerate((short, long)))
    assert is_same_person(one, other) is is_same_person(other, one) is same
