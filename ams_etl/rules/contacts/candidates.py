"""From a customer's records to candidates: each becomes one of its own, part of one, or a skip with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from ams_etl.rules.contacts.connections import connections_of
from ams_etl.rules.contacts.key_facts import birthday_fact, birthday_of, renewal_facts
from ams_etl.rules.contacts.lifecycle import Lifecycle, default_tags, lifecycle_of, review_on
from ams_etl.rules.contacts.tags import TagOrigin, configured_tags, ownership_tags
from ams_etl.rules.model import Address, Candidate, Derivation, RecordType, Skip, SkipReason, SourceRole
from ams_etl.rules.names.companies import company_name, firm_flags
from ams_etl.rules.names.marks import DECEASED, DO_NOT_CONTACT, PERSONAL, suppressed_by
from ams_etl.rules.names.names import NameFields, Part, PersonName, derive_name, derive_personal_name
from ams_etl.rules.reach.addresses import address_of, is_filled
from ams_etl.rules.reach.emails import email_flags, emails_of, without_listed
from ams_etl.rules.reach.phones import phones_of
from ams_etl.rules.records.ams360 import (
    CONTACT,
    CustomerBundle,
    CustomerContact,
    CustomerDependent,
    Reference,
    Source,
    key_of,
)
from ams_etl.rules.records.best_available import best_available, in_order
from ams_etl.rules.records.record_types import record_type_of
from ams_etl.rules.settings import RuleSettings

SYSTEM = "ams360"


@dataclass(slots=True)
class Given:
    """What a candidate takes from its record and from the records that fill the gaps; `*_from` are the records used."""

    record: Source
    role: SourceRole
    name: PersonName
    name_from: Source
    emails: tuple[str, ...]
    emails_from: tuple[Source, ...]
    phones_from: tuple[Source, ...]
    address: Address
    address_from: Source
    birthday: date | None = None
    absorbed: CustomerContact | None = None
    firm_flags: tuple[str, ...] = ()


@dataclass(slots=True)
class Trace:
    """How a customer was derived, for `explain`: filled by the very code that derives."""

    given: list[tuple[Candidate, Given]]
    lifecycle: Lifecycle | None = None
    tags: Sequence[TagOrigin] = ()


def derive(
    bundle: CustomerBundle, reference: Reference, settings: RuleSettings, today: date, trace: Trace | None = None
) -> Derivation:
    """Q3: every record of a customer becomes a candidate, part of one, or a skip with the rule and the reason.

    Args:
        bundle: the customer with everything beneath it.
        reference: the names behind codes.
        settings: the agency's choices.
        today: the date the rules are asked for.
        trace: when given, it is filled with how each value came about.
    """
    return _Deriving(bundle, reference, settings, today, trace).run()


def is_wanted_contact(place: int, settings: RuleSettings) -> bool:
    """C2: every other CustomerContact of a commercial customer is a candidate, or only those among the first two."""
    return settings.commercial_contacts == "all" or place < 2


def is_second_insured(dependent: CustomerDependent, record_type: RecordType, settings: RuleSettings) -> bool:
    """C3: of a personal customer, a CustomerDependent whose Relationship says so, compared without case."""
    return (
        settings.second_insured
        and record_type != "commercial"
        and dependent.relationship is not None
        and dependent.relationship.casefold() in _relationships(settings.second_insured_relationships)
    )


@lru_cache(maxsize=64)
def _relationships(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(" ".join(name.split()).casefold() for name in names)


def contact_requirement(name: PersonName, emails: Sequence[str]) -> Part | None:
    """Q1, Q2: neither name nor email is no contact; with an email and no name, the email is the first name."""
    if name.first or name.last:
        return name.first
    return Part(emails[0], "Q2", "Email") if emails else None


class _Deriving:
    """One customer's derivation: what its records share is worked out once."""

    def __init__(
        self, bundle: CustomerBundle, reference: Reference, settings: RuleSettings, today: date, trace: Trace | None
    ) -> None:
        self.bundle, self.customer, self.settings, self.today, self.trace = (
            bundle, bundle.customer, settings, today, trace,
        )  # fmt: skip
        self.reference = reference
        self.contacts = in_order(bundle.contacts) if len(bundle.contacts) > 1 else list(bundle.contacts)
        self.record_type = record_type_of(bundle.customer)
        self.candidates: list[Candidate] = []
        self.names: dict[str, PersonName] = {}
        self.skips: list[Skip] = []

    def run(self) -> Derivation:
        lifecycle = self.lifecycle = lifecycle_of(self.bundle, self.settings, self.today)
        if lifecycle.skip:
            reason, rule = lifecycle.skip
            records: list[Source] = [self.customer, *self.contacts, *self.bundle.dependents]
            for record in records:
                self._skip(record, reason, rule)
        else:
            self._share()
            # Of a forgotten customer only ids are left; its contacts are people of their own, and it takes none of them in.
            absorbed = None if self.customer.is_forgotten else self._primary()
            if self.customer.is_forgotten:
                self._skip(self.customer, "forgotten", "Q3")
            for place, contact in enumerate(self.contacts):
                if contact is not absorbed:
                    self._contact(place, contact)
            for dependent in self.bundle.dependents:
                self._dependent(dependent)
        if self.trace:
            self.trace.lifecycle = lifecycle
        return Derivation(tuple(self.candidates), tuple(self.skips), review_on(self.bundle, self.settings, self.today))

    def _share(self) -> None:
        """Work out what all candidates of the customer share: tags, renewals, connections, company."""
        customer, lifecycle, reference, settings = self.customer, self.lifecycle, self.reference, self.settings
        origins = [
            *default_tags(lifecycle, self.record_type, str(customer.is_active).lower()),
            *configured_tags(customer, lifecycle.in_force, reference, settings),
            *ownership_tags(customer, reference, settings),
        ]
        # By pairs of texts, which Python itself hashes: a tag's own method takes three times as long.
        self.tags = tuple({(tag.tag, tag.category): tag for tag, *_ in origins}.values())
        self.renewals = renewal_facts((*lifecycle.in_force, *lifecycle.upcoming), reference, settings)
        self.connections = connections_of(customer, reference)
        self.firm_flags = firm_flags(customer.firm_name, settings.name_marks)
        self.company = None if self.record_type == "personal" else company_name(customer.firm_name, settings.name_marks)
        if self.trace:
            self.trace.tags = origins

    def _primary(self) -> CustomerContact | None:
        customer = self.customer
        personal = self.record_type == "personal"
        name, named_by = self._personal_name() if personal else self._commercial_name()
        absorbed = None if personal else named_by
        own: tuple[Source, ...] = (customer, absorbed) if absorbed else (customer,)
        emails, email_lender = self._primary_emails(own)
        _, phone_lender = best_available(any(record.phones for record in own), self.contacts, self._lends_phones)
        lenders = ([absorbed] if absorbed else []) + self.contacts
        address, address_lender = best_available(address_of(customer), lenders, address_of, is_filled)
        self._add(
            Given(
                customer, "primary", name, named_by or customer,
                emails, (email_lender,) if email_lender else own,
                (phone_lender,) if phone_lender else own,
                address, address_lender or customer,
                None if name.first_left else birthday_of(customer.date_of_birth, self.settings, self.today),
                absorbed,
                () if personal else self.firm_flags,
            ),
        )  # fmt: skip
        return absorbed

    def _name_fields(self) -> NameFields:
        customer = self.customer
        return NameFields(
            customer.first_name, customer.last_name, customer.informal_salutation, customer.formal_salutation,
            firm=customer.firm_name, middle=customer.middle_name,
        )  # fmt: skip

    def _personal_name(self) -> tuple[PersonName, CustomerContact | None]:
        """Return a personal customer's own name, else that of a contact: a sendable one, else the first."""
        own = derive_personal_name(self._name_fields(), self.settings.name_marks)
        if own.first or own.last:
            return own, None
        named, contact = self._sendable_contact(own)
        return (named, contact) if contact else best_available(own, self.contacts, self._name_of, _is_named)

    def _sendable_contact(self, own: PersonName) -> tuple[PersonName, CustomerContact | None]:
        """Return the first named sendable contact; those who have not left come before those who have."""
        named, contact = best_available(own, self.contacts, self._name_of, _is_unmarked)
        return (named, contact) if contact else best_available(own, self.contacts, self._name_of, _is_sendable)

    def _commercial_name(self) -> tuple[PersonName, CustomerContact | None]:
        """N8: a commercial customer with only a firm name takes its first sendable named CustomerContact into its record.

        Without such a contact, use the person named in its salutations, else the firm name as the first name too. A
        person's mark in a salutation is not the firm's (M6).
        """
        own = derive_name(self._name_fields(), self.settings.name_marks)
        if (own.first and own.first.field in {"FirstName", "FirmName"}) or (
            own.last and own.last.field in {"FirstName", "LastName", "FirmName"}
        ):
            return own, None
        named, contact = self._sendable_contact(PersonName())
        firm_flags = tuple(flag for flag in own.flags if flag not in PERSONAL) if own.first or own.last else own.flags
        if contact:
            flags = own.flags if named.first and own.first and named.first.text == own.first.text else firm_flags
            return replace(named, flags=(*flags, *named.flags)), contact
        if (own.first or own.last) and not (self.company and DECEASED in own.flags):
            return own, None
        named, contact = best_available(PersonName(), self.contacts, self._name_of, _is_named)
        if contact and not (self.company and (self._emails_of(self.customer) or self.customer.phones)):
            # Nobody can reach the firm itself: its record is this person's, who is marked.
            return replace(named, flags=(*own.flags, *named.flags)), contact
        firm = Part(self.company, "N8", "FirmName") if self.company else None
        return PersonName(firm, flags=firm_flags), None

    def _primary_emails(self, own: Sequence[Source]) -> tuple[tuple[str, ...], CustomerContact | None]:
        """C5: with no email on the primary record, the first CustomerContact that has one lends it."""
        emails = self._emails_of(own[0])
        if len(own) > 1:
            emails = tuple(dict.fromkeys([email for record in own for email in self._emails_of(record)]))
        emails, lender = best_available(emails, self.contacts, self._lent_emails)
        return (emails[:1] if self.settings.primary_email_only else emails), lender

    def _lent_emails(self, contact: CustomerContact) -> tuple[str, ...]:
        emails = self._emails_of(contact)
        return emails if emails and self._may_lend(contact) else ()

    def _lends_phones(self, contact: CustomerContact) -> bool:
        return bool(contact.phones) and self._may_lend(contact)

    def _may_lend(self, contact: CustomerContact) -> bool:
        """Return whether a contact's email and phone may be another one's: not of the deceased, nor of who refuses (M6)."""
        return suppressed_by((*self._name_of(contact).flags, *email_flags((contact,)))) is None

    def _emails_of(self, record: Source) -> tuple[str, ...]:
        """Return a record's addresses without those that the setting `placeholder_emails` lists (M5)."""
        emails = emails_of(record)
        listed = self.settings.placeholder_emails
        return without_listed(emails, listed) if listed and emails else emails

    def _emails(self, record: Source) -> tuple[str, ...]:
        emails = self._emails_of(record)
        return emails[:1] if self.settings.primary_email_only else emails

    def _contact(self, place: int, contact: CustomerContact) -> None:
        if self.record_type == "personal":
            self._skip(contact, "gap_filler", "C3")
        elif not is_wanted_contact(place, self.settings):
            self._skip(contact, "commercial_contacts", "C2")
        else:
            own = address_of(contact)
            address_from: Source = contact if is_filled(own) else self.customer
            self._add(
                Given(
                    contact, "contact", self._name_of(contact), contact, self._emails(contact), (contact,), (contact,),
                    own if address_from is contact else address_of(self.customer), address_from,
                    firm_flags=tuple(flag for flag in self.firm_flags if flag == DO_NOT_CONTACT),
                )
            )  # fmt: skip

    def _dependent(self, dependent: CustomerDependent) -> None:
        if not is_second_insured(dependent, self.record_type, self.settings):
            self._skip(dependent, "not_second_insured", "C3")
            return
        name, named_by = self._second_insured_name(dependent)
        self._add(
            Given(
                dependent, "second_insured", name, named_by, self._emails(dependent), (dependent,), (dependent,),
                address_of(self.customer), self.customer,
                birthday_of(dependent.date_of_birth, self.settings, self.today),
            )
        )  # fmt: skip

    def _name_of(self, contact: CustomerContact) -> PersonName:
        name = self.names.get(contact.contact_id)
        if name is None:
            name = self.names[contact.contact_id] = derive_name(
                NameFields(None, None, contact.informal_salutation, contact.formal_salutation, contact.contact_name),
                self.settings.name_marks,
            )
        return name

    def _second_insured_name(self, dependent: CustomerDependent) -> tuple[PersonName, Source]:
        """A second insured's own name; a family name that is not written is the customer's."""
        fields = NameFields(dependent.first_name, dependent.last_name, middle=dependent.middle_name)
        name = derive_name(fields, self.settings.name_marks)
        if name.first and not name.last:
            family = derive_name(NameFields(last=self.customer.last_name), self.settings.name_marks).last
            if family:
                return replace(name, last=Part(family.text, "C3", "LastName")), dependent
        return name, dependent

    def _add(self, given: Given) -> None:
        name, record = given.name, given.record
        first = contact_requirement(name, given.emails)
        if first is None and name.last is None:
            self._skip(record, "no_name_no_email", "Q1")
            return
        entity, entity_id = key_of(record)
        # Most records are their own and only source of emails, and need not be read twice for the same flags.
        written_by = given.emails_from if given.emails_from[0] is record else (record, *given.emails_from)
        marks = (*name.flags, *given.firm_flags, *email_flags(written_by))
        phones = given.phones_from[0].phones
        if len(given.phones_from) > 1:
            phones = tuple([phone for source in given.phones_from for phone in source.phones])
        candidate = Candidate(
            SYSTEM,
            entity,
            entity_id,
            self.customer.customer_id,
            self.customer.customer_number,
            given.role,
            self.record_type,
            self.lifecycle.status,
            bool(self.lifecycle.in_force),
            first.text if first else None,
            name.last.text if name.last else None,
            name.nickname.text if name.nickname else None,
            self.company,
            suppressed_by(marks),
            given.emails,
            phones_of(phones, self.record_type, self.settings.default_country) if phones else (),
            given.address,
            given.birthday,
            self.tags,
            (*birthday_fact(given.birthday), *self.renewals),
            self.connections,
            ((CONTACT, given.absorbed.contact_id),) if given.absorbed else (),
            middle_name=name.middle.text if name.middle else None,
            marks=tuple(dict.fromkeys([mark for mark in marks if mark != "role"])) if marks else (),
        )
        self.candidates.append(candidate)
        if self.trace:
            self.trace.given.append((candidate, given))

    def _skip(self, record: Source, reason: SkipReason, rule: str) -> None:
        self.skips.append(Skip(SYSTEM, *key_of(record), self.customer.customer_id, reason, rule))


def _is_named(name: PersonName) -> bool:
    return bool(name.first or name.last)


def _is_sendable(name: PersonName) -> bool:
    return _is_named(name) and suppressed_by(name.flags) is None


def _is_unmarked(name: PersonName) -> bool:
    return _is_sendable(name) and PERSONAL.isdisjoint(name.flags)
