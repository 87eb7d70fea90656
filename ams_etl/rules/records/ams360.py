"""AMS360 records with only the members that a rule reads; empty and nil values are None."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Self

from ams_etl.rules.immutable import immutable

Payload = Mapping[str, Any]
CUSTOMER, CONTACT, DEPENDENT = "customer", "customer_contact", "customer_dependent"
"""The entities that may become a contact, by their names in `mart.contact_sources`."""
FORGOTTEN = "ams_etl_forgotten"
"""The member of a forgotten person's stub that says what it is; the same in every system's records."""


def text(value: Any) -> str | None:
    """Return the value with white space collapsed (N11), a number as its digits; None for nil, blank and all else."""
    if value is None:
        return None
    if not isinstance(value, str):
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    # A word of letters and digits has no white space: half of all values.
    if value.isalnum():
        return value
    # The blank is the only printable white space, so nearly every value needs only a strip.
    if value.isprintable() and "  " not in value:
        return value.strip() or None
    return " ".join(value.split()) or None


def code(value: Any) -> str | None:
    """Return a code exactly as given, since codes may contain blanks and symbols; None for nil and empty."""
    return value if value and isinstance(value, str) and not value.isspace() else None


def flag(value: Any) -> bool | None:
    """Return a boolean, also of its usual spellings (`True`, `no`, `Y`, 0); None for anything else."""
    if value is None or isinstance(value, bool):
        return value
    return _FLAGS.get(str(value).strip().lower()) if isinstance(value, str | int) else None


def day(value: Any) -> date | None:
    """Return the calendar day of a date, by itself or with a time; None where it is invalid or 0001-01-01, "no date".

    Reads ISO (`2013-05-04T09:12:00`, `20130504`), `5/4/2013 9:12:00 AM` and `/Date(1367658720000)/`.
    """
    return _day_but_year_1(value) if isinstance(value, str) else None


def read_day(value: Any) -> date | None:
    """Return the same as `day`, and 0001-01-01 as what it is: None only where the value is not a date."""
    return _day(value) if isinstance(value, str) else None


@lru_cache(maxsize=1 << 14)
def _day_but_year_1(value: str) -> date | None:
    parsed = _day(value)
    return None if parsed == date.min else parsed


@lru_cache(maxsize=1 << 14)
def _day(value: str) -> date | None:
    return _day_as_ams360_writes_it(value) or _day_in_any_form(value)


def _day_as_ams360_writes_it(value: str) -> date | None:
    """Return the day of `2013-05-04T00:00:00`, as AMS360 sends nearly every date, without a pattern; None for any other form."""
    # Python reads other forms too, as `2013-W18-6`, the day of a week, which is no date here.
    if len(value) != 19 or not value.endswith("T00:00:00") or not value[4] == value[7] == "-":
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def _day_in_any_form(value: str) -> date | None:
    try:
        found = _ISO_DAY.fullmatch(value.strip())
        if found:
            return date(*map(int, found.groups()))
        found = _US_DAY.fullmatch(value.strip())
        if found:
            month, number, year = map(int, found.groups())
            return date(year, month, number)
        found = _MILLISECONDS.fullmatch(value.strip())
        if found:
            sign, hours, minutes = found[2] or "+", int(found[3] or 0), int(found[4] or 0)
            offset = (hours * 60 + minutes) * (-1 if sign == "-" else 1)
            return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(found[1]), minutes=offset)).date()
    except (ValueError, OverflowError):
        return None
    return None


_CLOCK = r"(?:[T ]+\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*(?:Z|UTC|GMT|[+-]\d\d:?\d\d)?)?"
_ISO_DAY = re.compile(r"(\d{4})[-/]?(\d\d)[-/]?(\d\d)(?:Z|[+-]\d\d:\d\d)?" + _CLOCK, re.ASCII)
_US_DAY = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})" + _CLOCK, re.ASCII)
_MILLISECONDS = re.compile(r"\\?/Date\((-?\d{1,15})(?:([+-])(\d\d)(\d\d))?\)\\?/", re.ASCII)
_FLAGS = {"true": True, "yes": True, "y": True, "1": True, "false": False, "no": False, "n": False, "0": False}


def _integer(value: Any) -> int | None:
    if value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


_NO_PREMIUM = Decimal()


def _premium(value: Any) -> Decimal:
    if not value:
        return _NO_PREMIUM
    try:
        premium = Decimal(str(value))
    except InvalidOperation:
        return _NO_PREMIUM
    return premium if premium.is_finite() else _NO_PREMIUM


def _items(value: Any) -> list[Payload]:
    """Return the items of a list member, which AMS360 sends as a list or wrapped in its item's name."""
    if isinstance(value, _MAPPINGS):
        value = next(iter(value.values()), None)
        value = [value] if isinstance(value, _MAPPINGS) else value
    return [item for item in value if isinstance(item, _MAPPINGS)] if isinstance(value, list) else []


