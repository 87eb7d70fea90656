"""Contact properties as members of AMS360's Customer (W4)."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from ams_etl.rules.reach.phones import normalise

_PLAIN = {
    "email": "Email", "address1": "AddressLine1", "address2": "AddressLine2", "city": "City", "state": "State",
    "postal_code": "ZipCode", "county": "County", "country": "Country", "occupation": "Occupation",
    "marital_status": "MaritalStatus", "website": "WebAddress", "first_name": "FirstName", "middle_name": "MiddleName",
    "last_name": "LastName", "company_name": "FirmName",
}  # fmt: skip
_PHONES = {"cell_phone": "Cell", "home_phone": "Home", "business_phone": "Business"}
PROPERTIES = frozenset({*_PLAIN, *_PHONES, "birthday"})
"""Every property that has a place in AMS360's Customer."""
_US_NUMBER = re.compile(r"\+1(\d{3})(\d{7})", re.ASCII)


def customer_members(properties: Mapping[str, str], allowed: Collection[str], country: str) -> dict[str, str]:
    """W4: the members that these properties name; blanks, unknown and not allowed ones are left alone.

    Args:
        properties: by the platform's names.
        allowed: those that may be written.
        country: of phone numbers without one. Only ten-digit numbers have a place in AMS360's phone members.
    """
    members: dict[str, str] = {}
    for name, value in properties.items():
        text = value.strip()
        if not text or name not in allowed:
            continue
        if name in _PLAIN:
            members[_PLAIN[name]] = text
        elif name == "birthday":
            members["DateOfBirth"] = f"{text[:10]}T00:00:00"
        elif name in _PHONES:
            members.update(phone_members(_PHONES[name], text, country))
    return members


def left_out(properties: Mapping[str, str], allowed: Collection[str], country: str) -> tuple[str, ...]:
    """Say which of these properties are not written, and why, without values (W4); blank ones are not meant to be."""
    said = []
    for name, value in properties.items():
        if value.strip() and name in PROPERTIES and not customer_members({name: value}, allowed, country):
            why = "not a ten-digit phone number" if name in allowed else "not among writeback.properties"
            said.append(f"{name} is not written: {why}")
    return tuple(said)


def phone_members(kind: str, number: str, country: str) -> dict[str, str]:
    """Area code, number and extension of a phone; nothing where the number does not fit."""
    whole, extension = normalise(None, number, None, country)
    found = _US_NUMBER.fullmatch(whole or "")
    if not found:
        return {}
    members = {f"{kind}AreaCode": found[1], f"{kind}Phone": found[2]}
    return {**members, f"{kind}Extension": extension} if extension else members


def differing(members: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """Those members that the customer does not have so already; phones are compared by their digits."""
    return {name: value for name, value in members.items() if _plain(name, value) != _plain(name, current.get(name))}


def _plain(member: str, value: Any) -> str:
    text = "" if value is None else str(value).strip()
    return re.sub(r"\D", "", text) if member.endswith(("Phone", "AreaCode", "Extension")) else text
