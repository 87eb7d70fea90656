"""Why: for each value of a customer's candidates, and of a contact, the rule and the source member it came from.

The findings are read off the very derivation (`Trace`) and the very merge, so they cannot tell another story.
"""

import re
from collections.abc import Container, Iterator, Sequence
from datetime import date

from ams_etl.rules.contacts.candidates import Given, Trace, derive
from ams_etl.rules.contacts.lifecycle import TERM_MEMBERS
from ams_etl.rules.contacts.marked_people import is_deceased, refuses
from ams_etl.rules.contacts.merging import (
    NO_PREDECESSORS,
    Overrides,
    Predecessor,
    Predecessors,
    addressed_by,
    merge,
    override_of,
    precedence,
    predecessors_of,
)
from ams_etl.rules.contacts.naming import named_by
from ams_etl.rules.contacts.ownership import Users, owner_of
from ams_etl.rules.model import Address, Candidate, Contact, Finding
from ams_etl.rules.names.marks import DECEASED, SUPPRESSING, mark_in, without_bare_marks, without_set_off
from ams_etl.rules.names.names import Part
from ams_etl.rules.reach.addresses import is_filled
from ams_etl.rules.reach.emails import dropped_in, email_flags, emails_of, without_listed
from ams_etl.rules.reach.phones import phones_of
from ams_etl.rules.records.ams360 import (
    CONTACT,
    CUSTOMER,
    DEPENDENT,
    Customer,
    CustomerBundle,
    GivenPhone,
    Policy,
    Reference,
    Source,
    key_of,
)
from ams_etl.rules.settings import RuleSettings

POLICY = "policy"


def explain(bundle: CustomerBundle, reference: Reference, settings: RuleSettings, today: date) -> tuple[Finding, ...]:
    """Why each of a customer's records is a candidate with these values, or a skip.

    Args:
        bundle: the customer with everything beneath it.
        reference: the names behind codes.
        settings: the agency's choices.
        today: the date the rules are asked for.
    """
    trace = Trace([])
    derivation = derive(bundle, reference, settings, today, trace)
    found = [
        finding
        for candidate, given in trace.given
        for finding in _CandidateFindings(candidate, given, trace, bundle, settings)
    ]
    found += (
        Finding(skip.entity, skip.entity_id, "skipped", skip.reason, skip.rule, skip.entity, skip.entity_id, "")
        for skip in derivation.skips
    )
    return tuple(found)


