"""What a batch of events asks of the agency's BenefitPoint besides AMS360 (B7).

A contact that an event creates there has a lane, under every key that it is known by, until (and after) BenefitPoint has
given it an account: so it is made once however it is named, and events about it meanwhile wait for it.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID, uuid5

import psycopg

from ams_etl.rules.accounts.platform_accounts import ACCOUNT_PROPERTIES
from ams_etl.rules.writeback.decide import CREATES_CUSTOMER
from ams_etl.settings import Agency
from ams_etl.store.agency_db import AgencyDb
from ams_etl.writeback.outbox.enqueue import NewWrite
from ams_etl.writeback.planning.contacts import ContactBook, Place, keys_of
from ams_etl.writeback.planning.readable_events import ReadableEvent

SYSTEM = "benefitpoint"
_NAMESPACE = UUID("7b1d0c52-8f0e-5f43-9f2e-21f0b3c4a6d8")
_PERSON = ("first_name", "last_name", "email")


class AccountEvents:
    """Plans what goes to BenefitPoint, one event after the other.

    Args:
        connection: inside the transaction of the batch.
        agency: the agency and its choices.
        events: all that are to be planned, in their order, with AMS360's place of each.
        people: the keys of each person on AMS360's side.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        agency: Agency,
        events: Sequence[tuple[ReadableEvent, Place | None]],
        people: ContactBook,
    ) -> None:
        self._db, self._agency = AgencyDb(connection, agency.id), agency
        concerned = [pair for pair in events if _concerns_benefitpoint(pair[0], agency)]
        self._keys = _keys(self._db, concerned, people)
        self._book = ContactBook(SYSTEM)
        self._book.created = _stored(self._db, {key for keys in self._keys.values() for key in keys})
        self._accounts = _accounts(self._db, concerned)
        self._people: dict[UUID, dict[str, Any]] = {}
        for event_id, account, person in _accounts_of_contacts(self._db, concerned):
            self._accounts[event_id] = (account, "account")
            self._people[event_id] = person
        self._customers = _new_customers(self._db, [place for _, place in concerned if place])

    def place(self, event: ReadableEvent) -> Place | None:
        """The account that an event is about, or the lane of one that is being made; None: none that is known."""
        known = self._accounts.get(event.event_id)
        if known is not None:
            account, how = known
            # An email alone names an account for an edit, not for a new contact: that is searched for by name, too.
            if how != "email" or event.kind == "contact_updated":
                return Place(account, account)
        return next(
            (found for key in self._keys.get(event.event_id, ()) if (found := self._book.created.get(key))), None
        )

    def heard_of(self, customer: NewWrite) -> None:
        """A write of this batch makes the customer of its lane in AMS360."""
        self._customers[customer.lane] = customer.writeback_id

    def creates(
        self, event: ReadableEvent, place: Place | None, ams360: Place | None, customer: NewWrite | None
    ) -> None:
        """Have a contact created: where AMS360 has it or gets it, the account names AMS360's customer.

        Args:
            event: a created contact.
            place: its account, if it has one.
            ams360: its place in AMS360.
            customer: the event's own write that creates it there.
        """
        keys = self._keys[event.event_id]
        place = place or Place(keys[0], None)
        self._book.remember(keys, place.lane)
        values = _values(event)
        if event.reference.get("email"):
            values.setdefault("email", event.reference["email"])
        if event.payload.get("account_name"):
            values["company_name"] = event.payload["account_name"]
        classification = "Group" if event.payload.get("record_type") == "commercial" else "Individual"
        request = {"values": values, "classification": classification, **self._customer(ams360, customer)}
        self._write(event, "account", place.lane, request, place.customer_id)
        person = {name: values[name] for name in _PERSON if values.get(name)}
        if classification == "Group" and {"first_name", "last_name"} <= person.keys():
            self._write(event, "account_contact", place.lane, {"values": person}, place.customer_id)

    def updates(self, event: ReadableEvent, place: Place) -> None:
        """Plan the change of an account, as far as it has a field for the value and the agency allows the change."""
        allowed = ACCOUNT_PROPERTIES & set(self._agency.writeback.properties)
        values = {name: value for name, value in _values(event).items() if name in allowed and value}
        if values:
            request: dict[str, Any] = {"values": values}
            if event.reference.get("email"):
                request["email"] = event.reference["email"]
            request |= self._people.get(event.event_id, {})
            self._write(event, "update_account", place.lane, request, place.customer_id)

    def knows(self, event: ReadableEvent) -> bool:
        """Whether anything tells who an event's contact is, though it may have no account yet."""
        return bool(self._keys.get(event.event_id) or self._accounts.get(event.event_id))

    def links(self, event: ReadableEvent, place: Place, customer: NewWrite) -> None:
        """Have the account of a contact name the customer that AMS360 gets of it: the two are one account."""
        if self._accounts.get(event.event_id, ("", ""))[1] == "link":
            return
        request = {"ams360_writeback": str(customer.writeback_id), "lane": place.lane}
        self._write(event, "link_account", f"link:{event.event_id}", request, place.customer_id)

    def remember(self) -> None:
        """Store which lane each new contact has."""
        if self._book.new_keys:
            self._book.store(self._db)

    def _customer(self, ams360: Place | None, customer: NewWrite | None) -> dict[str, str]:
        if customer is not None:
            return {"ams360_writeback": str(customer.writeback_id)}
        if ams360 is None:
            return {}
        if ams360.customer_id:
            return {"ams_customer_id": ams360.customer_id}
        waits_for = self._customers.get(ams360.lane)
        return {"ams360_writeback": str(waits_for)} if waits_for else {}

    def _write(
        self, event: ReadableEvent, operation: str, lane: str, request: dict[str, Any], account: str | None
    ) -> None:
        write_id = uuid5(_NAMESPACE, f"{self._agency.id}\x1f{event.event_id}\x1f{operation}")
        event.writes.append(
            (SYSTEM, NewWrite(write_id, event.kind, operation, lane, request, account, event_id=event.event_id))
        )


