"""Candidates (C) and contact requirements (Q): each of a customer's records becomes a candidate, part of one, or a skip."""

from collections.abc import Sequence
from datetime import date

from ams_etl.rules.connections import connections_of
from ams_etl.rules.emails import emails_in
from ams_etl.rules.key_facts import birthday_fact, birthday_of, renewal_facts
from ams_etl.rules.lifecycle import Lifecycle, default_tags, lifecycle_of, next_change
from ams_etl.rules.marks import suppressed_by
from ams_etl.rules.model import (
    Address,
    Candidate,
    Derivation,
    Finding,
    KeyFact,
    RecordType,
    Skip,
    SkipReason,
    SourceRole,
    Tag,
)
from ams_etl.rules.names import (
    NameFields,
    Part,
    PersonName,
    company_name,
    derive_name,
    derive_personal_name,
    family_name,
    firm_as_first_name,
)
from ams_etl.rules.phones import phones_of
from ams_etl.rules.records import (
    Customer,
    CustomerBundle,
    CustomerContact,
    CustomerDependent,
    GivenPhone,
    Reference,
)
from ams_etl.rules.settings import RuleSettings
from ams_etl.rules.tags import configured_tags, ownership_tags

SYSTEM = "ams360"
CUSTOMER, CONTACT, DEPENDENT = "customer", "customer_contact", "customer_dependent"
_DEPENDENT_LABELS = ("FirstName", "LastName", "", "", "")


def derive(
    bundle: CustomerBundle,
    reference: Reference,
    settings: RuleSettings,
    today: date,
    trace: list[Finding] | None = None,
) -> Derivation:
    """Q3: every record of a customer becomes a candidate, part of one, or a skip with the rule and the reason.

    Args:
        bundle: the customer with everything beneath it.
        reference: the names behind codes.
        settings: the agency's choices.
        today: the date the rules are asked for.
        trace: when given, why each value is what it is is appended: by the very code that derives it.
    """
    return _Deriving(bundle, reference, settings, today, trace).run()


def record_type_of(customer: Customer) -> RecordType:
    """C4: IsCommercial and IsPersonal decide; neither set: commercial with a Firm Name and no Last Name."""
    if customer.is_commercial:
        return "both" if customer.is_personal else "commercial"
    if customer.is_personal:
        return "personal"
    return "commercial" if customer.firm_name and not customer.last_name else "personal"


def ordered(contacts: Sequence[CustomerContact]) -> list[CustomerContact]:
    """C1: CustomerContacts in SortOrder, those without one last, then by id."""
    return sorted(contacts, key=lambda one: (one.sort_order is None, one.sort_order or 0, one.contact_id))