class _CandidateFindings:
    """The findings of one candidate, in the order of its fields."""

    def __init__(
        self, candidate: Candidate, given: Given, trace: Trace, bundle: CustomerBundle, settings: RuleSettings
    ) -> None:
        self.candidate, self.given, self.trace, self.bundle, self.settings = candidate, given, trace, bundle, settings
        self.customer = bundle.customer

    def __iter__(self) -> Iterator[Finding]:
        yield from self._names()
        yield from self._standing()
        yield from self._ways_to_reach()
        yield from self._tags()
        yield from self._facts()

    def _names(self) -> Iterator[Finding]:
        candidate, name = self.candidate, self.given.name
        for field, part in (
            ("first_name", name.first),
            ("last_name", name.last),
            ("nickname", name.nickname),
            ("middle_name", name.middle),
        ):
            if part:
                yield self._of_part(field, part)
        if candidate.first_name and not name.first and not name.last:
            source = self._teller(candidate.first_name)
            member = _EMAIL_MEMBERS[key_of(source)[0]]
            yield self._of(source, "first_name", candidate.first_name, "Q2", member, source.email)
        if candidate.company_name:
            yield self._of(
                self.customer, "company_name", candidate.company_name, "C8", "FirmName", self.customer.firm_name
            )
        for entity, entity_id in candidate.absorbed:
            yield Finding(
                candidate.entity, candidate.entity_id, "absorbed", f"{entity} {entity_id}", "N8", entity, entity_id, ""
            )

    def _of_part(self, field: str, part: Part) -> Finding:
        if part.rule == "C3" or part.field == "FirmName":
            source: Source = self.customer
        else:
            source = self.given.name_from
        # N8: the firm is named after its contact, by the contact's own rules.
        rule = f"N8, {part.rule}" if source is self.given.absorbed and part.rule != "N8" else part.rule
        return self._of(source, field, part.text, rule, part.field, _NAME_MEMBERS[part.field](source))

    def _standing(self) -> Iterator[Finding]:
        candidate, customer = self.candidate, self.customer
        yield self._of(
            customer, "record_type", candidate.record_type, "C4", "IsCommercial, IsPersonal, FirmName, LastName",
            f"{customer.is_commercial}, {customer.is_personal}, {customer.firm_name or ''}, {customer.last_name or ''}",
        )  # fmt: skip
        lifecycle = self.trace.lifecycle
        if lifecycle:
            if lifecycle.status == "client":
                yield self._of_policy_or_customer(
                    "status", candidate.status, lifecycle.rule, lifecycle.in_force[0], TERM_MEMBERS, None
                )
            else:
                active = str(customer.is_active).lower()
                yield self._of(customer, "status", candidate.status, lifecycle.rule, "IsActive", active)
        if candidate.suppressed_reason:
            yield self._of_mark("suppressed_reason", candidate.suppressed_reason)
        for flag in candidate.marks:
            if flag not in SUPPRESSING:
                yield self._of_mark("name_mark", flag)
        for person, flag in self.given.name.left_out:
            yield self._of(self.given.name_from, "left_out", f"{person}: {flag}", "M6", "names", None)

    def _of_mark(self, field: str, flag: str) -> Finding:
        """Say which field carries a mark: a name, the firm or the email."""
        given = self.given
        if flag in given.name.flags:
            members = self._marked_members(flag)
            values = "; ".join(dict.fromkeys(members.values()))
            return self._of(given.name_from, field, flag, "N10", ", ".join(members), values)
        if flag in given.firm_flags:
            return self._of(self.customer, field, flag, "N10", "FirmName", self.customer.firm_name)
        source = next(
            (record for record in (given.record, *given.emails_from) if flag in email_flags((record,))), given.record
        )
        return self._of(source, field, flag, "N10", _EMAIL_MEMBERS[key_of(source)[0]], source.email)

    def _marked_members(self, flag: str) -> dict[str, str]:
        """Return the members of the named record that raise a flag, with their text; all its names where none does alone."""
        source = self.given.name_from
        filled = {
            member: text for member, attribute in _ATTRIBUTES.items() if (text := getattr(source, attribute, None))
        }
        return {member: text for member, text in filled.items() if self._raises(text, flag)} or filled

    def _raises(self, text: str, flag: str) -> bool:
        brackets = _BRACKETS.findall(text)
        return (
            flag in without_bare_marks(text)[1]
            or flag in without_set_off(text)[1]
            or any(mark_in(content, self.settings.name_marks) == flag for content in brackets)
        )

    def _ways_to_reach(self) -> Iterator[Finding]:
        candidate, given = self.candidate, self.given
        for email in candidate.emails:
            teller = self._teller(email)
            rule = "C7"
            if teller is not given.record and teller is not given.absorbed:
                rule = "C1" if candidate.record_type == "personal" else "C5"
            member = _EMAIL_MEMBERS[key_of(teller)[0]] if teller.email else "names"
            yield self._of(teller, "email", email, rule, member, teller.email)
        yield from self._dropped_emails()
        own = (given.record, given.absorbed)
        for phone in candidate.phones:
            for teller in given.phones_from:
                matching = [number for number in teller.phones if phone in self._phones(number)]
                if matching:
                    rule = "C6" if teller in own else "C1"
                    member = _phone_member(teller, phone.kind)
                    yield self._of(teller, "phone", phone.number, rule, member, _phone_value(matching[0]))
                    break
        if is_filled(candidate.address):
            rule = {"contact": "C2", "second_insured": "C3"}.get(candidate.role) or (
                "C8" if given.address_from is given.record else "C1"
            )
            text = address_text(candidate.address)
            yield self._of(
                given.address_from, "address", text, rule, _ADDRESS_MEMBERS[key_of(given.address_from)[0]], text
            )

    def _dropped_emails(self) -> Iterator[Finding]:
        """Say which addresses of the record, and of the contact that became part of it, are nobody's or cannot be read."""
        records = (self.given.record, *([self.given.absorbed] if self.given.absorbed else ()))
        for record in records:
            member = _EMAIL_MEMBERS[key_of(record)[0]]
            dropped = list(dropped_in(record.email)) if record.email else []
            listed = self.settings.placeholder_emails
            if listed:
                emails = emails_of(record)
                kept = without_listed(emails, listed)
                dropped += [(email, "M5") for email in emails if email not in kept]
            for address, rule in dropped:
                yield self._of(record, "dropped_email", address, rule, member, record.email)

    def _phones(self, given: GivenPhone) -> tuple[object, ...]:
        return phones_of((given,), self.candidate.record_type, self.settings.default_country)

    def _teller(self, email: str) -> Source:
        return next((record for record in self.given.emails_from if email in emails_of(record)), self.given.record)

    def _tags(self) -> Iterator[Finding]:
        seen = set()
        for tag, rule, policy, member, source_text in self.trace.tags:
            if tag not in seen:
                seen.add(tag)
                yield self._of_policy_or_customer("tag", tag.tag, rule, policy, member, source_text)

    def _facts(self) -> Iterator[Finding]:
        candidate = self.candidate
        policies = {policy.policy_id: policy for policy in self.bundle.policies}
        for fact in candidate.key_facts:
            if fact.kind == "birthday":
                member = "DOB" if candidate.entity == DEPENDENT else "DateOfBirth"
                yield self._of(self.given.record, "birthday", str(fact.fact_date), "K1", member, str(fact.fact_date))
            else:
                when = f"{fact.label}: {fact.fact_date or 'continuous'}"
                policy = policies[fact.policy_id or ""]
                yield self._of_policy_or_customer(
                    "renewal", when, "K2", policy, "PolicyExpirationDate", str(policy.expiration)
                )
        for connection in candidate.connections:
            member = connection_member(connection.connection_type)
            text = f"{connection.connection_type}: {connection.employee_name or connection.employee_code}"
            yield self._of(self.customer, "connection", text, "X1", member, connection.employee_code)

    def _of(self, source: Source, field: str, value: str, rule: str, member: str, source_text: str | None) -> Finding:
        return Finding(
            self.candidate.entity, self.candidate.entity_id, field, value, rule, *key_of(source), member, source_text
        )

    def _of_policy_or_customer(
        self, field: str, value: str, rule: str, policy: Policy | None, member: str, source_text: str | None
    ) -> Finding:
        if policy is None:
            return self._of(self.customer, field, value, rule, member, source_text)
        return Finding(
            self.candidate.entity, self.candidate.entity_id, field, value, rule, POLICY, policy.policy_id, member,
            source_text or f"{policy.status}, {policy.effective}, {policy.expiration}, {policy.is_continuous}",
        )  # fmt: skip


