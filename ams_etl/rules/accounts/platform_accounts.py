"""Accounts that are made or edited in the platform, in the words of BenefitPoint (B7)."""

from collections.abc import Mapping
from typing import Any, Literal

from ams_etl.rules.immutable import immutable
from ams_etl.rules.reach.states import state_name

_ADDRESS = {"address1": "street1", "address2": "street2", "city": "city", "postal_code": "zip"}
_PERSON = {"first_name": "firstName", "last_name": "lastName"}
ACCOUNT_PROPERTIES = frozenset({*_ADDRESS, *_PERSON, "state", "company_name", "email"})
"""The platform's properties that an Account has a place for."""
Classification = Literal["Group", "Individual"]


@immutable(frozen=True, slots=True)
class BenefitPointDefaults:
    """What BenefitPoint wants of a new account and the platform does not know."""

    office_id: int
    administrator_user_id: int
    primary_contact_user_id: int
    account_type: str = "Client"
    business_type: str = "None_Selected"


def account_members(values: Mapping[str, str], classification: str) -> dict[str, Any]:
    """The members of a BenefitPoint Account for values by the platform's names; a blank one is left out, never cleared.

    An account that is neither a group nor an individual has its address alone changed.
    """
    given = {name: value for name, value in values.items() if value}
    account: dict[str, Any] = {}
    address = {member: given[name] for name, member in _ADDRESS.items() if name in given}
    state = state_name(given.get("state"))
    if state:
        address["state"] = state
    if address:
        account["mainAddress"] = address
    if classification == "Group":
        if "company_name" in given:
            account["groupAccountInfo"] = {"accountName": given["company_name"]}
        return account
    if classification != "Individual":
        return account
    info: dict[str, Any] = {}
    person = {member: given[name] for name, member in _PERSON.items() if name in given}
    if person:
        info["personInfo"] = person
    if "email" in given:
        info["email"] = given["email"]
    if info:
        account["individualAccountInfo"] = info
    return account


def new_account(
    values: Mapping[str, str],
    classification: Classification,
    defaults: BenefitPointDefaults,
    customer_id: str | None = None,
) -> dict[str, Any]:
    """A whole Account to create, which names AMS360's customer where there is one.

    Raises:
        ValueError: a group without a company name, or an individual without first and last name.
    """
    account = account_members(values, classification)
    if classification == "Group":
        if "groupAccountInfo" not in account:
            raise ValueError("a group account needs a company_name")
        account["groupAccountInfo"]["businessType"] = defaults.business_type
    elif set(account.get("individualAccountInfo", {}).get("personInfo", ())) != {"firstName", "lastName"}:
        raise ValueError("an individual account needs a first_name and a last_name")
    if customer_id:
        account = with_changes(account, of_customer(classification, customer_id))
    return {
        "active": True,
        "accountClassification": classification,
        "accountType": defaults.account_type,
        "officeID": defaults.office_id,
        "administratorUserID": defaults.administrator_user_id,
        "primaryContactUserID": defaults.primary_contact_user_id,
        **account,
    }


def of_customer(classification: str, customer_id: str) -> dict[str, Any]:
    """The members of an Account that name AMS360's customer (B1)."""
    info = "groupAccountInfo" if classification == "Group" else "individualAccountInfo"
    return {info: {"accountIntegrationInfo": {"amsCustomerId": customer_id}}}


def name_of(account: Mapping[str, Any]) -> str:
    """What an Account to create is called."""
    if account.get("groupAccountInfo"):
        return str(account["groupAccountInfo"]["accountName"])
    person = account["individualAccountInfo"]["personInfo"]
    return f"{person['firstName']} {person['lastName']}"


def with_changes(there: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with members changed, at any depth."""
    merged = dict(there)
    for name, value in changes.items():
        before = merged.get(name)
        merged[name] = with_changes(before or {}, value) if isinstance(value, Mapping) else value
    return merged
