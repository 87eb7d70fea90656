"""MyCase clients and companies: what their cases make them, and whose they are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ams_etl.rules.contacts.connections import LEAD, ORIGINATING
from ams_etl.rules.immutable import immutable
from ams_etl.rules.model import Candidate, Connection, Derivation, Finding, Status, Tag
from ams_etl.rules.records.ams360 import CONTACT, CUSTOMER, DEPENDENT, CustomerBundle, Payload, Policy, day, flag, text
from ams_etl.rules.settings import RuleSettings
from ams_etl.rules.systems.any_system import (
    NO_REFERENCE,
    Dialect,
    customer,
    derive_in,
    explain_in,
    phone,
    ranked,
    records_in,
)

CLIENT, COMPANY = "client", "company"
_MEMBERS = {
    "FirstName": "first_name", "LastName": "last_name", "FirmName": "name", "Email": "email", "DateOfBirth": "birthdate",
    "IsActive": "archived", "CustomerId": "id", "AddressLine1, City, State, ZipCode": "address",
    "CellPhone": "cell_phone_number", "HomePhone": "home_phone_number", "BusinessPhone": "work_phone_number",
    "AccountExecCode": "case.staff.lead_lawyer", "AccountRepCode": "case.staff.originating_lawyer",
}  # fmt: skip
_DIALECTS = {
    kind: Dialect(
        "mycase", "MyCase", {CUSTOMER: kind, CONTACT: kind, DEPENDENT: kind},
        {"Executive": LEAD, "Representative": ORIGINATING}, _MEMBERS,
    )
    for kind in (CLIENT, COMPANY)
}  # fmt: skip
_tag = lru_cache(maxsize=1 << 12)(Tag)


@immutable(frozen=True, slots=True)
class Party:
    """A client or a company, with every case that names it."""

    kind: str
    record: Payload
    cases: tuple[Payload, ...] = ()

    @property
    def entity_id(self) -> str:
        """Its id, alone."""
        return str(self.record.get("id"))

    @property
    def customer_id(self) -> str:
        """`client:ID` or `company:ID`: each kind has ids of its own."""
        return f"{self.kind}:{self.entity_id}"


def derive(party: Party, staff: Mapping[str, str], settings: RuleSettings, today: date) -> Derivation:
    """A client's or company's one candidate.

    Args:
        party: with all of its cases: a part of them cannot say which was updated last.
        staff: names of the firm's people by their id.
        settings: the agency's choices; `prospects` is about parties without a case, `import_inactive` about archived ones.
        today: the date the rules are asked for.
    """
    cases = in_order_of_update(party.cases)
    status = case_status(cases)
    connections = attorneys(cases, staff)

    def amend(candidate: Candidate) -> Candidate:
        standing = "inactive" if candidate.status == "inactive" else status
        kept = [tag for tag in candidate.tags if tag.category != "default"]
        return replace(
            candidate,
            entity_id=party.entity_id,
            status=standing,
            has_policy_in_force=standing == "client",
            tags=tuple(
                dict.fromkeys([*case_tags(party, cases, settings), *kept, *_attorney_tags(connections, settings)])
            ),
            connections=connections,
        )

    bundle = bundle_of(party)
    derived = derive_in(_DIALECTS[party.kind], bundle, NO_REFERENCE, _without_renewals(settings), today, amend)
    return replace(derived, skips=tuple(replace(skip, entity_id=party.entity_id) for skip in derived.skips))


def explain(party: Party, settings: RuleSettings, today: date) -> tuple[Finding, ...]:
    """Why each value of a party's candidate is what it is; what its cases make of it is in its tags."""
    return tuple(
        replace(finding, entity_id=party.entity_id, source_entity_id=party.entity_id)
        for finding in explain_in(
            _DIALECTS[party.kind], bundle_of(party), NO_REFERENCE, _without_renewals(settings), today
        )
        if finding.field not in {"tag", "status", "connection"}
    )


def in_order_of_update(cases: Iterable[Payload]) -> list[Payload]:
    """A4: the most recently updated case first; of two updated at once, the one with the higher id."""
    return sorted(cases, key=lambda case: (_updated_at(case), _number(case)), reverse=True)


def attorneys(cases: Sequence[Payload], staff: Mapping[str, str]) -> tuple[Connection, ...]:
    """The lead and the originating attorneys of every case, ranked by the case's place; of one case, lowest id first.

    Whoever has the flag has the role, whatever their type: firms make paralegals leads too.

    Args:
        cases: the most recently updated first.
        staff: names by id.
    """
    return ranked(
        Connection(kind, key, staff.get(key), rank=rank)
        for rank, case in enumerate(cases)
        for kind, member in ((LEAD, "lead_lawyer"), (ORIGINATING, "originating_lawyer"))
        for _, key in sorted(
            (_number(person), str(person["id"])) for person in records_in(case, "staff") if _has_role(person, member)
        )
    )


