"""People whose given names are known, in records as agencies write them: who is greeted, and where nobody may write."""

import os
import re
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from ams_etl.rules.contacts.candidates import derive
from ams_etl.rules.contacts.marked_people import refused_emails
from ams_etl.rules.contacts.merging import components, merge
from ams_etl.rules.model import Candidate, Contact
from ams_etl.rules.records.ams360 import Customer, CustomerBundle, CustomerContact, CustomerDependent
from ams_etl.rules.settings import RuleSettings
from ams_etl_tests.rules.golden import REFERENCE, TODAY

GIVEN = ("Jonathan", "Johanna", "Mary Ann", "José", "d'Arcy", "Anne-Marie", "Kim", "Sandy", "Al")
FAMILY = ("Doe", "O'Brien", "de la Cruz", "Smith-Jones", "Núñez", "Vale")
NICKNAMES = ("Jo", "Tommy", "Bets")
TITLES = ("", "Mr. ", "Mrs. ", "Dr. ", "Rev. ")
AFTER_A_GIVEN_NAME = (
    "", " (MBA)", " (Ret.)", " (nee Poe)", " [new owner]", " (moved)", " (CPCU)", " (2nd owner)", " (left)", " #2",
    " (boat policy)", " *DUP*", " (2nd acct)", " (wife Ann)", " (age 90)",
)  # fmt: skip
AFTER_A_WHOLE_NAME = (
    "", " Jr.", ", Jr.", " III", ", CPCU", ", CLU, ChFC", ", President", " - Owner", ", MBA", ", CISR", ", Trustee", " 3rd",
    ", 2nd", " - INACTIVE", " *CLOSED*", " #2", " and family", " & wife",
)  # fmt: skip
DEATHS = ("(Deceased)", "[dec'd]", "DECEASED", "(Passed Away 5/1/22)", "{DECEASED 2019}")
REFUSALS = ("(DNC)", "(Do Not Contact)", "(NO EMAIL)", "(opt out)", "(unsubscribe)")
EMAILS = ("a@x.com", "b@x.com", "c@y.org")
FIRM = "Acme Widgets LLC"
_MANY = budget(max_examples=int(os.environ.get("HOUSEHOLDS", "150")))


@dataclass(frozen=True)
class Person:
    """A person, and how an agency writes the given name; `email` is the one of the record."""

    given: str
    nickname: str | None = None
    title: str = ""
    note: str = ""
    end: str = ""
    dead: str = ""
    refusal: str = ""

    @property
    def written(self) -> str:
        """The given name with everything that people write beside it."""
        nickname = f" ({self.nickname})" if self.nickname else ""
        marks = "".join(f" {mark}" for mark in (self.dead, self.refusal) if mark)
        return f"{self.title}{self.given}{nickname}{self.note}{marks}"

    def whole(self, family: str) -> str:
        """The whole name of a ContactName."""
        return f"{self.written} {family}{self.end}"


@dataclass(frozen=True)
class Record:
    """A record, who is in it, and where they can be reached."""

    people: tuple[Person, ...]
    email: str
    bundle: CustomerBundle
    entity: str


people = st.builds(
    Person,
    given=st.sampled_from(GIVEN),
    nickname=st.sampled_from((None, None, None, *NICKNAMES)),
    title=st.sampled_from(TITLES),
    note=st.sampled_from(AFTER_A_GIVEN_NAME),
    end=st.sampled_from(AFTER_A_WHOLE_NAME),
    dead=st.sampled_from(("", "", "", *DEATHS)),
    refusal=st.sampled_from(("", "", "", "", *REFUSALS)),
)
_shapes = st.sampled_from(("personal", "couple", "contact", "dependent"))


