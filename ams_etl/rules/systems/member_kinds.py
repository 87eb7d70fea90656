"""What kind of value each member of HawkSoft's, QQ Catalyst's and MyCase's records holds, and which values do not fit.

A service may send a date that is not one, or text where a list belongs. The rules then read no value; this module names
the member, so that the loss is a finding with the record and never silent.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from ams_etl.rules.immutable import immutable
from ams_etl.rules.records.ams360 import flag, read_day
from ams_etl.rules.settings import SourceSystem

Kind = Literal["date", "flag", "text", "number", "list", "object"]


def _kinds(**names: str) -> Mapping[str, Kind]:
    return {name.lower(): kind for kind, joined in names.items() for name in joined.split()}  # type: ignore[misc]


MEMBER_KINDS: Mapping[SourceSystem, Mapping[str, Kind]] = {
    "hawksoft": _kinds(
        date="dateOfBirth clientSince effectiveDate expirationDate",
        flag="isPersonal isCommercial",
        text="firstName lastName companyName dbaName data address1 address2 city state zip countryCode producer csr status "
        "relationship policyNumber carrier OfficeDescription",
        number="clientNumber officeId",
        list="people contacts policies",
        object="details mailingAddress physicalAddress",
    ),
    "qq_catalyst": _kinds(
        date="DOB CreatedOn EffectiveDate ExpirationDate",
        flag="isAPerson IsDeleted",
        text="ContactSubType Status DisplayName BusinessName FirstName LastName PrimaryContact Phone PhoneType Email Line1 "
        "Line2 City State Zip Country Agent CSR PolicyNumber LOB WritingCarrier",
        number="EntityID CustomerID AgentID CsrID PolicyId",
    ),
    "mycase": _kinds(
        date="birthdate created_at updated_at",
        flag="archived active lead_lawyer originating_lawyer",
        text="first_name last_name name email address1 address2 city state zip_code country cell_phone_number "
        "home_phone_number work_phone_number main_phone_number status practice_area case_number",
        number="id",
        list="clients companies staff",
        object="address billing_contact",
    ),
}
"""By system, then by member name in lower case; the same name means the same wherever it occurs."""


@immutable(frozen=True, slots=True)
class Misfits:
    """Members whose value is not of its kind.

    Attributes:
        values: dates, flags, numbers and texts: the record is used without them.
        containers: lists and objects: whatever they held is lost, so the record is not used.
    """

    values: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()


def misfits_in(system: SourceSystem, record: Any) -> Misfits:
    """Return the members of a record whose values are not of their kind, each with its path; never the values."""
    kinds = MEMBER_KINDS.get(system)
    if kinds is None:
        return Misfits()
    found = list(_misfits(kinds, record, ""))
    return Misfits(
        tuple(dict.fromkeys(word for word, is_container in found if not is_container)),
        tuple(dict.fromkeys(word for word, is_container in found if is_container)),
    )


def _misfits(kinds: Mapping[str, Kind], record: Any, path: str) -> Iterator[tuple[str, bool]]:
    if isinstance(record, list):
        for item in record:
            yield from _misfits(kinds, item, path)
        return
    if not isinstance(record, Mapping):
        return
    for name, value in record.items():
        kind = kinds.get(name.lower())
        here = f"{path}{name[:40]}"
        if value is None or value == "":
            continue
        if kind is not None and not _fits(kind, value):
            yield f"{here} is not a {kind}", kind in {"list", "object"}
        elif kind == "list" and not all(isinstance(item, Mapping) for item in value):
            yield f"{here} holds items that are not records", True
        yield from _misfits(kinds, value, f"{here}.")


def _fits(kind: Kind, value: Any) -> bool:
    if isinstance(value, str) and not value.strip():
        return True
    match kind:
        case "date":
            return read_day(value) is not None
        case "flag":
            return flag(value) is not None
        case "text":
            return isinstance(value, str | int | float) and not isinstance(value, bool)
        case "number":
            return not isinstance(value, bool) and (isinstance(value, int) or str(value).strip().isdecimal())
        case "list":
            return isinstance(value, list)
        case "object":
            return isinstance(value, Mapping)
