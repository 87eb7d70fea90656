"""Contacts and dependents of a customer."""

from ams_etl.sandbox.ams360.agency import Agency, Record
from ams_etl.sandbox.generation import vocabulary as words
from ams_etl.sandbox.generation.draw import Draw


def add_contact(agency: Agency, draw: Draw, customer: Record, first: str, last: str) -> None:
    """A person at a firm, or somebody beside a personal customer."""
    named = (f"{first} {last}", f"{last}, {first}", first, None, f"{first} ({draw.nickname(first)}) {last}",
             f"{draw.of(words.HONORIFICS)} {first} {last}", f"{first} {last}".upper())  # fmt: skip
    contact: Record = {
        "CustomerId": customer["CustomerId"], "CustomerContactId": draw.guid(),
        "ContactName": draw.weighted(named, (55, 20, 8, 4, 6, 4, 3)),
        "Title": draw.of(words.TITLES), "IsOfficer": draw.chance(0.2), "IsDirector": False,
        "EmailAddress": _contact_email(draw, customer, first, last),
        "SortOrder": draw.between(1, 5) if draw.chance(0.6) else None, "CustomerCenterDisplay": True,
        "FormalSalutation": f"{draw.of(words.HONORIFICS)} {last}" if draw.chance(0.1) else None,
        "InformalSalutation": draw.nickname(first) if draw.chance(0.15) else None,
        "City": customer["City"] if draw.chance(0.3) else None,
    }  # fmt: skip
    if draw.chance(0.2):
        contact["CustomerContactResponsibilityList"] = {
            "CustomerContactResponsibility": [
                {"CustomerContactResponsibilityId": draw.guid(), "ResponsibilityType": draw.of(words.RESPONSIBILITIES)}
            ]
        }
    draw.phones(contact, "Ext", {"Business": 0.4, "Mobile": 0.4, "Residence": 0.1})
    agency.put("customer_contacts", contact)


def _contact_email(draw: Draw, customer: Record, first: str, last: str) -> str | None:
    kind = draw.rng.random()
    if kind < 0.3:
        return None
    return customer.get("Email") if kind < 0.4 else draw.email(first, last)


def add_dependents(agency: Agency, draw: Draw, customer: Record, last: str) -> None:
    """A spouse or partner, or children, or both."""
    if draw.chance(0.75):
        _add_dependent(agency, draw, customer, last, draw.of(words.SECOND_INSURED))
    for _ in range(draw.weighted((0, 1, 2), (55, 30, 15))):
        _add_dependent(agency, draw, customer, last, draw.of(words.RELATIVES))


def _add_dependent(agency: Agency, draw: Draw, customer: Record, last: str, relationship: str) -> None:
    first = draw.first()
    dependent: Record = {
        "CustomerId": customer["CustomerId"], "DependentId": draw.guid(), "FirstName": first,
        "LastName": draw.of((last, last, None)), "Relationship": relationship or None,
        "DOB": draw.day(draw.between(1000, 30000)) if draw.chance(0.7) else None,
        "SSN": draw.secret() if draw.chance(0.8) else None,
        "DriversLicense": f"D{draw.between(10**6, 10**7)}" if draw.chance(0.5) else None,
        "Email": customer.get("Email") if draw.chance(0.15) else draw.email(first, last) if draw.chance(0.4) else None,
    }  # fmt: skip
    draw.phones(dependent, "Ext", {"Mobile": 0.3})
    agency.put("customer_dependents", dependent)
