"""Customers as hypothesis makes them: what AMS360 could send, and what it should never send."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

from ams_etl.rules.contacts.candidates import derive
from ams_etl.rules.model import Candidate
from ams_etl.rules.records.ams360 import Customer, CustomerBundle, CustomerContact, CustomerDependent, Policy
from ams_etl.rules.settings import Ownership, ProspectsWithin, RuleSettings, Segments
from ams_etl_tests.rules.golden import REFERENCE, TODAY

GIVEN = ("Jonathan", "Johanna", "Mary Ann", "JOSÉ", "d'Arcy", "Anne-Marie", "Billy B.", "Kim", "Sandy")
FAMILY = ("Doe", "O'Brien", "de la Cruz", "Smith-Jones", "VAN DYKE", "Bradley Jr.", "Núñez", "Do")
MARKS = (
    "Deceased", "DECEASED", "Dec'd", "DNC", "Do Not Contact", "do not call", "Minor", "Former", "former spouse",
    "Deceased 2019", "minor child", "Do-Not-Mail",
)  # fmt: skip
PERSONAL_MARKS = ("(Deceased)", "[dec'd]", "DECEASED", "(Passed Away 5/1/22)", "(former)", "(minor)", "{DECEASED 2019}")
SEPARATORS = (" & ", "&", " and ", " AND ", " + ", "+", " &/or ", "&/or")
EMAILS = ("a@x.com", "B@x.com", "c.d@y.org", "a@x.com; b@x.com", "nobody", "jane@")

_ids = st.integers(1, 99).map(str)
_given = st.sampled_from(GIVEN)
_nickname = st.sampled_from(("Jon", "Jo", "Jack & Jo"))
marked = st.builds(
    lambda name, mark, shape: shape.format(name, mark),
    _given,
    st.sampled_from(MARKS),
    st.sampled_from(("{0} ({1})", "({1}) {0}", "{0} (({1}))", "{0} ({1}", "{0} [{1}]", "{0}({1})", "{0} {1})")),
)
_several = st.builds(lambda one, sign, two: f"{one}{sign}{two}", _given, st.sampled_from(SEPARATORS), _given)
_shapes = st.one_of(
    _given,
    _several,
    st.builds("{} ({})".format, _given, _nickname),
    marked,
    st.builds("{} {}".format, _given, st.sampled_from(FAMILY)),
    st.builds("{1}, {0}".format, _given, st.sampled_from(FAMILY)),
    st.builds("Mr. and Mrs. {}".format, st.sampled_from(FAMILY)),
    st.builds("{} {} & {} {}".format, _given, st.sampled_from(FAMILY), _given, st.sampled_from(FAMILY)),
    st.sampled_from(
        ("", "   ", "N/A", "--", "jd@x.com", "Sir or Madam", "The Doe Family", "Acme LLC", "(", ")", "()", "&")
    ),
)
names = st.one_of(st.none(), _shapes, st.text(max_size=12), st.text("()[]&+,. aJ'and/or", max_size=16))
emails = st.one_of(st.none(), st.sampled_from(EMAILS), st.text("ab@.;, x", max_size=12))
phones = st.one_of(
    st.none(), st.text("0123456789()-. x+", max_size=14), st.sampled_from(("217-555-0101", "+442079460958"))
)
days = st.one_of(
    st.none(),
    st.dates(date(2026, 9, 1), date(2027, 3, 1)).map(lambda day: f"{day}T00:00:00"),
    st.dates().map(str),
    st.sampled_from(("0001-01-01T00:00:00", "9999-12-31T00:00:00", "2028-02-29T00:00:00", "soon")),
)
codes = st.sampled_from((None, "", "E 1", "R<1", "E&2", "???"))
_flags = st.sampled_from((True, False, None, "True", "False"))


def _record(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=members)


customers = _record(
    CustomerNumber=st.integers(0, 5), IsActive=_flags, IsPersonal=_flags, IsCommercial=_flags, IsHealth=_flags,
    FirstName=names, LastName=names, FirmName=names, MiddleName=names,
    InformalSalutation=names, FormalSalutation=names, Email=emails,
    InternationalPhoneNumber1=phones, CellPhone=phones, HomePhone=phones,
    BusinessAreaCode=st.just("217"), BusinessPhone=phones, AddressLine1=names,
    City=names, DateOfBirth=days, DateCustomerAdded=days, AccountExecCode=codes, AccountRepCode=codes, GLBranchCode=codes,
)  # fmt: skip
contacts = _record(
    ContactName=names, InformalSalutation=names, FormalSalutation=names, EmailAddress=emails, MobilePhone=phones,
    Address1=names, SortOrder=st.sampled_from((None, 0, 1, 2)),
)  # fmt: skip
dependents = _record(
    FirstName=names, LastName=names, Email=emails, DOB=days, MobilePhone=phones,
    Relationship=st.sampled_from((None, "Spouse", "WIFE", "Child", "")),
)  # fmt: skip
policies = _record(
    PolicyStatus=st.sampled_from("AAACNX"), PolicySubType=st.sampled_from(("P", "S", None)), PolicyEffectiveDate=days,
    PolicyExpirationDate=days, IsContinuous=_flags, WritingCompanyCode=codes, PolicyNumber=names,
    FullTermPremium=st.sampled_from((None, 0, 12.5, "0.00", "much")),
    LineOfBusinessList=st.sampled_from(
        (None, [], {"PolicyLineOfBusiness": [{"PolicyLineOfBusiness": "HOME", "SortOrderNumber": 1}]},
         {"PolicyLineOfBusiness": {"PolicyLineOfBusiness": "AUTO"}})
    ),
)  # fmt: skip


def _listed(
    records: st.SearchStrategy[dict[str, Any]], key: str, prefix: str
) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(records, max_size=3).map(
        lambda found: [{key: f"{prefix}-{at}", **entry} for at, entry in enumerate(found)]
    )


@st.composite
def bundles(draw: st.DrawFn, number: int = 1) -> CustomerBundle:
    """A customer with up to three records of each kind beneath it."""
    return CustomerBundle(
        Customer.from_payload({"CustomerNumber": number, **draw(customers), "CustomerId": f"customer-{number}"}),
        tuple(map(CustomerContact.from_payload, draw(_listed(contacts, "CustomerContactId", f"contact-{number}")))),
        tuple(map(CustomerDependent.from_payload, draw(_listed(dependents, "DependentId", f"dependent-{number}")))),
        tuple(map(Policy.from_payload, draw(_listed(policies, "PolicyId", f"policy-{number}")))),
        frozenset(draw(st.sets(st.just(f"policy-{number}-0")))),
    )


_roles = st.sampled_from(("executive", "representative"))
settings = st.builds(
    RuleSettings,
    ownership=st.builds(Ownership, _roles, _roles),
    merged_owner_priority=st.sampled_from(("commercial", "personal")),
    ownership_tags=st.sampled_from(((), ("executive", "representative"))),
    tags=st.sampled_from(((), ("line_of_business", "carrier"), ("branch", "city", "health_flag", "notation"))),
    birthday_key_facts=st.booleans(),
    renewal_key_facts=st.booleans(),
    prospects=st.one_of(st.sampled_from(("all", "all", "none")), st.integers(0, 60).map(ProspectsWithin)),
    commercial_contacts=st.sampled_from(("all", "primary_and_secondary")),
    second_insured=st.booleans(),
    primary_email_only=st.booleans(),
    renewal_gap_days=st.sampled_from((0, 30, 60)),
    import_inactive=st.booleans(),
    merge_by=st.sampled_from(("email", "source_id")),
    segments=st.sampled_from((Segments(), Segments(include=("Client",)), Segments(exclude=("Winback",)))),
    name_marks=st.sampled_from(({}, {"No Mail": "do_not_contact"})),
)  # fmt: skip


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    """The candidates of one to three customers, at least one."""
    kept = RuleSettings(import_inactive=True)
    found: list[Candidate] = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        found += derive(draw(bundles(number)), REFERENCE, kept, TODAY).candidates
    if not found:
        named = CustomerBundle(Customer.from_payload({"CustomerId": "customer-9", "LastName": "Doe"}))
        found += derive(named, REFERENCE, kept, TODAY).candidates
    return found
