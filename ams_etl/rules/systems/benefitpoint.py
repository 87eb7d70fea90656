"""BenefitPoint accounts that AMS360 does not have: what they and their people are in the rules' terms."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from ams_etl.rules.accounts.benefitpoint_records import BenefitPlan, BenefitPointAccount, address_in, choice, record_in
from ams_etl.rules.immutable import immutable
from ams_etl.rules.model import BENEFITPOINT, Address, Candidate, Derivation, Finding, Joined, RecordType, SourceRole
from ams_etl.rules.reach.emails import emails_in
from ams_etl.rules.records.ams360 import (
    CONTACT,
    CUSTOMER,
    DEPENDENT,
    FORGOTTEN,
    CustomerBundle,
    CustomerContact,
    CustomerDependent,
    GivenPhone,
    Payload,
    Policy,
    Reference,
    day,
    text,
)
from ams_etl.rules.settings import RuleSettings
from ams_etl.rules.systems.any_system import (
    NO_REFERENCE,
    Dialect,
    customer,
    derive_in,
    explain_in,
    full_name,
    records_in,
    skipped,
)
from ams_etl.rules.systems.nested_people import BENEFITPOINT_DEPENDENTS, is_forgotten, people_in

SYSTEM = BENEFITPOINT
ACCOUNT, ACCOUNT_CONTACT, ACCOUNT_DEPENDENT = "account", "account_contact", "account_dependent"
"""The entities that may become a contact, by their names in `mart.contact_sources`."""
DIALECT = Dialect(
    SYSTEM,
    "BenefitPoint",
    {CUSTOMER: ACCOUNT, CONTACT: ACCOUNT_CONTACT, DEPENDENT: ACCOUNT_DEPENDENT},
    {},
    {
        "FirstName": "personInfo.firstName", "LastName": "personInfo.lastName", "FirmName": "accountName",
        "ContactName": "contact.firstName, contact.lastName", "Email": "individualAccountInfo.email",
        "EmailAddress": "contact.email", "DateOfBirth": "personInfo.dateOfBirth", "DOB": "personInfo.dateOfBirth",
        "IsActive": "active", "CustomerId": "accountID", "PolicyExpirationDate": "renewalOn",
        "PolicyLineOfBusiness": "productTypeID", "WritingCompanyCode": "carrierID", "GLBranchCode": "officeID",
        "GLDepartmentCode": "departmentID", "AddressLine1, City, State, ZipCode": "mainAddress",
        "Address1, City, State, Zip": "contact.address",
        "IsCommercial, IsPersonal, FirmName, LastName": "accountClassification",
        "PolicyStatus, PolicyEffectiveDate, PolicyExpirationDate, IsContinuous":
            "productStatus, effectiveAsOf, renewalOn, continousPolicy",
    },
)  # fmt: skip
_PHONES = {"mobile": "cell", "home": "home"}
_NO_PHONES = frozenset({"fax", "pager"})


@immutable(frozen=True, slots=True)
class AccountBundle:
    """An account with everything beneath it, and the AMS360 customer that it is (B1), if it is one."""

    account: Payload
    contacts: tuple[Payload, ...] = ()
    plans: tuple[Payload, ...] = ()
    linked_to: str | None = None

    @property
    def account_id(self) -> str:
        """Its id, as text."""
        return str(self.account["accountID"])


def derive(bundle: AccountBundle, names: Reference, settings: RuleSettings, today: date) -> Derivation:
    """B10: an account that AMS360 does not have is a customer like any other; its plans are its policies.

    Groups and marketing groups are commercial, individuals personal. Agents and agencies sell, they are no customers.

    Args:
        bundle: the account.
        names: of offices, carriers and lines of coverage by their ids; `names_of` makes it.
        settings: the agency's choices.
        today: the date the rules are asked for.
    """
    if bundle.linked_to is not None:
        return joined(bundle)
    if _record_type(bundle.account) is None:
        return _of_no_customer(bundle)
    return derive_in(DIALECT, bundle_of(bundle), names, settings, today)


def explain(bundle: AccountBundle, names: Reference, settings: RuleSettings, today: date) -> tuple[Finding, ...]:
    """Why each value of an account's candidates is what it is."""
    if bundle.linked_to is not None:
        return tuple(
            Finding(
                candidate.entity,
                candidate.entity_id,
                "linked",
                bundle.linked_to,
                "B11",
                ACCOUNT,
                bundle.account_id,
                "links",
            )
            for candidate in joined(bundle).candidates
        )
    if _record_type(bundle.account) is None:
        return tuple(
            Finding(
                skip.entity, skip.entity_id, "skipped", skip.reason, skip.rule, ACCOUNT, bundle.account_id,
                "accountClassification",
            )
            for skip in _of_no_customer(bundle).skips
        )  # fmt: skip
    return explain_in(DIALECT, bundle_of(bundle), names, settings, today)


def joined(bundle: AccountBundle) -> Derivation:
    """B11: the records of an account that AMS360 has, as members that give a contact nothing but its id.

    The account goes with the customer that it is, each of its people with whoever has the person's email. Nothing else
    of them is evaluated, so that what is edited in BenefitPoint stays there; and the contact that was made of them
    before the link was known goes on under its id.
    """
    customer_id = bundle.linked_to or ""
    found = [_member(bundle, ACCOUNT, bundle.account_id, "primary", Joined(customer_id))]
    for contact in _contacts(bundle):
        emails, _ = emails_in(contact.email or "")
        found.append(
            _member(
                bundle, ACCOUNT_CONTACT, contact.contact_id, "contact",
                Joined(customer_id, emails[0].lower() if emails else None),
            )
        )  # fmt: skip
    found += (
        _member(bundle, ACCOUNT_DEPENDENT, dependent.dependent_id, "second_insured", Joined(customer_id))
        for dependent in _dependents(bundle)
    )
    return Derivation(tuple(found), (), None)


