"""Resolve the contact an event refers to: an AMS360 customer, one still to be created, or none yet (W11)."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ams_etl.rules.reach.emails import is_placeholder_email
from ams_etl.rules.writeback.customers import SHARED_EMAIL_LIMIT, CustomerOfContact, customer_of
from ams_etl.rules.writeback.decide import CREATES_CUSTOMER
from ams_etl.store.agency_db import AgencyDb


@dataclass(frozen=True, slots=True)
class Place:
    """Where a write goes: the lane it keeps its order in, and the customer where there is one already."""

    lane: str
    customer_id: str | None


@dataclass(slots=True)
class ContactBook:
    """What is known of the contacts that a batch of events names."""

    system: str
    by_number: dict[int, str] = field(default_factory=dict)
    by_contact: dict[str, list[CustomerOfContact]] = field(default_factory=dict)
    contacts_of_email: dict[str, list[str]] = field(default_factory=dict)
    contacts_of_customer: dict[str, list[str]] = field(default_factory=dict)
    """Customer id, lower case -> the contacts made of its primary record; only of customers that a changed name names."""
    created: dict[str, Place] = field(default_factory=dict)
    """Contact key -> the lane it was given when an event created it."""
    new_keys: dict[str, str] = field(default_factory=dict)
    """Contact key -> lane, to be stored."""

    def place(
        self, kind: str, reference: dict[str, Any], email: str | None = None, alone: str | None = None
    ) -> Place | None:
        """Return where an event's writes go, in W11's order: its customer, then its contact, then its email.

        Args:
            kind: of event.
            reference: the contact that it is about.
            email: a created contact's own.
            alone: the lane of a created contact that nothing identifies.

        Returns:
            None: the contact is not known yet.
        """
        if reference.get("customer_id"):
            return Place(str(reference["customer_id"]), str(reference["customer_id"]))
        number = reference.get("customer_number")
        if number:
            customer = self.by_number.get(int(number))
            return Place(customer, customer) if customer else None
        keys = keys_of(reference, email)
        for key in keys:
            found = self._known(key)
            if found is not None:
                if kind in CREATES_CUSTOMER:
                    self.remember(keys, found.lane)
                return found
        if kind not in CREATES_CUSTOMER:
            return None
        keys = [key for key in keys if not self._is_over_shared(key)]
        if not keys:
            return Place(alone, None) if alone else None
        self.remember(keys, keys[0])
        return self.created[keys[0]]

    def _is_over_shared(self, key: str) -> bool:
        return len(self.contacts_of_email.get(key.removeprefix("email:"), ())) > SHARED_EMAIL_LIMIT

    def contact_ids(self, reference: dict[str, Any]) -> list[str]:
        """Return the contacts in the mart that a reference may mean: the contact's own id first, then the customer's."""
        if reference.get("contact_id"):
            return [str(reference["contact_id"])]
        customer = reference.get("customer_id") or self.by_number.get(int(reference.get("customer_number") or 0))
        if customer or reference.get("customer_number"):
            return self.contacts_of_customer.get(str(customer).lower(), [])
        return self.contacts_of_email.get((reference.get("email") or "").strip().lower(), [])

    def store(self, db: AgencyDb) -> None:
        """Keep the lanes of new contacts."""
        db.connection.execute(
            """insert into ops.writeback_contacts (agency, system, contact_key, lane, customer_id)
            select %s, %s, k, l, case when position(':' in l) = 0 then l end
            from unnest(%s::text[], %s::text[]) x (k, l) on conflict do nothing""",
            (db.agency, self.system, list(self.new_keys), list(self.new_keys.values())),
        )

    def also_named(self, keys: Iterable[str]) -> list[str]:
        """The same contacts' other keys that the mart knows; an email that several contacts have names none of them."""
        of_contact: dict[str, list[str]] = defaultdict(list)
        for email, contacts in self.contacts_of_email.items():
            if len(contacts) == 1:
                of_contact[contacts[0]].append(email)
        found: list[str] = []
        for key in keys:
            what, _, value = key.partition(":")
            holders = [value] if what == "contact" else self.contacts_of_email.get(value, [])
            if len(holders) == 1:
                found += [f"contact:{holders[0]}", *(f"email:{email}" for email in sorted(of_contact[holders[0]]))]
        return list(dict.fromkeys(found))

    def _known(self, key: str) -> Place | None:
        what, _, value = key.partition(":")
        contacts = [value] if what == "contact" else self.contacts_of_email.get(value, [])
        if len(contacts) > SHARED_EMAIL_LIMIT:
            return None
        customer = customer_of(customer for contact in contacts for customer in self.by_contact.get(contact, ()))
        return Place(customer, customer) if customer else self.created.get(key)

    def remember(self, keys: Iterable[str], lane: str) -> None:
        """These keys name the contact of that lane from now on."""
        for key in keys:
            if key not in self.created:
                self.created[key] = Place(lane, None if ":" in lane else lane)
                self.new_keys[key] = lane