def _concerns_benefitpoint(event: ReadableEvent, agency: Agency) -> bool:
    """An account may be asked for before the settings know of BenefitPoint: then it waits."""
    targets = event.payload.get("targets") or ()
    return SYSTEM in targets or (
        agency.benefitpoint is not None and (event.kind == "contact_updated" or event.kind in CREATES_CUSTOMER)
    )


def _values(event: ReadableEvent) -> dict[str, str]:
    return {name: str(value).strip() for name, value in (event.payload.get("properties") or {}).items()}


def _keys(
    db: AgencyDb,
    events: Iterable[tuple[ReadableEvent, Place | None]],
    people: ContactBook,
) -> dict[UUID, list[str]]:
    """Event id -> every key of its contact: its own, those of the same contact in the mart and of the same customer."""
    found: dict[UUID, list[str]] = {}
    customers: dict[str, list[list[str]]] = {}
    for event, place in events:
        keys = keys_of(event.reference, event.given_email)
        keys = list(dict.fromkeys([*keys, *people.also_named(keys)]))
        if place is not None:
            # A customer that is still to be made is known by its lane, which is one of its keys.
            keys.append(f"customer:{place.customer_id.lower()}" if place.customer_id else place.lane)
            customers.setdefault(place.lane, []).append(keys)
        found[event.event_id] = keys
    for lane, key in db.connection.execute(
        """select lane, contact_key from ops.writeback_contacts
        where agency = %s and system = 'ams360' and lane = any(%s) order by 1, 2""",
        (db.agency, sorted(customers)),
    ):
        for keys in customers[lane]:
            keys.append(key)
    return {event_id: list(dict.fromkeys(keys)) for event_id, keys in found.items()}


