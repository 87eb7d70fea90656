"""New customers (W6), when two are the same (W12), and to which of several one writes (W11)."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ams_etl.rules.immutable import immutable
from ams_etl.rules.reach.emails import is_placeholder_email
from ams_etl.rules.writeback.model import Happening
from ams_etl.rules.writeback.properties import PROPERTIES, customer_members

SHARED_EMAIL_LIMIT = 5
"""An address that more customers or contacts have than this identifies nobody (M5)."""
_BETWEEN_EMAILS = re.compile(r"[;,|/\s]+")
_STATUS = {"client": 0, "prospect": 1, "inactive": 2}
_TYPE_ORDER = {"C": 0, "P": 1, "S": 2}


def new_customer(happening: Happening, customer_type: str, country: str, email: str | None = None) -> dict[str, Any]:
    """W6: a Customer of this type (S, P or C); a commercial one takes the account's name as its firm name.

    AMS360 asks for a last name or a firm name: where neither is known, the first name or the email is written there.
    """
    members: dict[str, Any] = dict(customer_members(happening.properties, PROPERTIES, country))
    if email:
        members.setdefault("Email", email)
    commercial = happening.record_type == "commercial"
    firm = (happening.account_name or members.get("FirmName") or "").strip()
    if commercial and firm:
        members["FirmName"] = firm
    if not commercial and not happening.properties.get("company_name"):
        members.pop("FirmName", None)
    if not (members.get("LastName") or (commercial and members.get("FirmName"))):
        only = members.pop("FirstName", None) or members.get("Email") or happening.subject or "Unknown"
        members["FirmName" if commercial else "LastName"] = only
    return {
        **members,
        "CustomerType": customer_type,
        "IsActive": True,
        "IsCommercial": commercial,
        "IsPersonal": not commercial,
    }


@immutable(frozen=True, slots=True)
class SameCustomer:
    """Why a customer is the one that was to be created."""

    customer_id: str
    reason: str


def name_to_search(wanted: Mapping[str, Any]) -> str:
    """What CustomerGetListByNamePrefix is asked for: the firm's name of a commercial one, else the last name."""
    first, second = ("FirmName", "LastName") if wanted.get("IsCommercial") else ("LastName", "FirmName")
    return str(wanted.get(first) or wanted.get(second) or "").strip()


def may_be_same(wanted: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Return whether name and first name do not speak against a listed customer."""
    if not of_one_name(wanted, row):
        return False
    if wanted.get("IsCommercial"):
        return True
    first = _text(wanted.get("FirstName"))
    return not first or not _text(row.get("FirstName")) or first == _text(row.get("FirstName"))


def same_customer(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> SameCustomer | None:
    """W12: the email agrees; or the name does, and with it a phone or the ZIP's first five digits.

    A phone alone is not enough: households and firms share it. Firms need no first name; people need it where both
    have one.
    """
    if not found.get("CustomerId"):
        return None
    key = str(found["CustomerId"])
    if identifying_emails(wanted.get("Email")) & identifying_emails(found.get("Email")):
        return SameCustomer(key, "same email")
    if not may_be_same(wanted, found):
        return None
    if _phones(wanted) & _phones(found):
        return SameCustomer(key, "same name and phone")
    postcode = _text(wanted.get("ZipCode"))[:5]
    if postcode and postcode == _text(found.get("ZipCode"))[:5]:
        first = _text(wanted.get("FirstName"))
        if wanted.get("IsCommercial") or (first and first == _text(found.get("FirstName"))):
            return SameCustomer(key, "same name and ZIP")
    return None


def identifying_emails(field: Any) -> set[str]:
    """Return an email field's addresses in lower case, without those that are nobody's (M5), such as `none@none.com`."""
    return {address for address in _BETWEEN_EMAILS.split(_text(field)) if address and not is_placeholder_email(address)}


def of_one_name(wanted: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Return whether a listed customer has the last name or the firm name that was searched for."""
    return _text(name_to_search(wanted)) in {_text(row.get("LastName")), _text(row.get("FirmName"))}


def seniority(customer: Mapping[str, Any]) -> tuple[int, int]:
    """Order customers that are the same: a customer before a prospect before a suspect, then the lowest number."""
    return _TYPE_ORDER.get(customer.get("CustomerType") or "", 3), int(customer.get("CustomerNumber") or 0)


@immutable(frozen=True, slots=True)
class CustomerOfContact:
    """One of the customers that a contact was made of."""

    customer_id: str
    role: str
    status: str
    customer_number: int | None


def customer_of(contact: Iterable[CustomerOfContact]) -> str | None:
    """W11: of several, the customer of the contact's surviving primary record.

    That is M2's order: a primary record before others, client before prospect before inactive, the lowest
    CustomerNumber, then the id.
    """
    best = min(contact, key=_rank, default=None)
    return best.customer_id if best else None


def _rank(one: CustomerOfContact) -> tuple[bool, int, float, str]:
    number = float("inf") if one.customer_number is None else one.customer_number
    return one.role != "primary", _STATUS.get(one.status, 3), number, one.customer_id


def _phones(customer: Mapping[str, Any]) -> set[str]:
    found = set()
    for kind in ("Cell", "Home", "Business"):
        digits = "".join(
            letter
            for letter in f"{customer.get(f'{kind}AreaCode') or ''}{customer.get(f'{kind}Phone') or ''}"
            if letter.isascii() and letter.isdigit()
        )
        if len(digits) >= 10:
            found.add(digits[-10:])
    return found


def _text(value: Any) -> str:
    return " ".join(str(value or "").split()).casefold()
