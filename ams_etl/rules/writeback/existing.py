"""What a customer that exists already gets when a contact is created that is the same (W6, W7)."""

from collections.abc import Collection, Mapping
from typing import Any

from ams_etl.rules.writeback.ladder import raised

_ADDRESS = ("AddressLine1", "AddressLine2", "City", "State", "ZipCode", "County", "Country")


def changes_of_existing(wanted: Mapping[str, Any], given: Collection[str], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members to change: the type where that is a step up (W7), and what is given and empty there.

    A suspect without a firm name gets the account's (W6). An address is one thing: where a part of it disagrees, nothing of
    it is filled in. So is a phone with its area code and extension. Nothing that is there is replaced.

    Args:
        wanted: the Customer that was to be created.
        given: those of its members that the contact's properties name and the agency lets be written.
        before: the customer as it is.
    """
    changes = {name: wanted[name] for name in given if name in wanted and _is_empty(before.get(name))}
    if any(_disagree(wanted.get(name), before.get(name)) for name in _ADDRESS):
        changes = {name: value for name, value in changes.items() if name not in _ADDRESS}
    for kind in ("Cell", "Home", "Business"):
        if not _is_empty(before.get(f"{kind}Phone")):
            changes = {name: value for name, value in changes.items() if not _is_phone(name, kind)}
    if before.get("CustomerType") == "S" and wanted.get("IsCommercial") and _is_empty(before.get("FirmName")):
        changes |= {"FirmName": wanted["FirmName"]} if wanted.get("FirmName") else {}
    if raised(before.get("CustomerType"), wanted["CustomerType"]):
        changes["CustomerType"] = wanted["CustomerType"]
    return changes


def _is_phone(member: str, kind: str) -> bool:
    return member in {f"{kind}AreaCode", f"{kind}Phone", f"{kind}Extension"}


def _is_empty(value: Any) -> bool:
    return not str(value or "").strip()


def _disagree(wanted: Any, there: Any) -> bool:
    """Whether both are filled in and differ."""
    both = [" ".join(str(value or "").split()).casefold() for value in (wanted, there)]
    return all(both) and both[0] != both[1]