def _member(bundle: AccountBundle, entity: str, entity_id: str, role: SourceRole, to: Joined) -> Candidate:
    return Candidate(
        SYSTEM, entity, entity_id, bundle.account_id, int(bundle.account_id), role, "personal", "prospect", False,
        None, None, None, None, None, (), (), Address(), None, (), (), (), (), to,
    )  # fmt: skip


def _of_no_customer(bundle: AccountBundle) -> Derivation:
    told = skipped(DIALECT, ACCOUNT, bundle.account_id, bundle.account_id, "not_a_customer", "B10")
    return replace(
        told,
        skips=(
            *told.skips,
            *(
                replace(told.skips[0], entity=ACCOUNT_CONTACT, entity_id=contact.contact_id)
                for contact in _contacts(bundle)
            ),
        ),
    )


def bundle_of(bundle: AccountBundle) -> CustomerBundle:
    """An account in the rules' terms.

    An individual's contact of the same name, which BenefitPoint makes by itself (B6), only fills its gaps (C3), as do
    its other contacts; its dependents may be second insureds. A group's contacts are its people, the primary first.
    """
    account = bundle.account
    read = BenefitPointAccount.from_payload(account)
    individual = record_in(account.get("individualAccountInfo"))
    person = record_in(individual.get("personInfo"))
    commercial = _record_type(account) == "commercial"
    made = customer(
        bundle.account_id,
        read.account_id,
        phones=[] if commercial else [_phone(individual.get("phone"))],
        is_active=read.is_active,
        is_personal=not commercial,
        is_commercial=commercial,
        first_name=None if commercial else text(person.get("firstName")),
        last_name=None if commercial else text(person.get("lastName")),
        firm_name=(read.name or _doing_business_as(account)) if commercial else None,
        email=None if commercial else text(individual.get("email")),
        address1=read.address.address1,
        address2=read.address.address2,
        city=read.address.city,
        state=read.address.state,
        postal_code=read.address.postal_code,
        date_of_birth=None if commercial else day(person.get("dateOfBirth")),
        date_added=day(account.get("createdOn")),
        branch_code=None if read.office_id is None else str(read.office_id),
        department_code=None if read.department_id is None else str(read.department_id),
        is_forgotten=FORGOTTEN in account,
    )
    policies = tuple(one for payload in bundle.plans if (one := _policy(BenefitPlan.from_payload(payload))))
    return CustomerBundle(made, _contacts(bundle), () if commercial else _dependents(bundle), policies)


def names_of(
    offices: Mapping[str, str], carriers: Mapping[str, str], lines_of_coverage: Mapping[str, str]
) -> Reference:
    """The names behind BenefitPoint's ids, for tags and renewals."""
    return replace(NO_REFERENCE, branches=offices, companies=carriers, lines_of_business=lines_of_coverage)


def _record_type(account: Payload) -> RecordType | None:
    classification = choice(account.get("accountClassification"))
    if classification in {"agent", "agency"}:
        return None
    return "personal" if classification == "individual" else "commercial"


def _doing_business_as(account: Payload) -> str | None:
    return text(record_in(account.get("groupAccountInfo")).get("DBA"))


def _contacts(bundle: AccountBundle) -> tuple[CustomerContact, ...]:
    known = [contact for contact in bundle.contacts if record_in(contact.get("contact")).get("contactID") is not None]
    known.sort(key=lambda contact: (contact.get("primary") is not True, int(contact["contact"]["contactID"])))
    return tuple(_contact(contact["contact"], place) for place, contact in enumerate(known))


def _contact(contact: Payload, place: int) -> CustomerContact:
    address = address_in(record_in(contact.get("address")))
    phones = tuple(phone for given in records_in(contact, "phones") if (phone := _phone(given)))
    return CustomerContact(
        str(contact["contactID"]), full_name(contact), None, None, text(contact.get("email")), phones, address.address1,
        address.address2, address.city, address.state, address.postal_code, None, place,
    )  # fmt: skip


def _dependents(bundle: AccountBundle) -> tuple[CustomerDependent, ...]:
    """A dependent without an id is known by its place."""
    found = []
    for key, dependent in people_in(BENEFITPOINT_DEPENDENTS, bundle.account_id, bundle.account).items():
        if not is_forgotten(dependent):
            person = record_in(dependent.get("personInfo"))
            found.append(
                CustomerDependent(
                    key, text(dependent.get("relationship")), text(person.get("firstName")), text(person.get("lastName")),
                    None, (), day(person.get("dateOfBirth")),
                )
            )  # fmt: skip
    return tuple(found)


def _policy(plan: BenefitPlan) -> Policy | None:
    """A pending plan is not a policy yet; one without a renewal date continues until BenefitPoint ends it."""
    if plan.status == "pending":
        return None
    return Policy(
        str(plan.plan_id), plan.policy_number, "C" if plan.is_over else "A", None, plan.effective_date,
        plan.renewal_date, plan.is_continuous or plan.renewal_date is None,
        None if plan.carrier_id is None else str(plan.carrier_id),
        () if plan.product_type_id is None else (str(plan.product_type_id),), plan.monthly_premium or Decimal(),
    )  # fmt: skip


def _phone(given: Any) -> GivenPhone | None:
    phone = record_in(given)
    kind, number = choice(phone.get("type")) or "", text(phone.get("number"))
    if number is None or kind in _NO_PHONES:
        return None
    return GivenPhone(_PHONES.get(kind, "business"), text(phone.get("areaCode")), number, None)
