"""Small questions that the sync, the commands and the pages ask the rules, by example."""

from datetime import UTC, date
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ams_etl.rules.accounts.benefit_plans import is_policy
from ams_etl.rules.accounts.same_accounts import may_be_named, word_to_search
from ams_etl.rules.contacts.connections import connection_type_named, no_such_type
from ams_etl.rules.contacts.findings import SENTENCES, meanings
from ams_etl.rules.contacts.key_facts import too_old_on
from ams_etl.rules.contacts.marked_people import is_death_of
from ams_etl.rules.contacts.reasons import QUARANTINED, REASONS, reason_for
from ams_etl.rules.model import Address, Candidate, Finding
from ams_etl.rules.names.names import NameFields, Part, derive_name
from ams_etl.rules.names.words import is_generic, names_no_middle
from ams_etl.rules.reach.consent_address import consent_address
from ams_etl.rules.records.ams360 import Policy
from ams_etl.rules.systems.mycase import staff_names
from ams_etl.rules.writeback.customers import new_customer, seniority
from ams_etl.rules.writeback.model import Happening
from ams_etl.rules.writeback.texts import _prefix, _size


@pytest.mark.parametrize(
    ("channel", "given", "address"),
    [
        ("email", " Ann@X.com", "ann@x.com"),
        ("email", "ann@x.com; bo@x.com", None),
        ("email", "none@none.com", None),
        ("email", "217-555-0101", None),
        ("mail", " 3FA85F64-5717-4562-B3FC-2C963F66AFA6 ", "3fa85f64-5717-4562-b3fc-2c963f66afa6"),
        ("mail", "3fa85f64-5717", None),
        ("email", "ann@x.com none@", None),
        ("text", "4.15556E+09", None),
        ("text", "4155550142.0", None),
        ("phone", "555 01", None),
        ("phone", "5550142", "5550142"),
        ("mail", "  ", None),
        ("text", "(217) 555-0101", "+12175550101"),
        ("phone", "+44 20 7946 0958", "+442079460958"),
        ("phone", "call me", None),
    ],
)
def test_the_address_of_a_consent(channel: str, given: str, address: str | None) -> None:
    """N18: in the form that contacts have it; there is none where there are several."""
    assert consent_address(channel, given, "US") == address


def test_the_country_of_a_consents_number() -> None:
    """C6: a number without one is read as the agency's country writes it."""
    assert consent_address("text", "020 7946 0958", "GB") == "+442079460958"


def test_who_stays_of_several_customers() -> None:
    """W12: a customer before a prospect before a suspect, then the lowest number."""
    found: list[dict[str, Any]] = [
        {"CustomerType": "S", "CustomerNumber": "1"},
        {"CustomerNumber": 2},
        {"CustomerType": "P", "CustomerNumber": 9},
        {"CustomerType": "P", "CustomerNumber": 8},
        {"CustomerType": "C", "CustomerNumber": 10},
        {"CustomerType": "C"},
    ]
    assert sorted(found, key=seniority) == [found[5], found[4], found[3], found[2], found[0], found[1]]
    assert seniority({}) == (3, 0)


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ({"record_type": "commercial", "properties": {"first_name": "Ann"}}, {"FirmName": "Ann"}),
        (
            {"record_type": "commercial", "account_name": "Acme", "properties": {"first_name": "Ann"}},
            {"FirmName": "Acme", "FirstName": "Ann"},
        ),
        ({"properties": {"first_name": "Ann"}}, {"LastName": "Ann"}),
        ({"properties": {"last_name": "Lisle", "first_name": "Ann"}}, {"LastName": "Lisle", "FirstName": "Ann"}),
        ({"properties": {"email": "ann@x.com"}}, {"LastName": "ann@x.com", "Email": "ann@x.com"}),
        ({}, {"LastName": "Unknown"}),
    ],
)  # fmt: skip
def test_what_a_new_customer_is_called(event: dict[str, Any], named: dict[str, str]) -> None:
    """W6: AMS360 asks for a last name or a firm name."""
    payload = {"occurred_at": "2026-06-01T12:00:00Z", "actor": {"name": "Eve"}, **event}
    made = new_customer(Happening.from_payload("contact_created", payload, UTC), "P", "US")
    commercial = event.get("record_type") == "commercial"
    assert made == {
        **named, "CustomerType": "P", "IsActive": True, "IsCommercial": commercial, "IsPersonal": not commercial,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "room", "prefix"),
    [("abc", 2, "ab"), ("a😀b", 1, "a"), ("a😀b", 2, "a"), ("a😀b", 3, "a😀"), ("😀b", 1, "😀")],
)
def test_where_a_text_is_cut(text: str, room: int, prefix: str) -> None:
    """W4: AMS360 counts in units of UTF-16, of which such a letter is two; at least one letter is taken."""
    assert _prefix(text, room) == prefix


@given(st.text(st.sampled_from("ab é\uffff\U00010000😀"), max_size=12), st.integers(1, 14))
@example("", 1)
def test_a_text_is_cut_where_its_next_letter_no_longer_fits(text: str, room: int) -> None:
    """W4: whether or not a shortcut counts letters instead of units."""
    fitting = [text[:end] for end in range(len(text) + 1) if len(text[:end].encode("utf-16-le")) <= 2 * room]
    assert _prefix(text, room) == (fitting[-1] or text[:1])
    assert 2 * _size(text) == len(text.encode("utf-16-le"))