class _Deriving:
    """One customer's derivation: what its records share, worked out once."""

    def __init__(
        self,
        bundle: CustomerBundle,
        reference: Reference,
        settings: RuleSettings,
        today: date,
        trace: list[Finding] | None,
    ) -> None:
        self.bundle, self.customer = bundle, bundle.customer
        self.reference, self.settings, self.today, self.trace = reference, settings, today, trace
        self.contacts = ordered(bundle.contacts)
        self.record_type = record_type_of(bundle.customer)
        self.lifecycle: Lifecycle = lifecycle_of(bundle, settings, today)
        self.candidates: list[Candidate] = []
        self.skips: list[Skip] = []

    def run(self) -> Derivation:
        if self.lifecycle.skip:
            reason, rule = self.lifecycle.skip
            for entity, entity_id in self._records():
                self._skip(entity, entity_id, reason, rule)
        else:
            self.tags, self.facts = self._shared_tags(), self._shared_facts()
            self.connections = connections_of(self.customer, self.reference)
            absorbed = self._primary()
            self._other_contacts(absorbed)
            self._dependents()
        return Derivation(
            tuple(self.candidates), tuple(self.skips), next_change(self.bundle, self.settings, self.today)
        )

    def _records(self) -> list[tuple[str, str]]:
        return [
            (CUSTOMER, self.customer.customer_id),
            *((CONTACT, contact.contact_id) for contact in self.contacts),
            *((DEPENDENT, dependent.dependent_id) for dependent in self.bundle.dependents),
        ]

    def _shared_tags(self) -> tuple[Tag, ...]:
        tags = [
            *default_tags(self.lifecycle, self.record_type),
            *configured_tags(self.customer, self.lifecycle.in_force, self.reference, self.settings),
            *ownership_tags(self.customer, self.reference, self.settings),
        ]
        return tuple(dict.fromkeys(tags))

    def _shared_facts(self) -> list[KeyFact]:
        return renewal_facts((*self.lifecycle.in_force, *self.lifecycle.upcoming), self.reference, self.settings)

    def _primary(self) -> CustomerContact | None:
        """C1: the customer is the primary candidate; what it lacks comes, field by field, from its contacts."""
        customer = self.customer
        name, named_by = self._primary_name()
        emails, lender = self._primary_emails()
        phones, phones_from = _phones_and_lender(customer, self.contacts)
        address, address_from = _address_and_lender(customer, self.contacts)
        birthday = birthday_of(customer.date_of_birth, self.settings, self.today)
        self._add(
            CUSTOMER,
            customer.customer_id,
            "primary",
            name,
            emails,
            phones,
            address,
            birthday,
            name_source=(CONTACT, named_by.contact_id) if named_by else (CUSTOMER, customer.customer_id),
            sources={
                "email": ("C5" if lender else "C7", _source(lender, customer), "EmailAddress" if lender else "Email"),
                "phone": ("C6" if phones_from is None else "C1", _source(phones_from, customer), "*Phone"),
                "address": ("C8" if address_from is None else "C1", _source(address_from, customer), "Address*"),
            },
            absorbed=((CONTACT, named_by.contact_id),) if named_by else (),
        )
        return named_by

    def _primary_name(self) -> tuple[PersonName, CustomerContact | None]:
        """N8: a commercial customer with only a firm name takes the first CustomerContact that has a name."""
        customer, marks = self.customer, self.settings.name_marks
        fields = NameFields(
            customer.first_name, customer.last_name, customer.informal_salutation, customer.formal_salutation,
            firm=customer.firm_name,
        )  # fmt: skip
        if self.record_type == "personal":
            return derive_personal_name(fields, marks), None
        if customer.first_name or customer.last_name or not customer.firm_name:
            return derive_name(fields, marks), None
        flags = derive_name(fields, marks).flags
        for contact in self.contacts:
            name = _contact_name(contact, self.settings)
            if name.first or name.last:
                return PersonName(name.first, name.last, name.nickname, (*flags, *name.flags)), contact
        firm = firm_as_first_name(customer.firm_name, marks)
        return PersonName(firm.first, None, None, (*flags, *firm.flags)), None

    def _primary_emails(self) -> tuple[tuple[str, ...], CustomerContact | None]:
        """C5: with no email on the customer, the first CustomerContact that has one lends it."""
        own = self._emails(self.customer.email)
        if own:
            return own, None
        for contact in self.contacts:
            lent = self._emails(contact.email)
            if lent:
                return lent, contact
        return (), None

    def _emails(self, field: str | None) -> tuple[str, ...]:
        """C7: with `primary_email_only`, a field's first address alone."""
        emails, _ = emails_in(field)
        return emails[:1] if self.settings.primary_email_only else emails

    def _other_contacts(self, absorbed: CustomerContact | None) -> None:
        """C2: every other CustomerContact of a commercial customer is a candidate; or the first two contacts only.

        Those of a personal customer only fill gaps (C3).
        """
        for place, contact in enumerate(self.contacts):
            if contact is absorbed:
                continue
            if self.record_type == "personal":
                self._skip(CONTACT, contact.contact_id, "gap_filler", "C3")
            elif self.settings.commercial_contacts == "primary_and_secondary" and place >= 2:
                self._skip(CONTACT, contact.contact_id, "commercial_contacts", "C2")
            else:
                own_address = _address(contact)
                self._add(
                    CONTACT,
                    contact.contact_id,
                    "contact",
                    _contact_name(contact, self.settings),
                    self._emails(contact.email),
                    contact.phones,
                    own_address if _filled(own_address) else _address(self.customer),
                    None,
                    name_source=(CONTACT, contact.contact_id),
                    sources={
                        "email": ("C7", (CONTACT, contact.contact_id), "EmailAddress"),
                        "phone": ("C6", (CONTACT, contact.contact_id), "*Phone"),
                        "address": ("C2", (CONTACT, contact.contact_id), "Address*"),
                    },
                )

    def _dependents(self) -> None:
        """C3: of a personal customer, a dependent whose Relationship makes it a second insured is a candidate."""
        wanted = {name.casefold() for name in self.settings.second_insured_relationships}
        for dependent in self.bundle.dependents:
            is_second = (dependent.relationship or "").casefold() in wanted
            if not (is_second and self.settings.second_insured and self.record_type != "commercial"):
                self._skip(DEPENDENT, dependent.dependent_id, "not_second_insured", "C3")
                continue
            birthday = birthday_of(dependent.date_of_birth, self.settings, self.today)
            self._add(
                DEPENDENT,
                dependent.dependent_id,
                "second_insured",
                self._second_insured_name(dependent),
                self._emails(dependent.email),
                dependent.phones,
                _address(self.customer),
                birthday,
                name_source=(DEPENDENT, dependent.dependent_id),
                sources={
                    "email": ("C7", (DEPENDENT, dependent.dependent_id), "Email"),
                    "phone": ("C6", (DEPENDENT, dependent.dependent_id), "*Phone"),
                    "address": ("C3", (CUSTOMER, self.customer.customer_id), "Address*"),
                },
            )

    def _second_insured_name(self, dependent: CustomerDependent) -> PersonName:
        """C3: a second insured's own name; a family name that is not written is the customer's."""
        marks = self.settings.name_marks
        name = derive_name(NameFields(dependent.first_name, dependent.last_name, labels=_DEPENDENT_LABELS), marks)
        if name.first and not name.last:
            family = family_name(self.customer.last_name, marks)
            if family:
                return PersonName(name.first, Part(family, "C3", "LastName"), name.nickname, name.flags)
        return name

    def _add(
        self,
        entity: str,
        entity_id: str,
        role: SourceRole,
        name: PersonName,
        emails: tuple[str, ...],
        given_phones: Sequence[GivenPhone],
        address: Address,
        birthday: date | None,
        *,
        name_source: tuple[str, str],
        sources: dict[str, tuple[str, tuple[str, str], str]],
        absorbed: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Q1, Q2: without name and email a record is skipped; with an email alone, the email is the first name."""
        company = (
            company_name(self.customer.firm_name, self.settings.name_marks) if self.record_type != "personal" else None
        )
        first = name.first.text if name.first else None
        last = name.last.text if name.last else None
        if not first and not last:
            if not emails:
                # An absorbed record named the primary, so only records without any name come here.
                self._skip(entity, entity_id, "no_name_no_email", "Q1")
                return
            first = emails[0]
        candidate = Candidate(
            system=SYSTEM,
            entity=entity,
            entity_id=entity_id,
            customer_id=self.customer.customer_id,
            customer_number=self.customer.customer_number,
            role=role,
            record_type=self.record_type,
            status=self.lifecycle.status,
            has_policy_in_force=bool(self.lifecycle.in_force),
            first_name=first,
            last_name=last,
            nickname=name.nickname.text if name.nickname else None,
            company_name=company,
            suppressed_reason=suppressed_by(name.flags),
            emails=emails,
            phones=phones_of(given_phones, self.record_type, self.settings.default_country),
            address=address,
            birthday=birthday,
            tags=self.tags,
            key_facts=(*birthday_fact(birthday), *self.facts),
            connections=self.connections,
            absorbed=absorbed,
        )
        self.candidates.append(candidate)
        if self.trace is not None:
            self.trace += _findings(candidate, name, name_source, sources, self)

    def _skip(self, entity: str, entity_id: str, reason: SkipReason, rule: str) -> None:
        self.skips.append(Skip(SYSTEM, entity, entity_id, self.customer.customer_id, reason, rule))
        if self.trace is not None:
            self.trace.append(Finding(entity, entity_id, "skipped", reason, rule, entity, entity_id, ""))


def _contact_name(contact: CustomerContact, settings: RuleSettings) -> PersonName:
    """N2, N3, N11 for a CustomerContact, whose name is one string."""
    return derive_name(
        NameFields(whole=contact.contact_name, informal=contact.informal_salutation, formal=contact.formal_salutation),
        settings.name_marks,
    )


def _address(record: Customer | CustomerContact) -> Address:
    """C8: a record's postal address."""
    return Address(record.address1, record.address2, record.city, record.state, record.postal_code, record.country)


def _filled(address: Address) -> bool:
    return bool(address.address1 or address.city or address.postal_code)


def _phones_and_lender(
    customer: Customer, contacts: Sequence[CustomerContact]
) -> tuple[tuple[GivenPhone, ...], CustomerContact | None]:
    if customer.phones:
        return customer.phones, None
    lender = next((contact for contact in contacts if contact.phones), None)
    return (lender.phones, lender) if lender else ((), None)


def _address_and_lender(
    customer: Customer, contacts: Sequence[CustomerContact]
) -> tuple[Address, CustomerContact | None]:
    """C1 for the address, which is taken whole: a street of one record and a city of another is no address."""
    own = _address(customer)
    if _filled(own):
        return own, None
    lender = next((contact for contact in contacts if _filled(_address(contact))), None)
    return (_address(lender), lender) if lender else (own, None)


def _source(contact: CustomerContact | None, customer: Customer) -> tuple[str, str]:
    return (CONTACT, contact.contact_id) if contact else (CUSTOMER, customer.customer_id)


def _findings(  # noqa: C901 - one line a field
    candidate: Candidate,
    name: PersonName,
    name_source: tuple[str, str],
    sources: dict[str, tuple[str, tuple[str, str], str]],
    deriving: _Deriving,
) -> list[Finding]:
    """Why each of a candidate's values is what it is."""
    customer = (CUSTOMER, candidate.customer_id)
    found: list[Finding] = []

    def say(field: str, value: object, rule: str, source: tuple[str, str], member: str) -> None:
        if value is not None:
            found.append(Finding(candidate.entity, candidate.entity_id, field, str(value), rule, *source, member))

    for field, part in (("first_name", name.first), ("last_name", name.last), ("nickname", name.nickname)):
        if part:
            say(field, part.text, part.rule, customer if part.field == "FirmName" else name_source, part.field)
    if not name.first and not name.last:
        say("first_name", candidate.first_name, "Q2", *sources["email"][1:])
    say("company_name", candidate.company_name, "C8", customer, "FirmName")
    say("record_type", candidate.record_type, "C4", customer, "IsCommercial, IsPersonal, FirmName, LastName")
    say("status", candidate.status, deriving.lifecycle.rule, customer, "IsActive, policies")
    say("suppressed_reason", candidate.suppressed_reason, "N10", name_source, "marks in names")
    rule, source, member = sources["email"]
    for email in candidate.emails:
        say("email", email, rule, source, member)
    rule, source, member = sources["phone"]
    for phone in candidate.phones:
        say("phone", phone.number, rule, source, member.replace("*", phone.kind.capitalize()))
    rule, source, member = sources["address"]
    if _filled(candidate.address):
        given = candidate.address
        say("address", ", ".join(p for p in (given.address1, given.city, given.state) if p), rule, source, member)
    for tag in candidate.tags:
        say("tag", tag.tag, _RULE_OF_TAG.get(tag.category, "T2"), customer, tag.category)
    for fact in candidate.key_facts:
        if fact.kind == "birthday":
            member = "DOB" if candidate.entity == DEPENDENT else "DateOfBirth"
            say("birthday", fact.fact_date, "K1", (candidate.entity, candidate.entity_id), member)
        else:
            when = f"{fact.label}: {fact.fact_date or 'continuous'}"
            say("renewal", when, "K2", ("policy", fact.policy_id or ""), "PolicyExpirationDate")
    for connection in candidate.connections:
        member = "AccountExecCode" if connection.connection_type == "Executive" else "AccountRepCode"
        told = f"{connection.connection_type}: {connection.employee_name or connection.employee_code}"
        say("connection", told, "X1", customer, member)
    return found


_RULE_OF_TAG = {"default": "T1", "executive": "T3", "representative": "T3"}
