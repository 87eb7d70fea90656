"""People of a group that are made or edited in the platform, in the words of BenefitPoint (B7)."""

from collections.abc import Mapping, Sequence
from typing import Any

from ams_etl.rules.accounts.platform_accounts import account_members, with_changes

_PERSON = {"first_name": "firstName", "last_name": "lastName", "email": "email"}
Person = Mapping[str, Any]
"""An AccountContact record."""


def person_members(values: Mapping[str, str]) -> dict[str, Any]:
    """The members of a Contact for values by the platform's names; a blank one is left out, never cleared."""
    return {member: values[name] for name, member in _PERSON.items() if values.get(name)}


def new_person(values: Mapping[str, str], account_id: int, there: Sequence[Person]) -> dict[str, Any] | None:
    """A whole AccountContact to create, the primary one where the account has none; None without first and last name."""
    contact = person_members(values)
    if not {"firstName", "lastName"} <= contact.keys():
        return None
    primary = not any(person.get("primary") for person in there)
    return {"contact": {**contact, "phones": []}, "accountID": account_id, "primary": primary}


def the_person(
    there: Sequence[Person], *, contact_id: int | None = None, email: str | None = None, values: Mapping[str, str] = {}
) -> Person | None:
    """Find the person of a group that an event means: the one of that id, of that email, or of that name and no other email.

    Args:
        there: the group's people.
        contact_id: BenefitPoint's own id, where it is known.
        email: as the person was known until now.
        values: what the event says about the person.
    """
    if contact_id is not None:
        return next((person for person in there if person["contact"].get("contactID") == contact_id), None)
    wanted = {_plain(address) for address in (email, values.get("email")) if _plain(address)}
    name = _plain(values.get("first_name")), _plain(values.get("last_name"))
    by_email = [person for person in there if _plain(person["contact"].get("email")) in wanted]
    by_name = [
        person
        for person in there
        if all(name) and (_plain(person["contact"].get("firstName")), _plain(person["contact"].get("lastName"))) == name
        and not (wanted and _plain(person["contact"].get("email")))
    ]  # fmt: skip
    return next(iter(by_email or by_name), None)


def primary_of(there: Sequence[Person]) -> Person | None:
    """The group's primary contact, else its first."""
    return next((person for person in there if person.get("primary")), next(iter(there), None))


def namesake_with_changes(
    there: Sequence[Person], before: Mapping[str, Any], values: Mapping[str, str]
) -> tuple[Person, dict[str, Any]] | None:
    """Return the primary contact that has an individual account's name (B6), as it is and as it is to be.

    Args:
        there: the account's people.
        before: the account before its change.
        values: what is changed, by the platform's names.

    Returns:
        None if the primary contact is somebody else: the account's change does not concern that person.
    """
    primary = primary_of(there)
    if primary is None:
        return None
    account = account_members(values, "Individual")
    named = (before.get("individualAccountInfo") or {}).get("personInfo") or {}
    # A contact that a lost reply has changed already bears the new name.
    renamed = {**named, **(account.get("individualAccountInfo") or {}).get("personInfo", {})}
    if _full_name(primary["contact"]) not in {_full_name(named), _full_name(renamed)}:
        return None
    changes = person_members(values)
    if "mainAddress" in account:
        address = primary["contact"].get("address") or before.get("mainAddress") or {}
        changes["address"] = with_changes(address, account["mainAddress"])
    return primary, with_changes(primary, {"contact": changes})


def _full_name(person: Mapping[str, Any]) -> tuple[str, str]:
    return _plain(person.get("firstName")), _plain(person.get("lastName"))


def _plain(value: Any) -> str:
    return value.strip().casefold() if isinstance(value, str) else ""
