"""QQ Catalyst contacts: which of them are customers, and what they are in the rules' terms."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from ams_etl.rules.model import Derivation, Finding
from ams_etl.rules.records.ams360 import (
    CONTACT,
    CUSTOMER,
    DEPENDENT,
    CustomerBundle,
    Employee,
    Payload,
    Reference,
    day,
    flag,
    text,
)
from ams_etl.rules.settings import RuleSettings
from ams_etl.rules.systems.any_system import (
    NO_REFERENCE,
    Dialect,
    customer,
    derive_in,
    explain_in,
    phone,
    policy_of,
    skipped,
)

CONTACT_ROW = "contact"
DIALECT = Dialect(
    "qq_catalyst",
    "QQ Catalyst",
    {CUSTOMER: CONTACT_ROW, CONTACT: CONTACT_ROW, DEPENDENT: CONTACT_ROW},
    {"Executive": "Producer", "Representative": "CSR"},
    {
        "FirmName": "BusinessName", "FormalSalutation": "PrimaryContact", "AccountExecCode": "AccountInfo.AgentID",
        "AccountRepCode": "AccountInfo.CsrID", "DateOfBirth": "DOB", "IsActive": "Status", "CustomerId": "EntityID",
        "PolicyExpirationDate": "Policy.ExpirationDate", "PolicyLineOfBusiness": "Policy.LOB",
        "WritingCompanyCode": "Policy.WritingCarrier", "AddressLine1, City, State, ZipCode": "Line1, City, State, Zip",
        "CellPhone": "Phone", "HomePhone": "Phone", "BusinessPhone": "Phone",
        "IsCommercial, IsPersonal, FirmName, LastName": "isAPerson, BusinessName",
    },
)  # fmt: skip


def derive(
    contact: Payload, account_info: Payload, policies: Sequence[Payload], settings: RuleSettings, today: date
) -> Derivation:
    """A contact's one candidate; the connections are its agent (producer) and CSR, by their ids.

    Args:
        contact: the contact row.
        account_info: its account information; empty where none was read.
        policies: its policy rows.
        settings: the agency's choices.
        today: the date the rules are asked for.
    """
    key = str(contact.get("EntityID"))
    if not is_customer(contact):
        return skipped(DIALECT, CONTACT_ROW, key, key, "not_a_customer", "A3")
    bundle, reference = bundle_of(contact, account_info, policies, settings)
    return derive_in(DIALECT, bundle, reference, settings, today)


def explain(
    contact: Payload, account_info: Payload, policies: Sequence[Payload], settings: RuleSettings, today: date
) -> tuple[Finding, ...]:
    """Why each value of a contact's candidate is what it is."""
    key = str(contact.get("EntityID"))
    if not is_customer(contact):
        return (Finding(CONTACT_ROW, key, "skipped", "not_a_customer", "A3", CONTACT_ROW, key, "ContactSubType"),)
    return explain_in(DIALECT, *bundle_of(contact, account_info, policies, settings), settings, today)


def is_customer(contact: Payload) -> bool:
    """A3: sub-types C and P, customers and prospects; vendors, carriers and the agency's own people are no contacts.

    Whether a customer is a client is for its policies to say, as everywhere.
    """
    return text(contact.get("ContactSubType")) in {"C", "P"}


def person_key(value: Any) -> str | None:
    """The id of an agent or CSR: 0, null and blank are nobody. Two people may share a name, so a name is no key."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    told = text(str(value))
    return None if told == "0" else told


def bundle_of(
    contact: Payload, account_info: Payload, policies: Sequence[Payload], settings: RuleSettings
) -> tuple[CustomerBundle, Reference]:
    """A contact in the rules' terms, and the names of its agent and CSR."""
    key = contact.get("EntityID")
    company = text(contact.get("BusinessName"))
    person = flag(contact.get("isAPerson"))
    is_person = person if person is not None else company is None
    agent, csr = person_key(account_info.get("AgentID")), person_key(account_info.get("CsrID"))
    first, last = text(contact.get("FirstName")), text(contact.get("LastName"))
    if first is None and last is None and is_person:
        first = text(contact.get("DisplayName"))
    made = customer(
        str(key),
        key if isinstance(key, int) else 0,
        phones=[phone(contact.get("PhoneType"), contact.get("Phone"))],
        is_active=text(contact.get("Status")) not in {"I", "Inactive"},
        is_personal=is_person,
        is_commercial=not is_person,
        first_name=first,
        last_name=last,
        firm_name=company or (None if is_person else text(contact.get("DisplayName"))),
        formal_salutation=None if is_person else text(contact.get("PrimaryContact")),
        email=text(contact.get("Email")),
        address1=text(contact.get("Line1")),
        address2=text(contact.get("Line2")),
        city=text(contact.get("City")),
        state=text(contact.get("State")),
        postal_code=text(contact.get("Zip")),
        country=text(contact.get("Country")),
        date_of_birth=day(contact.get("DOB")),
        date_added=day(contact.get("CreatedOn")),
        executive_code=agent,
        representative_code=csr,
    )
    found = [
        policy_of(
            str(policy.get("PolicyId")), policy.get("Status"), number=policy.get("PolicyNumber"),
            effective=policy.get("EffectiveDate"), expiration=policy.get("ExpirationDate"), carrier=policy.get("WritingCarrier"),
            lines=(policy.get("LOB"),), settings=settings,
        )
        for policy in policies if not flag(policy.get("IsDeleted"))
    ]  # fmt: skip
    people = {
        code: Employee(code, text(account_info.get(name)), None)
        for code, name in ((csr, "CSR"), (agent, "Agent"))
        if code is not None
    }
    bundle = CustomerBundle(made, policies=tuple(policy for policy in found if policy))
    return bundle, replace(NO_REFERENCE, employees=people)
