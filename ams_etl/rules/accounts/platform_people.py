"""People of a group that are made or edited in the platform, in the words of BenefitPoint (B7)."""

from collections.abc import Mapping, Sequence
from typing import Any

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
    primary = not any(one.get("primary") for one in there)
    return {"contact": {**contact, "phones": []}, "accountID": account_id, "primary": primary}


def the_person(
    there: Sequence[Person], *, contact_id: int | None = None, email: str | None = None, values: Mapping[str, str] = {}
) -> Person | None:
    """Whom of a group's people an event means: the one of that id, of that email, or of that name and no other email.

    Args:
        there: the group's people.
        contact_id: BenefitPoint's own id, where it is known.
        email: as the person was known until now.
        values: what is told of the person.
    """
    if contact_id is not None:
        return next((one for one in there if one["contact"].get("contactID") == contact_id), None)
    wanted = {_plain(one) for one in (email, values.get("email")) if _plain(one)}
    name = _plain(values.get("first_name")), _plain(values.get("last_name"))
    by_email = [one for one in there if _plain(one["contact"].get("email")) in wanted]
    by_name = [
        one
        for one in there
        if all(name) and (_plain(one["contact"].get("firstName")), _plain(one["contact"].get("lastName"))) == name
        and not (wanted and _plain(one["contact"].get("email")))
    ]  # fmt: skip
    return next(iter(by_email or by_name), None)


def primary_of(there: Sequence[Person]) -> Person | None:
    """The group's primary contact, else its first."""
    return next((one for one in there if one.get("primary")), next(iter(there), None))


def _plain(value: Any) -> str:
    return value.strip().casefold() if isinstance(value, str) else ""
