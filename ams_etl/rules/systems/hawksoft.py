"""HawkSoft clients: who of their people is primary, and what they are in the rules' terms."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from ams_etl.rules.model import Candidate, Derivation, Finding
from ams_etl.rules.names.marks import DECEASED
from ams_etl.rules.records.ams360 import (
    CONTACT,
    CUSTOMER,
    DEPENDENT,
    CustomerBundle,
    CustomerContact,
    CustomerDependent,
    GivenPhone,
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
    full_name,
    joined,
    member,
    phone,
    policy_of,
    records_in,
)
from ams_etl.rules.systems.nested_people import HAWKSOFT_PEOPLE, is_forgotten, key_in, people_in

CLIENT, PERSON = "client", "person"
DIALECT = Dialect(
    "hawksoft",
    "HawkSoft",
    {CUSTOMER: CLIENT, CONTACT: PERSON, DEPENDENT: PERSON},
    {"Executive": "Producer", "Representative": "CSR"},
    {
        "FirstName": "people.firstName", "LastName": "people.lastName", "ContactName": "people.firstName, people.lastName",
        "FirmName": "details.companyName", "Email": "contacts.data", "EmailAddress": "contacts.data",
        "AccountExecCode": "details.producer", "AccountRepCode": "details.csr", "DateOfBirth": "people.dateOfBirth",
        "DOB": "people.dateOfBirth", "IsActive": "details.status", "CustomerId": "clientNumber",
        "PolicyExpirationDate": "policies.expirationDate", "PolicyLineOfBusiness": "policies.loBs",
        "WritingCompanyCode": "policies.carrier", "GLBranchCode": "details.officeId",
        "AddressLine1, City, State, ZipCode": "details.mailingAddress",
        "IsCommercial, IsPersonal, FirmName, LastName": "details.isCommercial, details.isPersonal, details.companyName",
    },
)  # fmt: skip
_INSURED = frozenset({"insured", "named insured", "self", "first insured", "1st insured"})


def derive(client: Payload, offices: Reference, settings: RuleSettings, today: date) -> Derivation:
    """A client's candidates: the primary person with the client's own, the others beside it.

    The connections are the client's producer and CSR: opaque words that the agency maps to users itself. Those of
    single policies (`agent1` to `agent3`) are left out, as with AMS360.

    Args:
        client: as HawkSoft sends it.
        offices: the names of offices, as branches.
        settings: the agency's choices.
        today: the date the rules are asked for.
    """
    bundle, primary = bundle_of(client, settings)
    derived = derive_in(DIALECT, bundle, offices, settings, today, _amended(client, primary))
    own = next((skip for skip in derived.skips if skip.entity == CLIENT), None)
    if primary is None or own is None:
        return derived
    # The client is its primary person: if one is left out, so is the other.
    return replace(derived, skips=(*derived.skips, replace(own, entity=PERSON, entity_id=primary)))


def explain(client: Payload, offices: Reference, settings: RuleSettings, today: date) -> tuple[Finding, ...]:
    """Why each value of a client's candidates is what it is."""
    return explain_in(DIALECT, bundle_of(client, settings)[0], offices, settings, today)


def _amended(client: Payload, primary: str | None) -> Any:
    dead = is_deceased(client)

    def amend(candidate: Candidate) -> Candidate:
        if candidate.role != "primary":
            return candidate
        if primary is not None:
            candidate = replace(candidate, absorbed=((PERSON, primary), *candidate.absorbed))
        return replace(candidate, suppressed_reason=DECEASED, marks=(*candidate.marks, DECEASED)) if dead else candidate

    return amend


def is_deceased(client: Payload) -> bool:
    """A8: a client whose status or type says deceased is a contact that nobody may write to."""
    details = _details(client)
    return any("deceased" in (text(member(details, name)) or "").casefold() for name in ("status", "clientType"))


def primary_person(people: Mapping[str, Payload], named_insured: str | None, with_email: frozenset[str]) -> str | None:
    """A1: Insured with an email; named as the client, with an email; Insured; named so; anybody with an email; anybody.

    HawkSoft takes the highest on its list where several match; no list says in which order it came, so of several the
    lowest id is taken, whatever the order.

    Args:
        people: the client's, by their ids.
        named_insured: the client's own name.
        with_email: ids of people who have an email of their own.

    Returns:
        The id, or None where the client has no people.
    """

    def rank(key: str) -> tuple[int, str]:
        person, has_email = people[key], key in with_email
        is_insured = (text(member(person, "relationship")) or "").casefold() in _INSURED
        is_named = bool(named_insured) and (full_name(person) or "").casefold() == (named_insured or "").casefold()
        place = next(
            (at for at, holds in enumerate((is_insured and has_email, is_named and has_email, is_insured, is_named, has_email))
             if holds),
            5,
        )  # fmt: skip
        return place, key

    return min(people, key=rank, default=None)


