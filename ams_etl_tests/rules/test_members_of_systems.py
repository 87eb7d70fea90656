"""Each member of another system's record has its one place in the rules' terms."""

from dataclasses import asdict
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ams_etl.rules.records.ams360 import Employee, Reference
from ams_etl.rules.settings import RuleSettings
from ams_etl.rules.systems import benefitpoint, hawksoft, mycase, qq_catalyst
from ams_etl.rules.systems.any_system import phone, policy_standing
from ams_etl.rules.writeback.model import Happening

SETTINGS = RuleSettings()
PLACES = {
    "address1": "1 Main St",
    "address2": "Suite 2",
    "city": "Reno",
    "state": "NV",
    "postal_code": "89501",
    "country": "US",
}


def given(customer: Any) -> dict[str, Any]:
    """A customer's members that are neither empty nor a yes-or-no."""
    return {
        name: value
        for name, value in asdict(customer).items()
        if value not in (None, (), "") and not isinstance(value, bool)
    }


def test_members_of_a_party_of_mycase() -> None:
    """A5: a client's names and address, and the number that is its id."""
    record = {
        "id": 7, "first_name": "Ann", "last_name": "Doe", "email": "ann@x.com", "birthdate": "1980-05-06",
        "created_at": "2020-01-02T00:00:00Z", "cell_phone_number": "2175550101",
        "address": {
            "address1": "1 Main St", "address2": "Suite 2", "city": "Reno", "state": "NV", "zip_code": "89501", "country": "US",
        },
    }  # fmt: skip
    found = given(mycase.bundle_of(mycase.Party("client", record, ())).customer)
    assert found.pop("phones")[0]["number"] == "2175550101"
    assert found.pop("customer_id").endswith("7")
    assert found == {
        **PLACES,
        "customer_number": 7,
        "first_name": "Ann",
        "last_name": "Doe",
        "email": "ann@x.com",
        "date_of_birth": date(1980, 5, 6),
        "date_added": date(2020, 1, 2),
    }
    company = given(mycase.bundle_of(mycase.Party("company", {"id": 8, "name": "Acme"}, ())).customer)
    assert company["firm_name"] == "Acme"


def test_members_of_a_contact_of_qq_catalyst() -> None:
    """A3: a person's names and address, and the agent and CSR of the account."""
    contact = {
        "EntityID": 5, "isAPerson": True, "FirstName": "Ann", "LastName": "Doe", "Email": "ann@x.com", "Line1": "1 Main St",
        "Line2": "Suite 2", "City": "Reno", "State": "NV", "Zip": "89501", "Country": "US", "DOB": "1980-05-06",
        "CreatedOn": "2020-01-02T00:00:00", "PhoneType": "Cell", "Phone": "2175550101",
    }  # fmt: skip
    bundle, _ = qq_catalyst.bundle_of(contact, {"AgentID": 9, "CsrID": 8}, (), SETTINGS)
    found = given(bundle.customer)
    assert found.pop("phones")[0]["number"] == "2175550101"
    assert found == {
        **PLACES,
        "customer_id": "5",
        "customer_number": 5,
        "first_name": "Ann",
        "last_name": "Doe",
        "email": "ann@x.com",
        "date_of_birth": date(1980, 5, 6),
        "date_added": date(2020, 1, 2),
        "executive_code": "9",
        "representative_code": "8",
    }


def test_members_of_a_client_of_hawksoft() -> None:
    """A1: the client's office, producer, CSR and day of entry."""
    client = {
        "clientNumber": 1,
        "details": {
            "companyName": "Acme", "isCommercial": True, "clientSince": "2020-01-02", "producer": "P1", "csr": "C1", "officeId": 3,
            "mailingAddress": {
                "address1": "1 Main St", "address2": "Suite 2", "city": "Reno", "state": "NV", "zip": "89501", "countryCode": "US",
            },
        },
    }  # fmt: skip
    customer = hawksoft.bundle_of(client, SETTINGS)[0].customer
    assert {name: getattr(customer, name) for name in PLACES} == PLACES
    assert (customer.date_added, customer.executive_code, customer.representative_code, customer.branch_code) == (
        date(2020, 1, 2), "P1", "C1", "3",
    )  # fmt: skip
    assert hawksoft.offices_of(
        [{"OfficeId": 3, "OfficeDescription": "North"}, {"OfficeId": 4, "OfficeDescription": " "}]
    ).branches == {"3": "North"}


def test_a_person_of_a_hawksoft_client_has_its_own_ways_to_be_reached() -> None:
    """A1: of two people each has the email and the phone with its id; what has no id is the client's own."""
    client = {
        "clientNumber": 1, "details": {"companyName": "Acme", "isCommercial": True},
        "people": [{"id": "p1", "firstName": "Ann", "lastName": "Doe"}, {"id": "p2", "firstName": "Bo", "lastName": "Ray"}],
        "contacts": [
            {"id": "1", "type": "Email", "data": "ann@x.com", "personId": "p1"},
            {"id": "2", "type": "Email", "data": "bo@x.com", "personId": "p2"},
            {"id": "3", "type": "Cell Phone", "data": "2175550102", "personId": "p2"},
            {"id": "4", "type": "Email", "data": "office@x.com"},
        ],
    }  # fmt: skip
    bundle, _ = hawksoft.bundle_of(client, SETTINGS)
    reached = {
        person.contact_name: (person.email, [phone.number for phone in person.phones]) for person in bundle.contacts
    }
    assert reached == {"Ann Doe": ("ann@x.com", []), "Bo Ray": ("bo@x.com", ["2175550102"])}
    assert bundle.customer.email == "office@x.com"


