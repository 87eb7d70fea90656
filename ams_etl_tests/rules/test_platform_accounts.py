"""Accounts and people of BenefitPoint that the platform makes or edits, and their members by example."""

from collections.abc import Mapping
from typing import Any

import pytest

from ams_etl.rules.accounts.platform_accounts import (
    BenefitPointDefaults,
    account_members,
    name_of,
    new_account,
    of_customer,
    with_changes,
)
from ams_etl.rules.accounts.platform_people import (
    namesake_with_changes,
    new_person,
    person_members,
    primary_of,
    the_person,
)
from ams_etl.rules.reach.states import state_code, state_name

ADDRESS = {"address1": "1 Main St", "address2": "Suite 2", "city": "Reno", "postal_code": "89501", "state": "nv "}
MAIN_ADDRESS = {"street1": "1 Main St", "street2": "Suite 2", "city": "Reno", "zip": "89501", "state": "Nevada"}
ANN = {"first_name": "Ann", "last_name": "Lisle", "email": "ann@x.com"}
DEFAULTS = BenefitPointDefaults(office_id=7, administrator_user_id=8, primary_contact_user_id=9)


@pytest.mark.parametrize(
    ("values", "classification", "members"),
    [
        ({**ADDRESS, "company_name": "Acme", "email": "a@x.com", "first_name": "Ann"}, "Group",
         {"mainAddress": MAIN_ADDRESS, "groupAccountInfo": {"accountName": "Acme"}}),
        ({**ADDRESS, **ANN, "company_name": "Acme"}, "Individual",
         {"mainAddress": MAIN_ADDRESS,
          "individualAccountInfo": {"personInfo": {"firstName": "Ann", "lastName": "Lisle"}, "email": "ann@x.com"}}),
        ({"email": "ann@x.com"}, "Individual", {"individualAccountInfo": {"email": "ann@x.com"}}),
        ({**ADDRESS, **ANN, "company_name": "Acme"}, "Marketing_Group", {"mainAddress": MAIN_ADDRESS}),
        ({"city": "Reno", "state": "Nevada", "company_name": ""}, "Group", {"mainAddress": {"city": "Reno"}}),
        ({"state": "NV", "first_name": ""}, "Individual", {"mainAddress": {"state": "Nevada"}}),
        ({"company_name": "Acme"}, "Individual", {}),
        ({}, "Group", {}),
    ],
)  # fmt: skip
def test_members_of_an_account(values: Mapping[str, str], classification: str, members: Mapping[str, Any]) -> None:
    """B7: only what is given, in BenefitPoint's words; a blank value changes nothing."""
    assert account_members(values, classification) == members


def test_a_new_group() -> None:
    """B1, B7: it is active, has the defaults, and names AMS360's customer where there is one."""
    whole = {
        "active": True,
        "accountClassification": "Group",
        "accountType": "Client",
        "officeID": 7,
        "administratorUserID": 8,
        "primaryContactUserID": 9,
        "mainAddress": {"city": "Reno"},
        "groupAccountInfo": {"accountName": "Acme", "businessType": "None_Selected"},
    }
    given = {"company_name": "Acme", "city": "Reno"}
    assert new_account(given, "Group", DEFAULTS) == whole
    assert name_of(whole) == "Acme"
    known = new_account(given, "Group", DEFAULTS, "c-1")
    whole["groupAccountInfo"] = {
        "accountName": "Acme",
        "businessType": "None_Selected",
        "accountIntegrationInfo": {"amsCustomerId": "c-1"},
    }
    assert known == whole


def test_a_new_individual() -> None:
    """B1, B7: it has a first and a last name and no business type."""
    made = new_account(ANN, "Individual", DEFAULTS, "c-1")
    assert made["accountClassification"] == "Individual"
    assert made["individualAccountInfo"] == {
        "personInfo": {"firstName": "Ann", "lastName": "Lisle"},
        "email": "ann@x.com",
        "accountIntegrationInfo": {"amsCustomerId": "c-1"},
    }
    assert "groupAccountInfo" not in made
    assert name_of(made) == "Ann Lisle"
    assert of_customer("Individual", "c-2") == {
        "individualAccountInfo": {"accountIntegrationInfo": {"amsCustomerId": "c-2"}}
    }