def bundle_of(client: Payload, settings: RuleSettings) -> tuple[CustomerBundle, str | None]:
    """A client in the rules' terms, and the id of the person that represents it, or None.

    A commercial client's people are its contacts, the primary first; any other client is its primary person, and
    its other people are its dependents. What belongs to no person, or to one that is missing, is the client's own.
    """
    details = _details(client)
    number = client.get("clientNumber")
    key = str(number)
    people = {
        person_key: person
        for person_key, person in people_in(HAWKSOFT_PEOPLE, key, client).items()
        if not is_forgotten(person)
    }
    ways = sorted(records_in(client, "contacts"), key=_by_priority)
    emails: dict[str, list[Any]] = {}
    phones: dict[str, list[GivenPhone | None]] = {}
    for way in ways:
        owner = key_in(way, "personId")
        owner = owner if owner in people else ""
        kind = text(member(way, "type")) or ""
        if "mail" in kind.casefold() and "mailing" not in kind.casefold():
            emails.setdefault(owner, []).append(member(way, "data"))
        else:
            phones.setdefault(owner, []).append(phone(kind, member(way, "data")))
    company = text(member(details, "companyName"))
    first = primary_person(people, company, frozenset(emails) - {""})
    personal, commercial = bool(flag(member(details, "isPersonal"))), bool(flag(member(details, "isCommercial")))
    is_firm = commercial and not personal
    told_as = None if is_firm else first
    told: Payload = people[told_as] if told_as is not None else {}
    own = [""] if told_as is None else [told_as, ""]
    address = member(details, "mailingAddress") or member(details, "physicalAddress")
    address = address if isinstance(address, dict) else {}
    status = (text(member(details, "status")) or "").casefold()
    made = customer(
        key,
        number if isinstance(number, int) else 0,
        phones=[phone for owner in own for phone in phones.get(owner, ())],
        is_active=not status.startswith(("inactive", "former", "closed", "archived")),
        is_personal=personal,
        is_commercial=commercial,
        first_name=text(member(told, "firstName")),
        last_name=text(member(told, "lastName")),
        firm_name=company or (text(member(details, "dbaName")) if is_firm else None),
        email=joined(email for owner in own for email in emails.get(owner, ())),
        address1=text(member(address, "address1")),
        address2=text(member(address, "address2")),
        city=text(member(address, "city")),
        state=text(member(address, "state")),
        postal_code=text(member(address, "zip")),
        country=text(member(address, "countryCode")),
        date_of_birth=day(member(told, "dateOfBirth")),
        date_added=day(member(details, "clientSince")),
        executive_code=text(member(details, "producer")),
        representative_code=text(member(details, "csr")),
        branch_code=str(office) if (office := member(details, "officeId")) is not None else None,
    )
    contacts: list[CustomerContact] = []
    dependents: list[CustomerDependent] = []
    for person_key in sorted(people, key=lambda person_key: (person_key != first, person_key)):
        person = people[person_key]
        reached = joined(emails.get(person_key, ())), tuple(given for given in phones.get(person_key, ()) if given)
        if is_firm:
            contacts.append(
                CustomerContact(
                    person_key, full_name(person), None, None, *reached, None, None, None, None, None, None, len(contacts),
                )
            )  # fmt: skip
        elif person_key != first:
            dependents.append(
                CustomerDependent(
                    person_key, _relationship(person), text(member(person, "firstName")), text(member(person, "lastName")),
                    *reached, day(member(person, "dateOfBirth")),
                )
            )  # fmt: skip
    policies = [_policy(policy, settings) for policy in records_in(client, "policies")]
    bundle = CustomerBundle(made, tuple(contacts), tuple(dependents), tuple(policy for policy in policies if policy))
    return bundle, told_as


def offices_of(rows: Sequence[Payload]) -> Reference:
    """The names of an agency's offices, for the branch tag; their members are PascalCase, unlike all others."""
    named = {str(member(row, "OfficeId")): text(member(row, "OfficeDescription")) for row in rows}
    return replace(NO_REFERENCE, branches={key: name for key, name in named.items() if name})


def _policy(policy: Payload, settings: RuleSettings) -> Any:
    lines = member(policy, "loBs") or policy.get("lobs") or policy.get("LOBs")
    named = [
        (member(line, "description") or member(line, "code")) if isinstance(line, dict) else line
        for line in (lines if isinstance(lines, list) else [])
    ]
    return policy_of(
        key_in(policy, "id") or str(member(policy, "policyNumber")), member(policy, "status"),
        number=member(policy, "policyNumber"), effective=member(policy, "effectiveDate"),
        expiration=member(policy, "expirationDate"), carrier=member(policy, "carrier"), lines=named, settings=settings,
    )  # fmt: skip


def _details(client: Payload) -> Payload:
    found = member(client, "details")
    return found if isinstance(found, dict) else {}


def _relationship(person: Payload) -> str | None:
    """Another person who is an insured is the second one."""
    told = text(member(person, "relationship"))
    return "second insured" if told and told.casefold() in _INSURED else told


def _by_priority(way: Payload) -> tuple[int, str]:
    priority = member(way, "priority")
    return (priority if isinstance(priority, int) else 1 << 30, key_in(way, "id"))