def _stored(db: AgencyDb, keys: Iterable[str]) -> dict[str, Place]:
    return {
        key: Place(lane, account)
        for key, lane, account in db.connection.execute(
            """select contact_key, lane, customer_id from ops.writeback_contacts
            where agency = %s and system = %s and contact_key = any(%s)""",
            (db.agency, SYSTEM, sorted(keys)),
        )
    }


def _new_customers(db: AgencyDb, places: Iterable[Place]) -> dict[str, UUID]:
    """Lane -> the write that makes its customer in AMS360, where there is none yet."""
    lanes = sorted({place.lane for place in places if place.customer_id is None})
    return dict(
        db.connection.execute(
            """select distinct on (lane) lane, writeback_id from ops.writebacks
            where agency = %s and system = 'ams360' and operation = 'customer' and lane = any(%s)
            order by lane, position desc""",
            (db.agency, lanes),
        ).fetchall()
    )


def _accounts(db: AgencyDb, events: Sequence[tuple[ReadableEvent, Place | None]]) -> dict[UUID, tuple[str, str]]:
    """Event id -> BenefitPoint's account, and what names it: `link` (its customer), `account` or `email`.

    An email names an account that BenefitPoint alone knows, if one alone has it.
    """
    if not events:
        return {}
    rows = db.connection.execute(
        """select x.event_id, min(a.benefitpoint_account_id)::text, case
            when bool_and(a.ams360_customer_id in (x.customer_id, upper(x.customer_id))) then 'link'
            when x.account_id is not null then 'account' else 'email' end
        from unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[]) x (event_id, account_id, customer_id, email)
        join mart.accounts a on a.agency = %s and a.benefitpoint_account_id is not null and case
            when x.account_id is not null then x.account_id in (a.account_id, a.former_id)
            when x.customer_id is not null then a.ams360_customer_id in (x.customer_id, upper(x.customer_id))
            else a.ams360_customer_id is null and lower(a.email) = x.email end
        group by x.event_id, x.account_id having count(*) = 1""",
        (
            [event.event_id for event, _ in events],
            [event.reference.get("account_id") for event, _ in events],
            [place.customer_id if place else None for _, place in events],
            [(event.reference.get("email") or "").strip().lower() or None for event, _ in events],
            db.agency,
        ),
    )
    return {event_id: (account, how) for event_id, account, how in rows}


def _accounts_of_contacts(
    db: AgencyDb, events: Sequence[tuple[ReadableEvent, Place | None]]
) -> list[tuple[UUID, str, dict[str, Any]]]:
    """The same for a contact id, where AMS360 has no part in the contact: the account, and which of its people it is.

    A contact that is one of a group's people and not the group has nothing of the account's own changed.
    """
    named = [
        (event.event_id, event.reference["contact_id"])
        for event, place in events
        if event.reference.get("contact_id") and not event.reference.get("account_id") and place is None
    ]
    rows = db.connection.execute(
        """select x.event_id, min(s.customer_id), min(s.entity_id) filter (where s.entity = 'account_contact'),
            bool_or(s.entity = 'account')
        from unnest(%s::uuid[], %s::uuid[]) x (event_id, contact_id)
        join mart.contact_sources s on s.agency = %s and s.contact_id = x.contact_id
            and s.system = 'benefitpoint' and s.entity in ('account', 'account_contact')
        where not exists (select from mart.contact_sources o
            where (o.agency, o.contact_id, o.system) = (s.agency, s.contact_id, 'ams360'))
        group by x.event_id
        having count(distinct s.customer_id) = 1 and count(*) filter (where s.entity = 'account_contact') <= 1""",
        ([event_id for event_id, _ in named], [contact for _, contact in named], db.agency),
    )
    return [
        (
            event_id,
            account,
            {**({"person": int(person)} if person else {}), **({} if is_account else {"person_alone": True})},
        )
        for event_id, account, person, is_account in rows
    ]