@pytest.mark.parametrize(
    ("values", "classification", "message"),
    [
        ({"city": "Reno"}, "Group", "a group account needs a company_name"),
        ({"company_name": "Acme"}, "Individual", "an individual account needs a first_name and a last_name"),
        ({"first_name": "Ann"}, "Individual", "an individual account needs a first_name and a last_name"),
        ({"email": "a@x.com"}, "Individual", "an individual account needs a first_name and a last_name"),
    ],
)
def test_an_account_without_its_name(values: Mapping[str, str], classification: Any, message: str) -> None:
    """B7: it cannot be made."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        new_account(values, classification, DEFAULTS)


def test_changes_at_any_depth() -> None:
    """B7: what a change does not name stays, the record itself is left alone."""
    there = {"a": 1, "b": {"c": 2, "d": {"e": 3}}, "n": None}
    changed = with_changes(there, {"a": 5, "b": {"d": {"f": 4}}, "n": {"x": 1}, "new": {"y": 2}})
    assert changed == {"a": 5, "b": {"c": 2, "d": {"e": 3, "f": 4}}, "n": {"x": 1}, "new": {"y": 2}}
    assert there == {"a": 1, "b": {"c": 2, "d": {"e": 3}}, "n": None}


def person(number: int, first: str, last: str, email: str | None = None, *, primary: bool = False) -> dict[str, Any]:
    contact = {"contactID": number, "firstName": first, "lastName": last, "email": email}
    return {"contact": contact, "accountID": 1, "primary": primary}


def test_a_new_person() -> None:
    """B7: the account's first person is its primary one; a person has both names."""
    ann = {"firstName": "Ann", "lastName": "Lisle", "email": "ann@x.com", "phones": []}
    assert person_members({**ANN, "email": ""}) == {"firstName": "Ann", "lastName": "Lisle"}
    assert new_person(ANN, 5, []) == {"contact": ann, "accountID": 5, "primary": True}
    assert new_person(ANN, 5, [person(1, "Bo", "Ray")]) == {"contact": ann, "accountID": 5, "primary": True}
    assert new_person(ANN, 5, [person(1, "Bo", "Ray", primary=True)]) == {
        "contact": ann,
        "accountID": 5,
        "primary": False,
    }
    assert new_person({"first_name": "Ann", "email": "ann@x.com"}, 5, []) is None
    assert new_person({"last_name": "Lisle"}, 5, []) is None


THERE = [
    person(1, "Bo", "Ray", "bo@x.com"),
    person(2, "ann", "LISLE "),
    person(3, "Ann", "Lisle", "Ann@X.com", primary=True),
    person(4, "Cy", "Day", "cy@x.com"),
]


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({"contact_id": 4}, 4),
        ({"contact_id": 9}, None),
        ({"contact_id": 4, "email": "bo@x.com"}, 4),
        ({"email": " BO@x.com"}, 1),
        ({"values": {"email": "cy@x.com"}}, 4),
        # The email comes before the name.
        ({"values": ANN}, 3),
        # A namesake without an email is the person; one with another email is not.
        ({"values": {"first_name": "Ann", "last_name": "Lisle", "email": "new@x.com"}}, 2),
        ({"values": {"first_name": "Ann", "last_name": "Lisle"}}, 2),
        ({"values": {"first_name": "Bo", "last_name": "Ray", "email": "new@x.com"}}, None),
        ({"values": {"first_name": "Bo", "last_name": "Ray"}}, 1),
        ({"values": {"first_name": "Bo"}}, None),
        ({"values": {"last_name": "Ray"}}, None),
        ({"email": "", "values": {"email": ""}}, None),
        ({}, None),
    ],
)
def test_which_person_is_meant(asked: Mapping[str, Any], number: int | None) -> None:
    """B7: by BenefitPoint's own id, else by email, else by name where no other email contradicts."""
    found = the_person(THERE, **asked)
    assert (found["contact"]["contactID"] if found else None) == number