def test_names_of_mycase_staff() -> None:
    """A6: by their ids; who has no name is left out."""
    rows = [
        {"id": 1, "first_name": "Ann", "last_name": " Lisle"},
        {"id": 2, "last_name": "Ray"},
        {"id": 3, "first_name": "Cy", "last_name": None},
        {"id": 4, "first_name": " "},
    ]
    assert staff_names(rows) == {"1": "Ann Lisle", "2": "Ray", "3": "Cy"}


def candidate_of(first: str | None, last: str | None, *marks: str) -> Candidate:
    return Candidate(
        "ams360", "customer", "c-1", "c-1", 1, "primary", "personal", "client", True, first, last, None, None, None, (), (),
        Address(), None, (), (), (), marks=marks,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("gone", "person", "is_theirs"),
    [
        (("Ann", "Lisle"), ("ANN", "lisle"), True),
        (("Ann", "Lisle"), ("Ann", "Ray"), False),
        (("Ann", "Lisle"), ("Bo", "Lisle"), False),
        ((None, "Lisle"), ("", "Lisle"), True),
        ((None, None), (None, None), False),
    ],
)
def test_whose_death_a_record_that_is_gone_says(gone: Any, person: Any, is_theirs: bool) -> None:
    """M9: that of whoever has the same first and last name, and nobody's who has neither."""
    living = candidate_of(*person)
    assert is_death_of(candidate_of(*gone, "deceased"), living) is is_theirs
    assert not is_death_of(candidate_of(*gone), living)


def test_what_is_asked_of_the_list_of_accounts() -> None:
    """B9: the longest word of a name; a listed account of the same words deserves to be read."""
    assert word_to_search("The Acme Plumbing Co") == "Plumbing"
    assert word_to_search("--") == "--"
    assert may_be_named("Acme Plumbing LLC", "plumbing acme")
    assert not may_be_named("Acme Plumbing", "Acme")
    assert not may_be_named("Acme", None)


def test_a_connection_type_by_its_name() -> None:
    """X1: whatever its case; the sentence for any other name says which there are."""
    assert connection_type_named("mycase", " lead ATTORNEY") == "Lead Attorney"
    assert connection_type_named("ams360", "Lead Attorney") is None
    assert (
        no_such_type("mycase", "Boss")
        == "'Boss' is not a connection type of mycase; expected one of Lead Attorney, Originating Attorney"
    )


def test_a_reason_by_its_name() -> None:
    """Q3: an unknown one is a record that could not be read."""
    for name, reason in REASONS.items():
        assert reason_for(name) is reason
    assert reason_for("another") is QUARANTINED


def test_what_findings_mean() -> None:
    """Q3: a remark by its field, a record that is no contact by its reason, and nothing for any other value."""

    def of(field: str, value: str) -> Finding:
        return Finding("customer", "c-1", field, value, "N2", "customer", "c-1", "FirstName")

    assert meanings([of("first_name", "Ann"), of("left_out", "Bo: deceased"), of("skipped", "gap_filler")]) == {
        "left_out": SENTENCES["left_out"],
        "gap_filler": REASONS["gap_filler"].sentence,
    }
    assert meanings([]) == {}


def test_what_is_no_policy() -> None:
    """L1: submissions and accounting sub-types."""

    def of(sub_type: str | None) -> Policy:
        return Policy.from_payload({"PolicyId": "p", "PolicySubType": sub_type})

    assert is_policy(of(None))
    assert is_policy(of("P"))
    assert not is_policy(of("S"))


@pytest.mark.parametrize("middle", ["NMN", "nmi", "None", "No Middle Name", "no middle initial", "No Middle", "NA"])
def test_a_middle_name_that_says_there_is_none(middle: str) -> None:
    """N15: nothing of it is kept."""
    assert names_no_middle(middle)
    assert not names_no_middle(f"Lee {middle}")


def test_an_empty_list_of_lines_of_business() -> None:
    """T2: AMS360 sends an empty element, which is read as an empty object."""
    assert Policy.from_payload({"PolicyId": "p", "LineOfBusinessList": {}}).lines_of_business == ()


def test_the_day_on_which_a_person_of_a_leap_day_is_too_old() -> None:
    """K3: 120 years and a day later, whether or not that year has a 29 February."""
    assert [too_old_on(date(year, 2, 29)) for year in (1904, 1980)] == [date(2024, 3, 1), date(2100, 3, 1)]


@pytest.mark.parametrize(
    ("first", "informal", "middle", "called"),
    [
        ("Thomas & Sarah (Tom & Sally)", "Sarah (Deceased)", None, Part("Tom", "N1", "FirstName")),
        ("Sarah (Sally) & Thomas (Tom)", "Sarah (Deceased)", None, Part("Tom", "N1", "FirstName")),
        ("Mary Ann", None, "A.", Part("Mary Ann", "N2", "FirstName")),
        ("Mary A", None, "Ann", Part("Mary A", "N2", "FirstName")),
        ("Mary", None, "A.", Part("Mary A.", "N15", "FirstName")),
    ],
)
def test_what_somebody_is_called(first: str, informal: str | None, middle: str | None, called: Part) -> None:
    """M6: a nickname goes with the person who has died. N15: an initial that the first name holds is not added to it."""
    fields = NameFields(first=first, last="Vale", informal=informal, formal=None, whole=None, middle=middle, firm=None)
    assert derive_name(fields, {}).first == called


@pytest.mark.parametrize(
    ("name", "generic"), [("foo bar baz department", True), ("acme foo bar baz department", False)]
)
def test_a_desk_has_a_short_name(name: str, generic: bool) -> None:
    """N9: a word for a desk ends the name of nobody, but of a firm it is one word of many."""
    assert is_generic(name) is generic
