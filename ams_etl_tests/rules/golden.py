"""The golden cases: read from `cases/*.yaml`, run through the rules, compared with what each expects.

A case says only what matters: AMS360 members of a customer and what is beneath it, settings, and the part of the answer
that the rule is about. Everything else has the defaults below.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from ams_etl.rules.contacts import candidates, connections, merging
from ams_etl.rules.contacts.by_hand import suppress_by_hand
from ams_etl.rules.contacts.marked_people import refused_emails
from ams_etl.rules.contacts.shared_emails import is_over_shared
from ams_etl.rules.model import Candidate, Contact, Derivation, KeyFact, NameOverride, Phone, Skip
from ams_etl.rules.records.ams360 import (
    Customer,
    CustomerBundle,
    CustomerContact,
    CustomerDependent,
    Employee,
    Policy,
    Reference,
)
from ams_etl.rules.settings import RuleSettings

CASES = Path(__file__).parent / "cases"
TODAY = date(2026, 11, 21)
REFERENCE = Reference(
    employees={
        "E 1": Employee("E 1", "Eve Exec", "EVE"),
        "R<1": Employee("R<1", "Rob Rep", None),
        "E&2": Employee("E&2", "Ed Elder", "EEL"),
    },
    companies={"TRV": "Travelers", "SAF": " Safeco "},
    lines_of_business={"HOME": "Homeowners", "AUTO": "Personal Auto", "GL": "General Liability"},
    branches={"B1": "Downtown"},
    departments={"D1": "Personal Lines"},
    divisions={"V1": "Main Street Agency"},
    groups={"G1": "House"},
)
_SETTINGS: TypeAdapter[RuleSettings] = TypeAdapter(RuleSettings)
_CASE_KEYS = frozenset(
    ["name", "rules", "customer", "contacts", "dependents", "policies", "shells", "customers", "settings", "today",
     "users", "overrides", "suppressed", "expect"]
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One row of the golden table."""

    chapter: str
    name: str
    rules: tuple[str, ...]
    given: Mapping[str, Any]

    @property
    def title(self) -> str:
        """How pytest shows it."""
        return f"{self.chapter}: {self.name}"


@cache
def load() -> tuple[Case, ...]:
    """Every case of every chapter."""
    found = []
    for file in sorted(CASES.glob("*.yaml")):
        for given in yaml.safe_load(file.read_text(encoding="utf-8")):
            unknown = set(given) - _CASE_KEYS
            if unknown:
                raise ValueError(f"{file.name}: {given.get('name')}: unknown keys {sorted(unknown)}")
            found.append(Case(file.stem, given["name"], tuple(given["rules"]), given))
    return tuple(found)


def differences(case: Case) -> list[str]:
    """Where the rules' answer differs from what the case expects; empty when it passes."""
    return list(_unlike(case.given["expect"], answer(case.given), "expect"))