def explain_contact(
    candidates: Sequence[Candidate],
    settings: RuleSettings,
    users: Users,
    overrides: Overrides,
    refused: Container[str] = (),
    over_shared: Container[str] = (),
    predecessors: Predecessors = NO_PREDECESSORS,
) -> tuple[Finding, ...]:
    """Why a contact has the values it has: which of its candidates each came from, and who owns it.

    `entity` is `contact`, `entity_id` its best member's; what a member's own values came from is `explain`'s to say.
    """
    merged = merge(candidates, settings, users, overrides, refused, predecessors)
    best = [candidate for candidate in sorted(candidates, key=precedence) if candidate.joined is None]
    if not isinstance(merged, Contact):
        return tuple(
            Finding(skip.entity, skip.entity_id, "skipped", skip.reason, skip.rule, skip.entity, skip.entity_id, "tags")
            for skip in merged
        )

    def of(
        source: Candidate, field: str, value: object, rule: str, member: str, source_text: str | None = None
    ) -> Finding:
        return Finding(
            "contact", best[0].entity_id, field, str(value), rule, source.entity, source.entity_id, member, source_text
        )

    gone = predecessors_of(sorted(candidates, key=precedence), predecessors)
    override = override_of(candidates, overrides, predecessors)
    naming = named_by(best, settings)
    rule = "M8" if len(naming) > 1 else "M7"
    found = [
        of(naming[0], field, value, *(("N12", "name_overrides") if getattr(override, field, None) else (rule, field)))
        for field in ("first_name", "last_name", "nickname", "middle_name")
        if (value := getattr(merged, field))
    ]
    found += (of(person, "named_with", person.first_name, "M8", "first_name") for person in naming[1:])
    for field in ("company_name", "birthday"):
        value = getattr(merged, field)
        if value:
            source = next(candidate for candidate in (*naming, *best) if getattr(candidate, field) == value)
            found.append(of(source, field, value, "M2", field))
    found += (
        of(source, field, value, "M6", member) for source, field, value, member in _marked(merged, best, refused, gone)
    )
    found += (
        of(
            predecessor.candidate,
            "continues",
            predecessor.candidate.customer_id,
            "M9",
            "customer_id",
            str(predecessor.candidate.customer_number),
        )
        for predecessor in gone
    )
    found.append(of(best[0], "record_type", merged.record_type, "M2", "record_type"))
    teller = next(candidate for candidate in best if candidate.status == merged.status)
    found.append(of(teller, "status", merged.status, "L7" if len(best) > 1 else "M2", "status"))
    if is_filled(merged.address):
        found.append(of(addressed_by(best), "address", address_text(merged.address), "M2", "address"))
    found += (of(next(o for o in best if email in o.emails), "email", email, "M1", "emails") for email in merged.emails)
    found += (
        of(next(o for o in best if email in o.emails), "over_shared_email", email, "M5", "emails")
        for email in merged.emails
        if email in over_shared
    )
    found += (
        of(next(o for o in best if phone in o.phones), "phone", phone.number, "M2", "phones") for phone in merged.phones
    )
    found += (of(next(o for o in best if tag in o.tags), "tag", tag.tag, "M2", tag.category) for tag in merged.tags)
    owner = owner_of(best, settings, users)
    source_text = owner.employee_code
    found.append(
        of(
            owner.candidate,
            "owner_user_id",
            owner.user_id or "nobody",
            owner.rule,
            connection_member(owner.asked_role),
            source_text,
        )
    )
    return tuple(found)


