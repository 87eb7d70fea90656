"""BenefitPoint records as the rules see them: only the members that a rule reads, cleaned of empty and unset."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Self

from ams_etl.rules.immutable import immutable
from ams_etl.rules.model import Address
from ams_etl.rules.reach.emails import emails_in
from ams_etl.rules.reach.phones import normalise
from ams_etl.rules.reach.states import state_code
from ams_etl.rules.records.ams360 import Payload, day, flag, text

_UNSET = frozenset({"None_Selected", "Not_Selected"})
_INFOS = (
    "groupAccountInfo", "individualAccountInfo", "marketingGroupAccountInfo", "agencyAccountInfo", "agentAccountInfo",
)  # fmt: skip


def choice(value: Any) -> str | None:
    """Return an enumeration's value in lower case; None where nothing is selected."""
    found = text(value)
    return None if found is None or found in _UNSET else found.lower()


def record_in(value: Any) -> Payload:
    """A member that is a record; an empty one where it is not there."""
    return value if isinstance(value, Mapping) else {}


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@immutable(frozen=True, slots=True)
class BenefitPointAccount:
    """The Account record. `ams_customer_id` is in lower case, because BenefitPoint writes it in either case."""

    account_id: int
    name: str | None
    classification: str | None
    account_type: str | None
    office_id: int | None
    department_id: int | None
    is_active: bool
    email: str | None
    phone: str | None
    address: Address
    ams_customer_id: str | None
    ams_customer_number: int | None

    @classmethod
    def from_payload(cls, payload: Payload) -> Self:
        """Read a getAccount record; an account whose `active` is not said counts as active."""
        info = next((found for name in _INFOS if (found := record_in(payload.get(name)))), {})
        person = record_in(info.get("personInfo"))
        link = record_in(info.get("accountIntegrationInfo"))
        named = next(
            (text(info.get(name)) for name in ("accountName", "marketingGroupName", "agencyName") if info.get(name)),
            None,
        )
        given = " ".join(part for part in (text(person.get("firstName")), text(person.get("lastName"))) if part)
        emails, _ = emails_in(text(info.get("email")) or "")
        phone = record_in(info.get("phone"))
        number, _ = normalise(text(phone.get("areaCode")), text(phone.get("number")), None, "US")
        key = text(link.get("amsCustomerId"))
        return cls(
            account_id=int(payload["accountID"]),
            name=named or given or None,
            classification=choice(payload.get("accountClassification")),
            account_type=choice(payload.get("accountType")),
            office_id=_integer(payload.get("officeID")),
            department_id=_integer(payload.get("departmentID")),
            is_active=flag(payload.get("active")) is not False,
            email=emails[0] if emails else None,
            phone=number,
            address=address_in(record_in(payload.get("mainAddress"))),
            ams_customer_id=key.strip("{}").lower() if key else None,
            ams_customer_number=_integer(link.get("amsCustomerNumber")),
        )  # fmt: skip


def address_in(given: Payload) -> Address:
    """An Address record; its state is an enumeration of names, here the code."""
    return Address(
        text(given.get("street1")), text(given.get("street2")), text(given.get("city")), state_code(given.get("state")),
        text(given.get("zip")), None,
    )  # fmt: skip


@immutable(frozen=True, slots=True)
class BenefitPlan:
    """The Product record, which BenefitPoint shows as a plan."""

    plan_id: int
    account_id: int
    name: str | None
    policy_number: str | None
    status: str | None
    product_type_id: int | None
    carrier_id: int | None
    effective_date: date | None
    renewal_date: date | None
    is_continuous: bool
    monthly_premium: Decimal | None
    ams_policy_id: str | None

    @property
    def is_over(self) -> bool:
        """Whether BenefitPoint says that it has ended, whatever its term."""
        return self.status in {"cancelled", "expired"}

    @classmethod
    def from_payload(cls, payload: Payload) -> Self:
        """Read a getProduct record; the contract spells `continousPolicy` so."""
        premium = payload.get("totalEstimatedMonthlyPremium")
        key = text(record_in(payload.get("policyIntegrationInfo")).get("amsPolicyID"))
        return cls(
            plan_id=int(payload["productID"]),
            account_id=int(payload["accountID"]),
            name=text(payload.get("name")),
            policy_number=text(payload.get("policyNumber")),
            status=choice(payload.get("productStatus")),
            product_type_id=_integer(payload.get("productTypeID")),
            carrier_id=_integer(payload.get("carrierID")),
            effective_date=day(payload.get("effectiveAsOf")),
            renewal_date=day(payload.get("renewalOn")),
            is_continuous=flag(payload.get("continousPolicy")) is True,
            monthly_premium=Decimal(str(premium)) if isinstance(premium, int | float) else None,
            ams_policy_id=key.strip("{}").lower() if key else None,
        )