_MAPPINGS = (dict, Mapping)
"""The type of JSON objects is asked for first: an abstract class takes ten times as long to say yes."""


def _lines(value: Any) -> tuple[str, ...]:
    """Return the codes of a policy's lines of business, each once, in SortOrderNumber, then in AMS360's order."""
    items = _items(value) if value else ()
    if not items:
        return ()
    if len(items) == 1:
        line = code(items[0].get("PolicyLineOfBusiness"))
        return (line,) if line else ()
    lines = [
        (number if (number := _integer(item.get("SortOrderNumber"))) is not None else 1 << 30, line)
        for item in items
        if (line := code(item.get("PolicyLineOfBusiness")))
    ]
    lines.sort(key=lambda pair: pair[0])
    return tuple(dict.fromkeys([line for _, line in lines]))


@immutable(frozen=True, slots=True)
class GivenPhone:
    """A phone in parts, as the record holds it; of an international one `area_code` is the country's code."""

    kind: str
    area_code: str | None
    number: str | None
    extension: str | None


_CUSTOMER_PHONES = (
    ("cell", "CellAreaCode", "CellPhone", "CellExtension"),
    ("home", "HomeAreaCode", "HomePhone", "HomeExtension"),
    ("business", "BusinessAreaCode", "BusinessPhone", "BusinessExtension"),
    ("international", "InternationalCountryCode1", "InternationalPhoneNumber1", "InternationalPhoneExtension1"),
    ("international", "InternationalCountryCode2", "InternationalPhoneNumber2", "InternationalPhoneExtension2"),
)
_OTHER_PHONES = (
    ("cell", "MobileAreaCode", "MobilePhone", "MobileExt"),
    ("home", "ResidenceAreaCode", "ResidencePhone", "ResidenceExt"),
    ("business", "BusinessAreaCode", "BusinessPhone", "BusinessExt"),
)


def _phones(payload: Payload, parts: tuple[tuple[str, str, str, str], ...]) -> tuple[GivenPhone, ...]:
    return tuple(
        [
            GivenPhone(kind, text(payload.get(area_code)), number, text(payload.get(extension)))
            for kind, area_code, phone, extension in parts
            if (number := payload.get(phone)) is not None and (number := text(number))
        ]
    )


@immutable(frozen=True, slots=True)
class Customer:
    """The Customer record."""

    customer_id: str
    customer_number: int
    is_active: bool
    is_personal: bool
    is_commercial: bool
    is_health: bool
    first_name: str | None
    last_name: str | None
    firm_name: str | None
    informal_salutation: str | None
    formal_salutation: str | None
    email: str | None
    phones: tuple[GivenPhone, ...]
    address1: str | None
    address2: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    country: str | None
    date_of_birth: date | None
    date_added: date | None
    executive_code: str | None
    representative_code: str | None
    division_code: str | None
    branch_code: str | None
    department_code: str | None
    group_code: str | None
    notation_id: str | None
    middle_name: str | None = None
    is_forgotten: bool = False

    @classmethod
    def from_payload(cls, payload: Payload) -> Self:
        """Read a CustomerGetById record; a customer without IsActive counts as active."""
        get = payload.get
        active = flag(get("IsActive"))
        return cls(
            customer_id=str(get("CustomerId")),
            customer_number=_integer(get("CustomerNumber")) or 0,
            is_active=active if active is not None else True,
            is_personal=bool(flag(get("IsPersonal"))),
            is_commercial=bool(flag(get("IsCommercial"))),
            is_health=bool(flag(get("IsHealth"))),
            first_name=text(get("FirstName")),
            last_name=text(get("LastName")),
            firm_name=text(get("FirmName")),
            informal_salutation=text(get("InformalSalutation")),
            formal_salutation=text(get("FormalSalutation")),
            email=text(get("Email")),
            phones=_phones(payload, _CUSTOMER_PHONES),
            address1=text(get("AddressLine1")),
            address2=text(get("AddressLine2")),
            city=text(get("City")),
            state=text(get("State")),
            postal_code=text(get("ZipCode")),
            country=text(get("Country")),
            date_of_birth=day(get("DateOfBirth")),
            date_added=day(get("DateCustomerAdded")),
            executive_code=code(get("AccountExecCode")),
            representative_code=code(get("AccountRepCode")),
            division_code=code(get("GLDivisionCode")),
            branch_code=code(get("GLBranchCode")),
            department_code=code(get("GLDepartmentCode")),
            group_code=code(get("GLGroupCode")),
            notation_id=text(get("CustomerNotationId")),
            middle_name=text(get("MiddleName")),
            is_forgotten=FORGOTTEN in payload,
        )


