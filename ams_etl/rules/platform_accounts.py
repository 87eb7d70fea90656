"""Accounts that are made or edited in the platform, in the words of AMS360 and of BenefitPoint (B7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ams_etl.rules.states import state_name

_CUSTOMER = {
    "first_name": "FirstName", "last_name": "LastName", "company_name": "FirmName", "email": "Email",
    "address1": "AddressLine1", "address2": "AddressLine2", "city": "City", "state": "State", "postal_code": "ZipCode",
}  # fmt: skip
_ADDRESS = {"address1": "street1", "address2": "street2", "city": "city", "postal_code": "zip"}
_PERSON = {"first_name": "firstName", "last_name": "lastName"}


@dataclass(frozen=True, slots=True)
class BenefitPointDefaults:
    """What BenefitPoint wants of a new account and the platform does not know."""

    office_id: int
    administrator_user_id: int
    primary_contact_user_id: int
    account_type: str = "Client"
    business_type: str = "None_Selected"


def customer_members(values: Mapping[str, str]) -> dict[str, str]:
    """The members of an AMS360 Customer for values by the platform's names; a blank one is left out, never cleared."""
    return {_CUSTOMER[name]: value for name, value in values.items() if name in _CUSTOMER and value}


def account_members(values: Mapping[str, str], classification: Literal["Group", "Individual"]) -> dict[str, Any]:
    """The members of a BenefitPoint Account for the same; a blank one is left out."""
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
    values: Mapping[str, str], classification: Literal["Group", "Individual"], defaults: BenefitPointDefaults
) -> dict[str, Any]:
    """A whole Account to create.

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
    return {
        "active": True,
        "accountClassification": classification,
        "accountType": defaults.account_type,
        "officeID": defaults.office_id,
        "administratorUserID": defaults.administrator_user_id,
        "primaryContactUserID": defaults.primary_contact_user_id,
        **account,
    }
