"""The generated agency: repeatable, and messy in every way that real ones are."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from ams_etl.sandbox.ams360.agency import Agency, Record
from ams_etl.sandbox.ams360.generation.agency import Generator

_TODAY = date(2026, 11, 21)
_NAMES = ("LastName", "FirmName", "DoingBusinessAs")


@pytest.fixture(scope="module")
def agency() -> Agency:
    """Large enough for the rare."""
    return Generator(360, _TODAY).agency("5551234-1", 2000, 1)


def _everything(agency: Agency) -> list[Any]:
    return [
        agency.customers, agency.employees, agency.by_customer, agency.companies, agency.units, agency.value_lists,
    ]  # fmt: skip


def test_the_same_seed_size_and_day_give_the_same_agency_and_another_seed_another() -> None:
    made = [_everything(Generator(seed, _TODAY).agency("5551234-1", 50, 1)) for seed in (1, 1, 2)]
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_dates_are_relative_to_the_day_so_that_the_agency_does_not_age() -> None:
    later = _TODAY + timedelta(days=400)
    ages = [
        [
            (date.fromisoformat(policy["PolicyEffectiveDate"][:10]) - today).days
            for policy in Generator(1, today).agency("5551234-1", 50, 0).all_of("policies")
        ]
        for today in (_TODAY, later)
    ]
    assert ages[0] == ages[1]


@pytest.mark.parametrize("unlisted", [0, 1, 5])
def test_exactly_so_many_customers_are_found_by_no_prefix(unlisted: int) -> None:
    customers = Generator(3, _TODAY).agency("5551234-1", 500, unlisted).all_of("customers")
    assert len(customers) == 500
    nameless = [customer for customer in customers if not any((customer.get(name) or "").strip() for name in _NAMES)]
    assert len(nameless) == unlisted
    assert all(customer["FirstName"] for customer in nameless)


def test_customer_numbers_ascend_with_gaps(agency: Agency) -> None:
    numbers = [customer["CustomerNumber"] for customer in agency.all_of("customers")]
    assert numbers == sorted(set(numbers))
    assert len(numbers) < numbers[-1] < len(numbers) * 1.3


def test_there_are_about_as_many_children_as_at_a_real_agency(agency: Agency) -> None:
    for kind, low, high in (("policies", 1.3, 1.7), ("customer_contacts", 0.7, 1.3), ("customer_dependents", 0.2, 0.4)):
        assert low < len(agency.all_of(kind)) / 2000 < high, kind


def _text(record: Record, *members: str) -> str:
    return " ".join(record.get(member) or "" for member in members)


def _initial(customer: Record) -> str:
    return next((customer[name].strip()[0] for name in _NAMES if (customer.get(name) or "").strip()), "")


_MESS: dict[str, tuple[str, Callable[[Record], Any]]] = {
    "neither flag": ("customers", lambda c: not c["IsPersonal"] and not c["IsCommercial"]),
    "both flags": ("customers", lambda c: c["IsPersonal"] and c["IsCommercial"]),
    "no executive": ("customers", lambda c: not c["AccountExecCode"]),
    "&": ("customers", lambda c: "&" in _text(c, "FirstName")),
    "&/or without blanks": ("customers", lambda c: "&/or" in _text(c, "FirstName") and " &/or" not in _text(c, "FirstName")),
    "and": ("customers", lambda c: " and " in _text(c, "FirstName")),
    "+": ("customers", lambda c: " + " in _text(c, "FirstName")),
    "two last names in one field": ("customers", lambda c: " & " in _text(c, "LastName") and not c["FirstName"]),
    "a couple as a firm": ("customers", lambda c: c["IsPersonal"] and " & " in _text(c, "FirmName") and not c.get("LastName")),
    "nickname": ("customers", lambda c: "(Bob)" in _text(c, "FirstName")),
    "deceased": ("customers", lambda c: "(Deceased)" in _text(c, "FirstName", "LastName")),
    "do not contact": ("customers", lambda c: "(DNC)" in _text(c, "FirstName", "LastName")),
    "an unclosed mark": ("customers", lambda c: "(DECEASED" in _text(c, "FirstName") and ")" not in _text(c, "FirstName")),
    "suffix": ("customers", lambda c: _text(c, "LastName").endswith(("Jr.", "III"))),
    "capitals": ("customers", lambda c: len(_text(c, "LastName")) > 3 and _text(c, "LastName").isupper()),
    "accents": ("customers", lambda c: not _text(c, "FirstName", "LastName").isascii()),
    "white space": ("customers", lambda c: _text(c, "LastName").endswith(" ")),
    "formal salutation": ("customers", lambda c: _text(c, "FormalSalutation").startswith("Mr. and Mrs.")),
    "informal salutation": ("customers", lambda c: " & " in _text(c, "InformalSalutation")),
    "no first name": ("customers", lambda c: c.get("LastName") and not c["FirstName"]),
    "no name and no email": ("customers", lambda c: not _text(
        c, "FirstName", "LastName", "FirmName", "InformalSalutation", "FormalSalutation", "Email").strip()),
    "firm with an owner": ("customers", lambda c: c.get("FirmName") and c.get("LastName") and c.get("FirstName")),
    "trade name": ("customers", lambda c: c.get("FirmName") and c.get("DoingBusinessAs")),
    "a digit first": ("customers", lambda c: _initial(c).isdigit()),
    "a symbol first": ("customers", lambda c: _initial(c) in set("#(\"'@&*$")),
    "another letter first": ("customers", lambda c: _initial(c).isalpha() and not _initial(c).isascii()),
    "inactive": ("customers", lambda c: not c["IsActive"]),
    "prospect": ("customers", lambda c: c["CustomerType"] == "P"),
    "suspect": ("customers", lambda c: c["CustomerType"] == "S"),
    "a broker's": ("customers", lambda c: c["IsBrokersCustomer"] and c["BrokerCode"]),
    "born in year 1": ("customers", lambda c: _text(c, "DateOfBirth").startswith("0001")),
    "born in future": ("customers", lambda c: _text(c, "DateOfBirth")[:10] > _TODAY.isoformat()),
    "tax number": ("customers", lambda c: c["FederalTaxIdNumber"]),
    "notation": ("customers", lambda c: c["CustomerNotationId"]),
    "no address": ("customers", lambda c: not c["AddressLine1"]),
    "several emails": ("customers", lambda c: _text(c, "Email").count("@") == 2),
    "no email at all": ("customers", lambda c: _text(c, "Email") in {"n/a", "none", "declined"}),
    "phone with extension": ("customers", lambda c: " x" in _text(c, "CellPhone")),
    "extension apart": ("customers", lambda c: c.get("BusinessExtension")),
    "phone without area code": ("customers", lambda c: c.get("CellPhone") and not c.get("CellAreaCode")),
    "no phone but words": ("customers", lambda c: c.get("HomePhone") == "unlisted"),
    "last, first": ("customer_contacts", lambda p: ", " in _text(p, "ContactName")),
    "nameless contact": ("customer_contacts", lambda p: not p["ContactName"]),
    "sort order": ("customer_contacts", lambda p: p["SortOrder"]),
    "no sort order": ("customer_contacts", lambda p: p["SortOrder"] is None),
    "responsibility": ("customer_contacts", lambda p: p.get("CustomerContactResponsibilityList")),
    "spouse": ("customer_dependents", lambda p: p["Relationship"] == "Spouse"),
    "child": ("customer_dependents", lambda p: p["Relationship"] == "Son"),
    "no relationship": ("customer_dependents", lambda p: not p["Relationship"]),
    "social security number": ("customer_dependents", lambda p: p["SSN"]),
    "driver's license": ("customer_dependents", lambda p: p["DriversLicense"]),
    "expired": ("policies", lambda p: p["PolicyStatus"] == "A"
                and "" < _text(p, "PolicyExpirationDate")[:10] < _TODAY.isoformat()),
    "in force": ("policies", lambda p: p["PolicyEffectiveDate"][:10] <= _TODAY.isoformat() < _text(p, "PolicyExpirationDate")[:10]),
    "future": ("policies", lambda p: p["PolicyEffectiveDate"][:10] > _TODAY.isoformat()),
    "continuous without end": ("policies", lambda p: p["IsContinuous"] and not p["PolicyExpirationDate"]),
    "continuous with end": ("policies", lambda p: p["IsContinuous"] and p["PolicyExpirationDate"]),
    "cancelled": ("policies", lambda p: p["PolicyStatus"] == "C"),
    "non-renewed": ("policies", lambda p: p["PolicyStatus"] == "N"),
    "submission": ("policies", lambda p: p["PolicySubType"] == "S"),
    "accounting": ("policies", lambda p: p["PolicySubType"] == "A"),
    "multi-entity": ("policies", lambda p: p["IsMultiEntity"]),
    "two lines": ("policies", lambda p: len(p["LineOfBusinessList"]["PolicyLineOfBusiness"]) == 2),
}  # fmt: skip


@pytest.mark.parametrize("mess", _MESS)
def test_the_agency_is_messy_in_this_way(agency: Agency, mess: str) -> None:
    """Some records are so, and some are not."""
    kind, is_so = _MESS[mess]
    records = agency.all_of(kind)
    assert 0 < sum(bool(is_so(record)) for record in records) < len(records)


def test_emails_are_shared_by_families_firms_and_strangers(agency: Agency) -> None:
    holders: dict[str, set[str]] = {}
    for kind, member in (
        ("customers", "Email"),
        ("customer_contacts", "EmailAddress"),
        ("customer_dependents", "Email"),
    ):
        for record in agency.all_of(kind):
            for address in (record.get(member) or "").lower().replace(",", ";").split(";"):
                if "@" in address:
                    holders.setdefault(address.strip(), set()).add(f"{kind} {record['CustomerId']}")
    shared = [holding for holding in holders.values() if len(holding) > 1]
    assert any(len({name.split()[1] for name in holding}) > 1 for holding in shared)
    assert any(len({name.split()[0] for name in holding}) > 1 for holding in shared)
    assert max(map(len, shared)) < 40