@immutable(frozen=True, slots=True)
class CustomerContact:
    """A CustomerContact record."""

    contact_id: str
    contact_name: str | None
    informal_salutation: str | None
    formal_salutation: str | None
    email: str | None
    phones: tuple[GivenPhone, ...]
    address1: str | None
    address2: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    country: str | None
    sort_order: int | None

    @classmethod
    def from_payload(cls, payload: Payload) -> Self:
        """Read a CustomerContactGetList record."""
        get = payload.get
        return cls(
            contact_id=str(get("CustomerContactId")),
            contact_name=text(get("ContactName")),
            informal_salutation=text(get("InformalSalutation")),
            formal_salutation=text(get("FormalSalutation")),
            email=text(get("EmailAddress")),
            phones=_phones(payload, _OTHER_PHONES),
            address1=text(get("Address1")),
            address2=text(get("Address2")),
            city=text(get("City")),
            state=text(get("State")),
            postal_code=text(get("Zip")),
            country=text(get("Country")),
            sort_order=_integer(get("SortOrder")),
        )


@immutable(frozen=True, slots=True)
class CustomerDependent:
    """A CustomerDependent record."""

    dependent_id: str
    relationship: str | None
    first_name: str | None
    last_name: str | None
    email: str | None
    phones: tuple[GivenPhone, ...]
    date_of_birth: date | None
    middle_name: str | None = None

    @classmethod
    def from_payload(cls, payload: Payload) -> Self:
        """Read a CustomerDependentGetList record."""
        get = payload.get
        return cls(
            dependent_id=str(get("DependentId")),
            relationship=text(get("Relationship")),
            first_name=text(get("FirstName")),
            last_name=text(get("LastName")),
            email=text(get("Email")),
            phones=_phones(payload, _OTHER_PHONES),
            date_of_birth=day(get("DOB")),
            middle_name=text(get("MiddleName")),
        )


Source = Customer | CustomerContact | CustomerDependent


def key_of(record: Source) -> tuple[str, str]:
    """Return the entity and entity id of a record that may become a contact."""
    if isinstance(record, Customer):
        return CUSTOMER, record.customer_id
    if isinstance(record, CustomerContact):
        return CONTACT, record.contact_id
    return DEPENDENT, record.dependent_id


@immutable(frozen=True, slots=True)
class Policy:
    """A Policy record."""

    policy_id: str
    policy_number: str | None
    status: str | None
    sub_type: str | None
    effective: date | None
    expiration: date | None
    is_continuous: bool
    company_code: str | None
    lines_of_business: tuple[str, ...]
    premium: Decimal
    notation_id: str | None = None

    @classmethod
    def from_payload(cls, payload: Payload) -> Self:
        """Read a PolicyGet record; lines of business in SortOrderNumber, then in AMS360's order."""
        get = payload.get
        return cls(
            policy_id=str(get("PolicyId")),
            policy_number=text(get("PolicyNumber")),
            status=text(get("PolicyStatus")),
            sub_type=text(get("PolicySubType")),
            effective=day(get("PolicyEffectiveDate")),
            expiration=day(get("PolicyExpirationDate")),
            is_continuous=bool(flag(get("IsContinuous"))),
            company_code=code(get("WritingCompanyCode")),
            lines_of_business=_lines(get("LineOfBusinessList")),
            premium=_premium(get("FullTermPremium")),
            notation_id=text(get("PolicyNotationId")),
        )


@immutable(frozen=True, slots=True)
class Employee:
    """An EmployeeInfo record."""

    employee_code: str
    name: str | None
    short_name: str | None

    @classmethod
    def from_payload(cls, payload: Payload) -> Self:
        """Read an EmployeeGetListAll record."""
        names = (text(payload.get("FirstName")), text(payload.get("LastName")))
        return cls(
            employee_code=str(payload.get("EmployeeCode")),
            name=" ".join(name for name in names if name) or None,
            short_name=text(payload.get("ShortName")),
        )


@immutable(frozen=True, slots=True)
class Reference:
    """The names of AMS360's codes."""

    employees: Mapping[str, Employee]
    companies: Mapping[str, str]
    lines_of_business: Mapping[str, str]
    branches: Mapping[str, str]
    departments: Mapping[str, str]
    divisions: Mapping[str, str]
    groups: Mapping[str, str]


@immutable(frozen=True, slots=True)
class CustomerBundle:
    """One customer with its dependent records; `shell_policy_ids` are the policy shells that we created (W8)."""

    customer: Customer
    contacts: tuple[CustomerContact, ...] = ()
    dependents: tuple[CustomerDependent, ...] = ()
    policies: tuple[Policy, ...] = ()
    shell_policy_ids: frozenset[str] = frozenset()