def test_a_hawksoft_client_that_is_left_out_takes_its_primary_person_along() -> None:
    """A1, Q3: the client is its primary person, so both are skipped, each by its own kind and id."""
    client = {
        "clientNumber": 1,
        "details": {"isPersonal": True, "status": "Inactive"},
        "people": [{"id": "p1", "firstName": "Ann"}],
    }
    skips = hawksoft.derive(client, Reference({}, {}, {}, {}, {}, {}, {}), SETTINGS, date(2026, 6, 1)).skips
    assert {(skip.entity, skip.entity_id.rsplit(":", 1)[-1]) for skip in skips} >= {(hawksoft.CLIENT, "1")}
    assert [skip.entity for skip in skips].count(hawksoft.PERSON) == 1


def test_who_is_a_firm_in_other_systems() -> None:
    """A5, B10: a company of MyCase and a group of BenefitPoint are commercial, everybody else is personal."""
    account = {"accountID": 5, "accountClassification": "Group", "groupAccountInfo": {"accountName": "Acme"}}
    person = {"accountID": 6, "accountClassification": "Individual",
              "individualAccountInfo": {"personInfo": {"firstName": "Ann", "lastName": "Doe"}}}  # fmt: skip
    found = [
        mycase.bundle_of(mycase.Party("company", {"id": 8, "name": "Acme"}, ())).customer,
        mycase.bundle_of(mycase.Party("client", {"id": 7, "first_name": "Ann"}, ())).customer,
        benefitpoint.bundle_of(benefitpoint.AccountBundle(account)).customer,
        benefitpoint.bundle_of(benefitpoint.AccountBundle(person)).customer,
    ]
    assert [(customer.is_commercial, customer.is_personal) for customer in found] == [
        (True, False), (False, True), (True, False), (False, True),
    ]  # fmt: skip


def test_the_tags_of_a_case_of_mycase_have_a_category() -> None:
    """A5: what comes from no setting is of the category `default`."""
    tags = list(mycase.case_tags(mycase.Party("client", {"id": 7}, ()), (), SETTINGS))
    assert [(tag.tag, tag.category) for tag in tags] == [("MyCase", "default")]


def test_an_employee_has_first_and_last_name() -> None:
    """X1: what is missing leaves no blank."""
    given = [{"FirstName": "Eve", "LastName": "Exe"}, {"LastName": "Exe"}, {}]
    assert [Employee.from_payload({"EmployeeCode": "E", **names}).name for names in given] == ["Eve Exe", "Exe", None]


def test_the_names_behind_benefitpoints_ids() -> None:
    """B10: offices are branches, carriers companies, lines of coverage lines of business."""
    names = benefitpoint.names_of({"3": "Austin"}, {"5": "VSP"}, {"4": "Dental"})
    assert (names.branches, names.companies, names.lines_of_business) == (
        {"3": "Austin"}, {"5": "VSP"}, {"4": "Dental"},
    )  # fmt: skip


def test_the_address_of_a_contact_of_benefitpoint() -> None:
    """B10: it is the contact's own."""
    people = (
        {"contact": {"contactID": 50, "firstName": "Jane", "lastName": "Roe"}, "primary": True},
        {"contact": {"contactID": 51, "firstName": "Bo", "lastName": "Ray", "address": {"street1": "2 Elm St", "city": "Reno"}}},
    )  # fmt: skip
    account = {"accountID": 5, "accountClassification": "Group", "groupAccountInfo": {"accountName": "Acme"}}
    contacts = benefitpoint.bundle_of(benefitpoint.AccountBundle(account, people)).contacts
    assert [(contact.address1, contact.city) for contact in contacts if contact.contact_id == "51"] == [
        ("2 Elm St", "Reno")
    ]


@pytest.mark.parametrize(
    ("status", "letter"),
    [("Cancelled by insured", "C"), ("C", "C"), ("Current", "A"), ("Quoted", None), ("P", None), ("Paid", "A")],
)
def test_what_a_status_in_words_says(status: str, letter: str | None) -> None:
    """A2: by its beginning; a status of one letter is that letter alone."""
    assert policy_standing(status, SETTINGS) == letter


@pytest.mark.parametrize(
    ("kind", "means"),
    [
        ("Cell", "cell"), ("Mobile 2", "cell"), ("Work", "business"), ("Business", "business"), ("Office", "business"),
        ("Home", "home"), ("Other", "home"), (None, "home"), ("Work Fax", None),
    ],
)  # fmt: skip
def test_the_kind_of_a_phone_in_words(kind: str | None, means: str | None) -> None:
    """C6: a word that says nothing is a home phone; a fax is left out."""
    found = phone(kind, "2175550101")
    assert (found.kind if found else None) == means


def test_a_ticket_and_its_conversation() -> None:
    """W10: the conversation has the ticket's actor, contact and zone, and nothing that is the ticket's own."""
    payload = {
        "occurred_at": "2026-06-01T12:00:00Z", "actor": {"name": "Eve", "id": "u-1"}, "title": "Call back", "link": "https://x",
        "due_at": "2026-06-02T12:00:00Z", "assignee": {"id": "u-2"}, "description": "please",
        "conversation": {"kind": "call", "occurred_at": "2026-06-01T11:00:00Z", "summary": "rang", "direction": "inbound"},
    }  # fmt: skip
    ticket = Happening.from_payload("ticket", payload, ZoneInfo("America/Los_Angeles"))
    assert (ticket.actor_id, ticket.assignee_id, ticket.at.hour, ticket.subject) == ("u-1", "u-2", 5, "Call back")
    talk = ticket.conversation
    assert talk is not None
    assert (talk.actor_id, talk.assignee_id, talk.at.hour, talk.text, talk.subject, talk.due, talk.link) == (
        "u-1", None, 4, "rang", "", None, "https://x",
    )  # fmt: skip