def test_the_primary_person() -> None:
    """B6: the one that is marked, else the first."""
    assert primary_of(THERE) is THERE[2]
    assert primary_of(THERE[:2]) is THERE[0]
    assert primary_of([]) is None


def individual(first: str, last: str, city: str | None = None) -> dict[str, Any]:
    info = {"individualAccountInfo": {"personInfo": {"firstName": first, "lastName": last}}}
    return {**info, "mainAddress": {"city": city, "zip": "1"}} if city else info


def test_an_individuals_contact_changes_with_the_account() -> None:
    """B6: the primary contact of the same name gets the new name, email and address."""
    ann = person(3, "Ann", "Lisle", "ann@x.com", primary=True)
    found = namesake_with_changes(
        [ann], individual("ANN", "Lisle "), {"last_name": "Vale", "city": "Reno", "email": "v@x.com"}
    )
    assert found is not None
    assert found[0] is ann
    assert found[1] == {
        **ann, "contact": {**ann["contact"], "lastName": "Vale", "email": "v@x.com", "address": {"city": "Reno"}},
    }  # fmt: skip


def test_the_rest_of_an_address_stays() -> None:
    """B6: of the contact's own address, else of the account's; without a changed address none is written."""
    ann = person(3, "Ann", "Lisle", primary=True)
    before = individual("Ann", "Lisle", "Elko")
    moved = namesake_with_changes([ann], before, {"city": "Reno"})
    assert moved is not None
    assert moved[1]["contact"]["address"] == {"city": "Reno", "zip": "1"}
    own = {**ann, "contact": {**ann["contact"], "address": {"city": "Ely", "street1": "2 Elm"}}}
    moved = namesake_with_changes([own], before, {"city": "Reno"})
    assert moved is not None
    assert moved[1]["contact"]["address"] == {"city": "Reno", "street1": "2 Elm"}
    renamed = namesake_with_changes([ann], before, {"first_name": "Anna"})
    assert renamed is not None
    assert renamed[1]["contact"] == {**ann["contact"], "firstName": "Anna"}


def test_a_contact_that_a_lost_reply_changed_already() -> None:
    """B6: it has the new name, and is the same person."""
    vale = person(3, "Ann", "Vale", primary=True)
    assert namesake_with_changes([vale], individual("Ann", "Lisle"), {"last_name": "Vale"}) is not None


def test_another_person_is_left_alone() -> None:
    """B6: the account's change does not concern a primary contact of another name."""
    bo = person(1, "Bo", "Lisle", primary=True)
    assert namesake_with_changes([bo], individual("Ann", "Lisle"), {"city": "Reno"}) is None
    assert namesake_with_changes([], individual("Ann", "Lisle"), {"city": "Reno"}) is None
    assert namesake_with_changes([bo], {}, {"city": "Reno"}) is None
    assert namesake_with_changes([bo], {"individualAccountInfo": {"personInfo": None}}, {"first_name": "Cy"}) is None


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Nevada", "NV"), ("New_York", "NY"), ("District_of_Columbia", "DC"), ("Virgin_Islands", "VI")],
)
def test_states_both_ways(name: str, letters: str) -> None:
    """B7: BenefitPoint writes a state as a word."""
    assert state_code(name) == letters
    assert state_name(f" {letters.lower()}") == name


def test_what_is_no_us_state() -> None:
    """B7: another province keeps its name; nothing selected is nothing."""
    assert state_code("British_Columbia") == "British Columbia"
    assert [state_code(value) for value in (None, "", "  ", "None_Selected", 5)] == [None] * 5
    assert [state_name(value) for value in (None, "", "XX", "Nevada")] == [None] * 4
