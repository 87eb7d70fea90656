"""People inside another's record: found by their ids, and taken out of it one by one."""

from typing import Any

import pytest

from ams_etl.rules.records.ams360 import FORGOTTEN
from ams_etl.rules.systems.nested_people import (
    BENEFITPOINT_DEPENDENTS,
    HAWKSOFT_PEOPLE,
    entries_of,
    is_forgotten,
    key_in,
    name_of,
    people_in,
    without_people,
)

ANN = {"id": "A1", "firstName": "Ann", "lastName": "Lisle"}
BO = {"id": "b2", "firstName": "Bo", "lastName": "Ray"}
CLIENT: dict[str, Any] = {
    "clientNumber": 7,
    "details": {"companyName": "ANN LISLE ", "notes": ["Ann Lisle", "Ann Lisle called", 5]},
    "people": [ANN, BO, "no record"],
    "contacts": [
        {"personId": "a1", "type": "Email", "data": " ann@x.com"},
        {"personId": "B2", "type": "Email", "data": "office@x.com"},
        {"personId": "a1", "type": "Email", "data": "Office@x.com"},
        {"personId": None, "type": "Phone", "data": "ANN@x.com "},
        {"type": "Phone", "data": "217-555-0101"},
        "no record",
    ],
}
STUB = {"id": "A1", FORGOTTEN: True}


def test_people_by_their_ids() -> None:
    """S3: in lower case; without an id, or with one that another has, by the place in the list."""
    twice = [ANN, BO, {**BO, "firstName": "Cy"}, {"firstName": "Di"}, {"id": " "}, {"id": 5}]
    found = people_in(HAWKSOFT_PEOPLE, "7", {"people": twice})
    assert list(found) == ["a1", "b2", "7.2", "7.3", "7.4", "5"]
    assert found["7.2"]["firstName"] == "Cy"
    assert people_in(HAWKSOFT_PEOPLE, "7", {}) == {}
    dependents = {"individualAccountInfo": {"dependents": [{"dependentID": 3}]}}
    assert people_in(BENEFITPOINT_DEPENDENTS, "9", dependents) == {"3": {"dependentID": 3}}
    assert people_in(BENEFITPOINT_DEPENDENTS, "9", {"individualAccountInfo": None}) == {}
    assert people_in(BENEFITPOINT_DEPENDENTS, "9", {}) == {}


@pytest.mark.parametrize(
    ("value", "key"), [("A1", "a1"), (5, "5"), (" B ", "b"), (None, ""), (1.5, ""), ("", ""), (["a"], "")]
)
def test_an_id_as_it_is_compared(value: Any, key: str) -> None:
    """S3: text or a whole number, without case."""
    assert key_in({"id": value}, "id") == key
    assert key_in({}, "id") == ""


def test_the_entries_of_a_person() -> None:
    """S3: the person, and the emails and phones that name the person."""
    entries = entries_of(HAWKSOFT_PEOPLE, "7", CLIENT, "a1")
    assert entries == [ANN, CLIENT["contacts"][0], CLIENT["contacts"][2]]
    assert entries_of(HAWKSOFT_PEOPLE, "7", CLIENT, "nobody") == []
    dependent = {"dependentID": 3, "personInfo": {"firstName": "Di", "lastName": "Oz"}}
    account = {"individualAccountInfo": {"dependents": [dependent]}}
    assert entries_of(BENEFITPOINT_DEPENDENTS, "9", account, "3") == [dependent]


def test_the_name_of_a_person() -> None:
    """S3: of the person's own members, or of the member that holds the names."""
    assert name_of(HAWKSOFT_PEOPLE, ANN) == "Ann Lisle"
    assert name_of(BENEFITPOINT_DEPENDENTS, {"personInfo": {"firstName": "Di", "lastName": "Oz"}}) == "Di Oz"
    assert name_of(BENEFITPOINT_DEPENDENTS, {"personInfo": None, "firstName": "Di"}) is None
    assert name_of(HAWKSOFT_PEOPLE, {"id": 1}) is None


def test_a_record_without_one_of_its_people() -> None:
    """The person's entry becomes a stub; the name and the person's own addresses go wherever they are a whole value.

    What another one of the record has, too, stays.
    """
    left = without_people(HAWKSOFT_PEOPLE, "7", CLIENT, {"a1"})
    assert left == {
        "clientNumber": 7,
        "details": {"companyName": None, "notes": [None, "Ann Lisle called", 5]},
        "people": [STUB, BO, "no record"],
        "contacts": [CLIENT["contacts"][1], CLIENT["contacts"][4], "no record"],
    }
    assert is_forgotten(left["people"][0])
    assert not is_forgotten(left["people"][1])
    assert CLIENT["people"][0] is ANN


def test_further_texts_go_from_the_rest() -> None:
    """Whatever their case, where they are a whole value; not from those who stay."""
    record = {"people": [ANN, BO], "city": "RENO ", "firm": "Bo", "Contacts": [{"personId": "b2", "data": "x@x.com"}]}
    left = without_people(HAWKSOFT_PEOPLE, "7", record, {"a1"}, ["Reno", "BO", "X@x.com"])
    assert left == {
        "people": [STUB, BO],
        "city": None,
        "firm": "Bo",
        "Contacts": [{"personId": "b2", "data": "x@x.com"}],
    }


def test_an_account_without_a_dependent() -> None:
    """BenefitPoint's dependents are two members deep, which it may write in PascalCase."""
    gone = {"dependentID": 3, "personInfo": {"firstName": "Di", "lastName": "Oz"}}
    stays = {"dependentID": 4, "personInfo": {"firstName": "Ed", "lastName": "Oz"}}
    account = {"IndividualAccountInfo": {"dependents": [gone, stays], "email": "di oz"}, "dependents": [gone]}
    left = without_people(BENEFITPOINT_DEPENDENTS, "9", account, {"3"})
    assert left == {
        "IndividualAccountInfo": {"dependents": [{"dependentID": 3, FORGOTTEN: True}, stays], "email": None},
        "dependents": [gone],
    }


def test_nobody_goes() -> None:
    """Then the record stays as it is."""
    assert without_people(HAWKSOFT_PEOPLE, "7", CLIENT, set()) == CLIENT
    assert without_people(BENEFITPOINT_DEPENDENTS, "9", {"a": [1, {"b": "c"}]}, set()) == {"a": [1, {"b": "c"}]}