def case_status(cases: Sequence[Payload]) -> Status:
    """A7: a client with an open case; inactive with closed ones alone; a prospect with none.

    A past client is a contact all the same: `import_inactive` asks about archived ones.
    """
    if any(_is_open(case) for case in cases):
        return "client"
    return "inactive" if cases else "prospect"


def case_tags(party: Party, cases: Sequence[Payload], settings: RuleSettings) -> Iterator[Tag]:
    """A5: MyCase; Client, Active Client or Past Client by the cases whose billing contact it is; what `tags` names of them."""
    yield _tag("MyCase", "default")
    billed = [case for case in cases if is_billed(party, case)]
    if billed:
        yield _tag("Client", "default")
        yield _tag("Active Client" if any(_is_open(case) for case in billed) else "Past Client", "default")
    for source, member in (("practice_area", "practice_area"), ("case_number", "case_number")):
        if source in settings.tags:
            yield from (_tag(found, source) for case in cases if (found := text(case.get(member))))


def is_billed(party: Party, case: Payload) -> bool:
    """Whether a case's billing contact is this party: by its type, if any, else by the parties that the case names."""
    contact = case.get("billing_contact")
    if not isinstance(contact, Mapping) or contact.get("id") != party.record.get("id"):
        return False
    kind = text(contact.get("type"))
    if kind:
        return (kind.casefold() == COMPANY) == (party.kind == COMPANY)
    named = records_in(case, "companies" if party.kind == COMPANY else "clients")
    return any(record.get("id") == party.record.get("id") for record in named)


def bundle_of(party: Party) -> CustomerBundle:
    """A party in the rules' terms: any case at all is what keeps it from being a prospect."""
    record, is_company = party.record, party.kind == COMPANY
    address = record.get("address")
    address = address if isinstance(address, Mapping) else {}
    number = record.get("id")
    made = customer(
        party.customer_id,
        number if isinstance(number, int) else 0,
        phones=[phone(name, record.get(f"{name}_phone_number")) for name in ("cell", "home", "work", "main")],
        is_active=not flag(record.get("archived")),
        is_personal=not is_company,
        is_commercial=is_company,
        first_name=text(record.get("first_name")),
        last_name=text(record.get("last_name")),
        firm_name=text(record.get("name")) if is_company else None,
        email=text(record.get("email")),
        address1=text(address.get("address1")),
        address2=text(address.get("address2")),
        city=text(address.get("city")),
        state=text(address.get("state")),
        postal_code=text(address.get("zip_code")),
        country=text(address.get("country")),
        date_of_birth=day(record.get("birthdate")),
        date_added=day(record.get("created_at")),
    )
    standing = Policy("case", None, "A", None, None, None, True, None, (), Decimal())
    return CustomerBundle(made, policies=(standing,) if party.cases else ())


def staff_names(rows: Iterable[Payload]) -> dict[str, str]:
    """The names of a firm's people by their id; those who left keep theirs."""
    named = {
        str(row.get("id")): text(" ".join(text(row.get(part)) or "" for part in ("first_name", "last_name")))
        for row in rows
    }
    return {key: name for key, name in named.items() if name}


def _attorney_tags(connections: Sequence[Connection], settings: RuleSettings) -> Iterator[Tag]:
    wanted = {LEAD: "lead_attorney", ORIGINATING: "originating_attorney"}
    for connection in connections:
        if wanted[connection.connection_type] in settings.ownership_tags:
            yield _tag(connection.employee_name or connection.employee_code, wanted[connection.connection_type])


def _without_renewals(settings: RuleSettings) -> RuleSettings:
    """No case is renewed."""
    return replace(settings, renewal_key_facts=False) if settings.renewal_key_facts else settings


def _has_role(one: Payload, member: str) -> bool:
    return flag(one.get(member)) is True and isinstance(one.get("id"), int)


def _is_open(case: Payload) -> bool:
    return (text(case.get("status")) or "").casefold() == "open"


def _updated_at(case: Payload) -> datetime:
    try:
        found = datetime.fromisoformat(case["updated_at"])
    except (KeyError, TypeError, ValueError):
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _number(record: Any) -> int:
    found = record.get("id")
    return found if isinstance(found, int) else 0