def keys_of(reference: dict[str, Any], email: str | None = None) -> list[str]:
    """Return how a contact can be named: by its id and by its emails, lower case; a placeholder is nobody's (M5)."""
    keys = [f"contact:{reference['contact_id']}"] if reference.get("contact_id") else []
    emails = [given.strip().lower() for given in (reference.get("email"), email) if given and given.strip()]
    return keys + [f"email:{address}" for address in dict.fromkeys(emails) if not is_placeholder_email(address)]


def read_book(
    db: AgencyDb,
    system: str,
    references: Collection[tuple[dict[str, Any], str | None]],
) -> ContactBook:
    """All that these references need, in one query a table, however many they are."""
    book = ContactBook(system)
    keys = {key for reference, email in references for key in keys_of(reference, email)}
    emails = sorted(key[6:] for key in keys if key.startswith("email:"))
    contacts = {key[8:] for key in keys if key.startswith("contact:")}
    numbers = sorted(
        {str(reference["customer_number"]) for reference, _ in references if reference.get("customer_number")}
    )
    if numbers:
        rows = db.connection.execute(
            """select (payload ->> 'CustomerNumber')::int, entity_id from raw_ams360.customers
            where agency = %s and deleted_at is null and payload ->> 'CustomerNumber' = any(%s)""",
            (db.agency, numbers),
        )
        book.by_number = dict(rows.fetchall())
    found: dict[str, list[str]] = defaultdict(list)
    for email, contact in db.connection.execute(
        """select email, contact_id::text from mart.contact_emails
        where agency = %s and (email = any(%s) or contact_id = any(%s::uuid[]))""",
        (db.agency, emails, sorted(contacts)),
    ):
        found[email].append(contact)
    book.contacts_of_email = dict(found)
    contacts.update(contact for several in found.values() for contact in several)
    customers: dict[str, list[CustomerOfContact]] = defaultdict(list)
    for contact, customer, role, status, number in db.connection.execute(
        """select s.contact_id::text, s.customer_id, s.role, coalesce(c.document ->> 'status', 'prospect'),
            (c.document ->> 'customer_number')::int
        from mart.contact_sources s
        left join stage.candidates c on (c.agency, c.contact_id, c.entity, c.entity_id)
            = (s.agency, s.contact_id, s.entity, s.entity_id)
        where s.agency = %s and s.system = 'ams360' and s.contact_id = any(%s)""",
        (db.agency, [UUID(contact) for contact in contacts]),
    ):
        customers[contact].append(CustomerOfContact(customer, role, status, number))
    book.by_contact = dict(customers)
    book.created = {
        key: Place(lane, customer)
        for key, lane, customer in db.connection.execute(
            """select contact_key, lane, customer_id from ops.writeback_contacts
            where agency = %s and system = %s and contact_key = any(%s)""",
            (db.agency, system, sorted(keys)),
        )
    }
    return book


def read_contacts_of_customers(db: AgencyDb, book: ContactBook, references: Collection[dict[str, Any]]) -> None:
    """Add to the book which contacts are made of the primary records of these references' customers."""
    numbered = (book.by_number.get(int(reference.get("customer_number") or 0)) for reference in references)
    named = (reference.get("customer_id") for reference in references)
    keys = {str(key) for key in (*numbered, *named) if key}
    spellings = sorted({spelling for key in keys for spelling in (key, key.lower(), key.upper())})
    for customer, contact in db.connection.execute(
        """select distinct lower(customer_id), contact_id::text from mart.contact_sources
        where agency = %s and system = 'ams360' and role = 'primary' and customer_id = any(%s) order by 1, 2""",
        (db.agency, spellings),
    ):
        book.contacts_of_customer.setdefault(customer, []).append(contact)
