"""AMS360's codes for what a plan of BenefitPoint names: its carrier, and its product type as a line of business (B5)."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal, Self

from ams_etl.rules.immutable import immutable
from ams_etl.rules.records.ams360 import Payload, code, flag, text

WaitsFor = Literal["carrier", "line_of_business", "effective_date"]
SETTINGS: Mapping[WaitsFor, str] = {"carrier": "carriers", "line_of_business": "lines_of_business"}
"""The key under `benefitpoint:` that holds the code a plan waits for."""


def code_name_key(name: str) -> str:
    """What two names must share to be one: letters without case, blanks and underscores collapsed."""
    return " ".join(name.replace("_", " ").split()).casefold()


@immutable(frozen=True, slots=True)
class CodeMapping:
    """From BenefitPoint's ids and names to AMS360's codes; codes are kept exactly as written.

    Attributes:
        ids: code by id.
        names: code by `code_name_key`.
    """

    ids: Mapping[int, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[Any, Any]) -> Self:
        """Read a mapping as people write it: a key of digits is an id, any other one a name.

        Raises:
            ValueError: a key or a code is not valid, or a key occurs twice; the message says which.
        """
        ids: dict[int, str] = {}
        names: dict[str, str] = {}
        for key, value in given.items():
            if isinstance(key, bool) or not isinstance(key, int | str) or not str(key).strip():
                raise ValueError(
                    f"{key!r}: expected an id, or a name (in quotes, where YAML reads it as something else)"
                )
            if not isinstance(value, str) or code(value) is None:
                raise ValueError(f"{key}: expected AMS360's code in quotes, found {value!r}")
            written = str(key).strip()
            if written.isdecimal():
                fresh = int(written) not in ids
                ids[int(written)] = value
            else:
                fresh = code_name_key(written) not in names
                names[code_name_key(written)] = value
            if not fresh:
                raise ValueError(f"{key}: occurs twice; names are compared without case and blanks")
        return cls(ids, names)

    def code_for(self, named: "Named") -> str | None:
        """The code of what a plan names: an id wins over names, an exacter name over a wider one."""
        found = self.ids.get(named.id)
        return found or next((self.names[key] for key in map(code_name_key, named.names) if key in self.names), None)


@immutable(frozen=True, slots=True)
class PlanMappings:
    """What an agency's settings say: companies by carrier, lines of business by product type."""

    carriers: CodeMapping = field(default_factory=CodeMapping)
    lines_of_business: CodeMapping = field(default_factory=CodeMapping)


@immutable(frozen=True, slots=True)
class Named:
    """A carrier or a product type: its id and its names, the exactest first."""

    id: int
    names: tuple[str, ...] = ()

    @classmethod
    def carrier(cls, carrier_id: int, payload: Payload | None) -> Self:
        """Read a CarrierSummary; without one it has no name."""
        return cls._of(carrier_id, payload, "carrierName", "carrierAlias")

    @classmethod
    def product_type(cls, product_type_id: int, payload: Payload | None) -> Self:
        """Read a ProductType: its long and short description, then its line of coverage, which several share."""
        return cls._of(product_type_id, payload, "longDescription", "shortDescription", "lineOfCoverage")

    @classmethod
    def _of(cls, key: int, payload: Payload | None, *members: str) -> Self:
        names = (text((payload or {}).get(member)) for member in members)
        return cls(key, tuple(dict.fromkeys(name.replace("_", " ") for name in names if name)))

    def __str__(self) -> str:
        return f"{self.id} ({self.names[0]})" if self.names else str(self.id)


@immutable(frozen=True, slots=True)
class ListedCode:
    """A company or a line of business as AMS360 last listed it.

    Attributes:
        name: for people.
        is_inactive: it is for old policies only.
        kind: what a policy with this code repeats: CompanyType or TypeOfBusiness.
    """

    name: str | None
    is_inactive: bool
    kind: str | int | None

    @classmethod
    def company(cls, payload: Payload) -> Self:
        """Read a CompanyInfo record."""
        kind = text(payload.get("CompanyType"))
        return cls(text(payload.get("Name")), flag(payload.get("IsInactive")) is True, kind)

    @classmethod
    def line(cls, payload: Payload) -> Self:
        """Read a LineOfBusinessInfo record."""
        kind = payload.get("TypeOfBusinessCode")
        named = text(payload.get("Description"))
        return cls(named, flag(payload.get("IsInactive")) is True, kind if isinstance(kind, int) else None)


@immutable(frozen=True, slots=True)
class Listed:
    """AMS360's live companies and lines of business, by code; those that a mapping names are enough."""

    companies: Mapping[str, ListedCode] = field(default_factory=dict)
    lines_of_business: Mapping[str, ListedCode] = field(default_factory=dict)


@immutable(frozen=True, slots=True)
class Waiting:
    """What a plan waits for, and what a person is to do about it; no personal data.

    Attributes:
        waits_for: what is missing.
        reason: a sentence.
        named: the carrier or the product type.
        code: the code that the settings give, where AMS360 does not have it.
    """

    waits_for: WaitsFor
    reason: str
    named: Named | None = None
    code: str | None = None


def look_up(
    waits_for: Literal["carrier", "line_of_business"],
    named: Named,
    mapping: CodeMapping,
    listed: Mapping[str, ListedCode],
) -> tuple[str, ListedCode] | Waiting:
    """The code of a carrier or product type and what AMS360 says of it, or why there is none to send (B5).

    A code that AMS360 does not list, or has put away, is not sent: a refusal there would come too late to be seen here.
    """
    found = mapping.code_for(named)
    theirs, ours = ("company", "carrier") if waits_for == "carrier" else ("line of business", "product type")
    place = f"benefitpoint.{SETTINGS[waits_for]}"
    if found is None:
        key = named.names[0] if named.names else named.id
        return Waiting(waits_for, f"{ours} {named} has no {theirs} of AMS360: say {key}: CODE under {place}", named)
    said = f"under {place}, {ours} {named} has the code {found!r}"
    if found not in listed:
        return Waiting(waits_for, f"{said}, and AMS360 lists no such {theirs}", named, found)
    if listed[found].is_inactive:
        return Waiting(waits_for, f"{said}, and AMS360 has put that {theirs} away as inactive", named, found)
    return found, listed[found]