def answer(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the rules say to a case, as plain values."""
    settings = _SETTINGS.validate_python(given.get("settings", {}))
    today = given.get("today", TODAY)
    customers = given.get("customers") or [given]
    derived = [
        candidates.derive(bundle(entry, number), REFERENCE, settings, today)
        for number, entry in enumerate(customers, 1)
    ]
    found = _of_derivations(derived)
    found["merged"], segmented = _merged(
        [candidate for each in derived for candidate in each.candidates], settings, given
    )
    found["skips"].update(segmented)
    return found


def bundle(given: Mapping[str, Any], number: int = 1) -> CustomerBundle:
    """A case's customer with everything beneath it; ids follow from their position."""
    prefix = "" if number == 1 else f"{number}."
    customer = {
        "CustomerId": f"customer-{number}",
        "CustomerNumber": number,
        "IsActive": True,
        **given.get("customer", {}),
    }
    return CustomerBundle(
        Customer.from_payload(_wire(customer)),
        tuple(
            CustomerContact.from_payload({"CustomerContactId": f"contact-{prefix}{at}", **_wire(entry)})
            for at, entry in enumerate(given.get("contacts", ()), 1)
        ),
        tuple(
            CustomerDependent.from_payload({"DependentId": f"dependent-{prefix}{at}", "Relationship": "Spouse", **_wire(entry)})
            for at, entry in enumerate(given.get("dependents", ()), 1)
        ),
        tuple(
            Policy.from_payload(
                {
                    "PolicyId": f"policy-{prefix}{at}", "PolicyStatus": "A", "PolicyEffectiveDate": "2026-01-01T00:00:00",
                    "PolicyExpirationDate": "2027-01-01T00:00:00", "IsContinuous": False, **_wire(entry),
                }
            )
            for at, entry in enumerate(given.get("policies", ()), 1)
        ),
        frozenset(given.get("shells", ())),
    )  # fmt: skip


def _wire(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as AMS360's JSON form has it: dates as dateTimes, lines of business in their wrapper."""
    found = {
        key: f"{value.isoformat()}T00:00:00" if isinstance(value, date) else value for key, value in record.items()
    }
    if "lines" in found:
        lines = [{"PolicyLineOfBusiness": line, "SortOrderNumber": at} for at, line in enumerate(found.pop("lines"))]
        found["LineOfBusinessList"] = {"PolicyLineOfBusiness": lines}
    return found


def _of_derivations(derived: Sequence[Derivation]) -> dict[str, Any]:
    everyone = [candidate for each in derived for candidate in each.candidates]
    by_role: dict[str, list[dict[str, Any]]] = {"primary": [], "contact": [], "second_insured": []}
    for entry in everyone:
        by_role[entry.role].append(_candidate(entry))
    return {
        "primary": by_role["primary"][0] if by_role["primary"] else None,
        "contacts": by_role["contact"],
        "second_insured": by_role["second_insured"],
        "candidates": len(everyone),
        "skips": {skip.entity_id: _skip(skip) for each in derived for skip in each.skips},
        "review_on": derived[0].review_on,
    }


def _merged(
    everyone: Sequence[Candidate], settings: RuleSettings, given: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The contacts that come of all candidates, in the order of their best sources, and who segments left out."""
    by_id = {record.entity_id: record for record in everyone}
    shared: dict[str, list[str]] = {}
    if settings.merge_by == "email":
        for candidate in everyone:
            for email in candidate.emails:
                shared.setdefault(email, []).append(candidate.entity_id)
    holders = {email: [by_id[key] for key in keys] for email, keys in shared.items()}
    shared = {
        email: keys for email, keys in shared.items() if not is_over_shared(holders[email], settings.shared_email_limit)
    }
    groups = merging.components([[key] for key in by_id] + list(shared.values()))
    users = {tuple(key.split(":", 1)): user for key, user in given.get("users", {}).items()}
    overrides = {
        ("ams360", by_id[key].entity, key): NameOverride(
            name.get("first_name"), name.get("last_name"), name.get("nickname")
        )
        for key, name in given.get("overrides", {}).items()
        if key in by_id
    }
    suppressed = {("ams360", by_id[key].entity, key) for key in given.get("suppressed", ()) if key in by_id}
    refused = refused_emails(everyone)
    contacts, skips = [], {}
    for group in sorted(groups, key=min):
        outcome = merging.merge([by_id[key] for key in group], settings, users, overrides, refused)
        if isinstance(outcome, Contact):
            contacts.append(_contact(suppress_by_hand(outcome, suppressed)))
        else:
            skips.update({skip.entity_id: _skip(skip) for skip in outcome})
    return contacts, skips


def _skip(skip: Skip) -> str:
    return f"{skip.reason} {skip.rule}"


def _candidate(one: Candidate) -> dict[str, Any]:
    return {**_shared(one), "absorbed": [entity_id for _, entity_id in one.absorbed], "id": one.entity_id}


def _contact(one: Contact) -> dict[str, Any]:
    return {
        **_shared(one),
        "owner": one.owner_user_id,
        "owner_role": one.owner_role,
        "sources": [source.entity_id for source in one.sources],
        "senders": {
            kind: connections.sender_for(one, kind) for types in connections.CONNECTION_TYPES.values() for kind in types
        },
        "users": [
            f"{connection.connection_type} {connection.employee_code}: {connection.user_id}"
            for connection in one.connections
        ],
    }


def _shared(one: Candidate | Contact) -> dict[str, Any]:
    address = one.address
    return {
        "first_name": one.first_name, "last_name": one.last_name, "nickname": one.nickname, "middle_name": one.middle_name,
        "company_name": one.company_name,
        "suppressed_reason": one.suppressed_reason, "record_type": one.record_type, "status": one.status,
        "email": one.emails[0] if one.emails else None, "emails": list(one.emails),
        "phone": _phone(one.phones[0]) if one.phones else None,
        "phones": [f"{phone.kind} {_phone(phone)}" for phone in one.phones],
        "address": ", ".join(
            part for part in (address.address1, address.address2, address.city, address.state, address.postal_code,
                              address.country) if part
        ),
        "birthday": one.birthday, "tags": sorted(tag.tag for tag in one.tags),
        "key_facts": [_fact(fact) for fact in one.key_facts],
        "connections": [
            f"{connection.connection_type} {connection.employee_code} {connection.employee_name}" for connection in one.connections
        ],
    }  # fmt: skip


def _phone(phone: Phone) -> str:
    return f"{phone.number} x{phone.extension}" if phone.extension else phone.number


def _fact(fact: KeyFact) -> str:
    return f"{fact.kind} {fact.label} {fact.fact_date}{' continuous' if fact.is_continuous else ''}"


def _unlike(expected: Any, found: Any, place: str) -> Iterable[str]:
    """Every place where `found` lacks what is expected."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key, value in expected.items():
            yield from _unlike_member(key, value, found, place)
    elif (
        isinstance(expected, list) and isinstance(found, list) and any(isinstance(entry, Mapping) for entry in expected)
    ):
        if len(expected) != len(found):
            yield f"{place}: {len(found)} instead of {len(expected)}: {found}"
        for at, (value, other) in enumerate(zip(expected, found, strict=False)):
            yield from _unlike(value, other, f"{place}[{at}]")
    elif (sorted(expected) if place.endswith(".tags") else expected) != found:
        yield f"{place}: {found!r} instead of {expected!r}"


def _unlike_member(key: str, value: Any, found: Mapping[str, Any], place: str) -> Iterable[str]:
    """`tags_include` and `tags_exclude` look into `tags`; an empty mapping where there must be none asks for none."""
    if key == "tags_include":
        missing = set(value) - set(found["tags"])
        if missing:
            yield f"{place}.tags: lacks {sorted(missing)} in {found['tags']}"
    elif key == "tags_exclude":
        present = set(value) & set(found["tags"])
        if present:
            yield f"{place}.tags: has {sorted(present)}"
    elif key not in found:
        yield f"{place}.{key}: not there"
    elif value == {} and found[key]:
        yield f"{place}.{key}: {found[key]} instead of none"
    else:
        yield from _unlike(value, found[key], f"{place}.{key}")