def _marked(
    merged: Contact, best: Sequence[Candidate], refused: Container[str], gone: Sequence[Predecessor]
) -> Iterator[tuple[Candidate, str, str, str]]:
    """Say which member's mark suppresses a contact, or which members are left out of it."""
    if merged.suppressed_reason:
        is_marked = is_deceased if merged.suppressed_reason == DECEASED else refuses
        records = [*best, *(predecessor.candidate for predecessor in gone)]
        source = next((candidate for candidate in records if is_marked(candidate)), None)
        if source:
            yield source, "suppressed_reason", merged.suppressed_reason, "marks"
        else:
            shared = next(candidate for candidate in best if any(email in refused for email in candidate.emails))
            yield shared, "suppressed_reason", merged.suppressed_reason, "an email that somebody else refuses"
    if merged.suppressed_reason != DECEASED:
        for candidate in best:
            if is_deceased(candidate):
                yield candidate, "left_out", f"{candidate.first_name or candidate.last_name}: {DECEASED}", "marks"


def address_text(address: Address) -> str:
    """An address on one line."""
    parts = (address.address1, address.address2, address.city, address.state, address.postal_code, address.country)
    return ", ".join(part for part in parts if part)


def connection_member(connection_type: str) -> str:
    """The customer's member that names the employee of a connection type."""
    return "AccountExecCode" if connection_type == "Executive" else "AccountRepCode"


_NAME_MEMBERS = {
    "FirstName": lambda record: record.first_name,
    "LastName": lambda record: record.last_name,
    "MiddleName": lambda record: record.middle_name,
    "InformalSalutation": lambda record: record.informal_salutation,
    "FormalSalutation": lambda record: record.formal_salutation,
    "ContactName": lambda record: record.contact_name,
    "FirmName": lambda record: record.firm_name,
}
_ATTRIBUTES = {
    "FirstName": "first_name", "LastName": "last_name", "MiddleName": "middle_name", "InformalSalutation": "informal_salutation",
    "FormalSalutation": "formal_salutation", "ContactName": "contact_name", "FirmName": "firm_name",
}  # fmt: skip
_BRACKETS = re.compile(r"[(\[{<]([^)\]}>]*)")
_EMAIL_MEMBERS = {CUSTOMER: "Email", CONTACT: "EmailAddress", DEPENDENT: "Email"}
_ADDRESS_MEMBERS = {CUSTOMER: "AddressLine1, City, State, ZipCode", CONTACT: "Address1, City, State, Zip"}
_PHONE_MEMBERS = {
    "cell": ("CellPhone", "MobilePhone"),
    "home": ("HomePhone", "ResidencePhone"),
    "business": ("BusinessPhone",) * 2,
    "international": ("InternationalPhoneNumber1, InternationalPhoneNumber2",) * 2,
}


def _phone_member(record: Source, kind: str) -> str:
    return _PHONE_MEMBERS[kind][not isinstance(record, Customer)]


def _phone_value(given: GivenPhone) -> str:
    return " ".join(part for part in (given.area_code, given.number, given.extension and f"x{given.extension}") if part)