@st.composite
def records(draw: st.DrawFn, number: int) -> Record:
    """A customer with one or two people in one of the shapes that AMS360 has for them."""
    shape, family, email = draw(_shapes), draw(st.sampled_from(FAMILY)), draw(st.sampled_from(EMAILS))
    one, other = draw(people), draw(people)
    key = {"CustomerId": f"customer-{number}", "CustomerNumber": number}
    firm = Customer.from_payload({**key, "FirmName": FIRM, "IsCommercial": True})
    personal = {**key, "IsPersonal": True, "LastName": family, "Email": email}
    if shape == "contact":
        payload = {"CustomerContactId": f"contact-{number}", "ContactName": one.whole(family), "EmailAddress": email}
        return Record((one,), email, CustomerBundle(firm, (CustomerContact.from_payload(payload),)), "customer")
    if shape == "couple":
        two = tuple(replace(person, nickname=None, note="") for person in (one, other))
        first = f"{two[0].written} & {two[1].written}"
        return Record(two, email, CustomerBundle(Customer.from_payload({**personal, "FirstName": first})), "customer")
    if shape == "dependent":
        payload = {
            "DependentId": f"dependent-{number}", "Relationship": "Spouse", "FirstName": other.written,
            "LastName": family, "Email": email,
        }  # fmt: skip
        insured = Customer.from_payload({**personal, "FirstName": "Kim", "Email": "insured@z.com"})
        return Record(
            (other,),
            email,
            CustomerBundle(insured, (), (CustomerDependent.from_payload(payload),)),
            "customer_dependent",
        )
    return Record(
        (one,), email, CustomerBundle(Customer.from_payload({**personal, "FirstName": one.written})), "customer"
    )


households = st.integers(1, 4).flatmap(lambda count: st.tuples(*(records(number) for number in range(1, count + 1))))


def _contacts(household: tuple[Record, ...]) -> tuple[list[Contact], frozenset[str], dict[str, Candidate]]:
    """Return the contacts of all records, the addresses that are refused, and the candidate of each record's people."""
    settings = RuleSettings(import_inactive=True, second_insured=True)
    found = [c for record in household for c in derive(record.bundle, REFERENCE, settings, TODAY).candidates]
    of_record = {}
    for record in household:
        customer = record.bundle.customer.customer_id
        of_record[customer] = next(c for c in found if c.customer_id == customer and c.entity == record.entity)
    groups = [[at] for at in range(len(found))]
    groups += [
        held for email in (*EMAILS, "insured@z.com") if (held := [i for i, c in enumerate(found) if email in c.emails])
    ]
    refused = refused_emails(found)
    merged = [merge([found[at] for at in group], settings, {}, {}, refused) for group in components(groups)]
    assert all(isinstance(contact, Contact) for contact in merged)
    return [contact for contact in merged if isinstance(contact, Contact)], refused, of_record


def _names_in(greeting: str | None) -> tuple[set[str], str]:
    """Return the known names in a greeting, and what is left of it; the longest first, so that Jo is not in Jonathan."""
    found, rest = set(), (greeting or "").replace(FIRM, "")
    for name in sorted({*GIVEN, *NICKNAMES}, key=len, reverse=True):
        rest, times = re.subn(rf"(?<!\w){re.escape(name)}(?!\w)", "", rest)
        found |= {name} if times else set()
    return found, rest


@given(households)
@_MANY
def test_a_greeting_holds_nothing_but_given_names(household: tuple[Record, ...]) -> None:
    """N1, N10, N13, N14, N16: no mark, title, designation, role, digit or bracket; the firm's name (N8) excepted."""
    contacts, _, _ = _contacts(household)
    known = {name for record in household for person in record.people for name in (person.given, person.nickname)}
    for contact in contacts:
        found, rest = _names_in(contact.first_name)
        assert found <= known | {"Kim"}
        assert set(rest) <= set("& "), contact.first_name


@given(households)
@_MANY
def test_nobody_living_is_dropped_because_of_somebody_else_s_death(household: tuple[Record, ...]) -> None:
    """M6: who lives is in a contact that is not deceased and greeted by their record; the dead are not, beside the living."""
    contacts, _, of_record = _contacts(household)
    greeted = {person.nickname or person.given for record in household for person in record.people if not person.dead}
    for record in household:
        living = {person.nickname or person.given for person in record.people if not person.dead}
        dead = {person.nickname or person.given for person in record.people if person.dead}
        candidate = of_record[record.bundle.customer.customer_id]
        (contact,) = (contact for contact in contacts if candidate in contact.sources)
        if living:
            assert contact.suppressed_reason != "deceased"
            assert living <= _names_in(candidate.first_name)[0]
        if contact.suppressed_reason != "deceased":
            assert (dead - greeted - {"Kim"}).isdisjoint(_names_in(contact.first_name)[0])


@given(households)
@_MANY
def test_nobody_is_sendable_at_a_refused_address(household: tuple[Record, ...]) -> None:
    """M6: a refusal belongs to the address: whoever else has it is not written to there."""
    contacts, refused, _ = _contacts(household)
    expected = {record.email for record in household for person in record.people if person.refusal}
    assert expected <= refused
    for contact in contacts:
        assert contact.suppressed_reason or (refused | expected).isdisjoint(contact.emails)
