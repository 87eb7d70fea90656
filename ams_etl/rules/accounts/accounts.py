"""Accounts: combine what AMS360 and BenefitPoint hold about one, decide whose value counts, and derive its id."""

from collections.abc import Collection, Mapping
from typing import Literal, Self

from ams_etl.rules.accounts.benefitpoint_records import BenefitPointAccount
from ams_etl.rules.accounts.names import account_name, account_name_key
from ams_etl.rules.immutable import immutable
from ams_etl.rules.model import Address
from ams_etl.rules.reach.emails import emails_in
from ams_etl.rules.reach.phones import phones_of
from ams_etl.rules.records.ams360 import Customer, Payload, text
from ams_etl.rules.records.record_types import record_type_of

System = Literal["ams360", "benefitpoint"]


@immutable(frozen=True, slots=True)
class CustomerAccount:
    """An AMS360 customer seen as an account."""

    customer_id: str
    customer_number: int
    name: str | None
    is_active: bool
    email: str | None
    phone: str | None
    address: Address

    @classmethod
    def from_payload(cls, payload: Payload) -> Self:
        """Read a CustomerGetById record."""
        customer = Customer.from_payload(payload)
        emails, _ = emails_in(customer.email or "")
        phones = phones_of(customer.phones, record_type_of(customer), "US")
        return cls(
            customer_id=customer.customer_id,
            customer_number=customer.customer_number,
            name=account_name(customer, text(payload.get("DoingBusinessAs"))),
            is_active=customer.is_active,
            email=emails[0] if emails else None,
            phone=phones[0].number if phones else None,
            address=Address(
                customer.address1, customer.address2, customer.city, customer.state, customer.postal_code, None
            ),
        )

    @property
    def name_key(self) -> str:
        """What its name is compared by."""
        return account_name_key(self.name)


@immutable(frozen=True, slots=True)
class Account:
    """A row of `mart.accounts`, its id apart."""

    name: str | None
    classification: str | None
    account_type: str | None
    office: str | None
    department: str | None
    is_active: bool
    email: str | None
    phone: str | None
    address: Address
    customer_number: int | None
    ams360_customer_id: str | None
    benefitpoint_account_id: int | None

    @property
    def ams360_synced(self) -> bool:
        """Whether AMS360 has it (B1)."""
        return self.ams360_customer_id is not None

    @property
    def benefitpoint_synced(self) -> bool:
        """Whether BenefitPoint has it (B1, B2)."""
        return self.benefitpoint_account_id is not None


def account_of(
    customer: CustomerAccount | None, account: BenefitPointAccount | None, offices: Mapping[int, str]
) -> Account:
    """B2, B4, B6: AMS360's values where it has the customer, empty ones too; what only BenefitPoint has is its own.

    Args:
        customer: AMS360's side, or None for an account known to BenefitPoint alone.
        account: BenefitPoint's side, or None.
        offices: names of BenefitPoint's offices by id.

    Raises:
        ValueError: neither side is given.
    """
    values = customer or account
    if values is None:
        raise ValueError("an account has a customer, a BenefitPoint account or both")
    return Account(
        name=values.name,
        classification=account.classification if account else None,
        account_type=account.account_type if account else None,
        office=_office(account, offices),
        department=str(account.department_id) if account and account.department_id is not None else None,
        is_active=values.is_active,
        email=values.email,
        phone=values.phone,
        address=values.address,
        customer_number=customer.customer_number if customer else None,
        ams360_customer_id=customer.customer_id if customer else None,
        benefitpoint_account_id=account.account_id if account else None,
    )


def named_by(
    customer: CustomerAccount | None, account: BenefitPointAccount | None, *, account_first: bool = False
) -> tuple[System, str]:
    """B3: the record whose key makes the account's id: the one that was seen first, AMS360's of two seen at once.

    So the account keeps its id when the other system lists it too, whichever that is. The key of the other record makes
    its other id, under which it may have been known until the two were linked.

    Args:
        customer: AMS360's side, or None.
        account: BenefitPoint's side, or None.
        account_first: BenefitPoint's record was seen before AMS360's.

    Raises:
        ValueError: neither side is given.
    """
    if customer is not None and (account is None or not account_first):
        return "ams360", customer.customer_id.lower()
    if account is None:
        raise ValueError("an account has a customer, a BenefitPoint account or both")
    return "benefitpoint", str(account.account_id)


def told_of_an_edit(
    *, ams360_synced: bool, benefitpoint_synced: bool, named: Collection[str] | None = None
) -> tuple[System, ...]:
    """B7: an edit made in the platform goes to exactly the systems that the account is synced with.

    Args:
        ams360_synced: whether AMS360 has it.
        benefitpoint_synced: whether BenefitPoint has it.
        named: of these, the systems that shall have the edit; None: all.
    """
    systems: tuple[tuple[System, bool], ...] = (("ams360", ams360_synced), ("benefitpoint", benefitpoint_synced))
    return tuple(system for system, synced in systems if synced and (named is None or system in named))


def _office(account: BenefitPointAccount | None, offices: Mapping[int, str]) -> str | None:
    return None if account is None or account.office_id is None else offices.get(account.office_id)
