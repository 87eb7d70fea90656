"""What a batch of events asks of AMS360 (W): customers and employees are found for all at once."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.rules.writeback.activities import employee_code
from ams_etl.rules.writeback.decide import CREATES_CUSTOMER
from ams_etl.rules.writeback.model import Employees
from ams_etl.rules.writeback.properties import PROPERTIES, left_out
from ams_etl.rules.writeback.writes import plan_writes
from ams_etl.settings import Agency
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.customer_merges import survivors_of, survivors_of_contacts, survivors_of_numbers
from ams_etl.writeback.outbox.enqueue import NewWrite
from ams_etl.writeback.planning.contacts import ContactBook, Place, read_book, read_contacts_of_customers
from ams_etl.writeback.planning.readable_events import ReadableEvent, marker_of, writeback_id_of

SYSTEM = "ams360"


class Ams360Events:
    """Plans the writes of events, one after the other.

    Args:
        connection: inside the transaction of the batch.
        agency: the agency and its choices.
        events: all that are to be planned, in their order.
    """

    def __init__(self, connection: psycopg.Connection[Any], agency: Agency, events: Sequence[ReadableEvent]) -> None:
        self._db, self._agency = AgencyDb(connection, agency.id), agency
        _name_customers(self._db, events)
        _name_survivors(self._db, events)
        self.book: ContactBook = read_book(self._db, SYSTEM, [(event.reference, event.given_email) for event in events])
        renaming = [event.reference for event in events if event.kind == "name_changed"]
        read_contacts_of_customers(self._db, self.book, renaming)
        self._tickets = _tickets(self._db, events)
        self._survivors: dict[str, str] = {}
        places = {event.event_id: self._look(event) for event in events}
        named = (place.customer_id for place in places.values() if place)
        self._survivors = survivors_of(connection, agency.id, [customer for customer in named if customer])
        self._places = {event_id: self._continued(place) for event_id, place in places.items()}
        self._codes = _employee_codes(self._db, events)
        customers = {place.customer_id for place in self._places.values() if place}
        self._own = _codes_of_customers(self._db, customers)

    def place(self, event: ReadableEvent) -> Place | None:
        """Where an event's writes go; None: nobody yet, or AMS360 is not to have it."""
        # A ticket may have been created by an event before it in this very batch.
        found = self._places[event.event_id]
        if found is None and event.kind == "ticket_completed":
            return self._continued(self._look(event))
        return found

    def plan(self, event: ReadableEvent, place: Place) -> list[NewWrite]:
        """The event's writes, in their order."""
        if event.happening is None:
            return []
        of_customer = self._own.get(place.customer_id or "", [])
        writes = plan_writes(
            event.happening,
            employees=Employees(
                employee_code(event.happening.actor_id, self._codes, of_customer),
                employee_code(event.happening.assignee_id, self._codes, of_customer),
            ),
            marker=marker_of(event.event_id),
            actions=self._agency.settings.activity_actions,
            settings=self._agency.writeback,
            country=self._agency.settings.default_country,
            email=event.reference.get("email"),
        )
        allowed = PROPERTIES if event.kind in CREATES_CUSTOMER else self._agency.writeback.properties
        event.note = (
            "; ".join(left_out(event.happening.properties, allowed, self._agency.settings.default_country)) or None
        )
        ids = [writeback_id_of(event.event_id, number) for number in range(len(writes))]
        ticket = str(event.payload.get("ticket_id"))
        planned = []
        for number, write in enumerate(writes):
            after = ids[write.after] if write.after is not None else None
            if write.operation == "complete_suspense":
                after = self._tickets[ticket][0]
            if write.operation == "suspense":
                self._tickets.setdefault(ticket, (ids[number], place))
            planned.append(
                NewWrite(
                    ids[number], event.kind, write.operation, place.lane, write.request, place.customer_id, after,
                    event.event_id,
                )
            )  # fmt: skip
        return planned

    def remember(self, events: Sequence[ReadableEvent]) -> None:
        """Store which lane each new contact has, and which write makes each ticket's suspense."""
        if self.book.new_keys:
            self.book.store(self._db)
        tickets = [
            (event.payload["ticket_id"], write.writeback_id)
            for event in events
            for system, write in event.writes
            if system == SYSTEM and write.operation == "suspense"
        ]
        if tickets:
            self._db.connection.execute(
                """insert into ops.writeback_targets (agency, system, subject, subject_id, writeback_id)
                select %s, %s, 'ticket', * from unnest(%s::text[], %s::uuid[]) on conflict do nothing""",
                (
                    self._agency.id,
                    SYSTEM,
                    [ticket for ticket, _ in tickets],
                    [writeback_id for _, writeback_id in tickets],
                ),
            )

    def _continued(self, place: Place | None) -> Place | None:
        """M9: where the customer was merged into another one, that one's lane."""
        survivor = self._survivors.get(place.customer_id or "") if place else None
        return Place(survivor, survivor) if survivor else place

    def _look(self, event: ReadableEvent) -> Place | None:
        if event.kind == "ticket_completed":
            known = self._tickets.get(event.payload["ticket_id"])
            return known[1] if known else None
        if event.kind == "contact_created" and not event.goes_to_ams360:
            # Nothing may wait in a lane for a customer that AMS360 is never to have.
            return self.book.place("contact_updated", event.reference, event.given_email)
        return self.book.place(event.kind, event.reference, event.given_email, f"event:{event.event_id}")


def _name_customers(db: AgencyDb, events: Sequence[ReadableEvent]) -> None:
    """An account that AMS360 has stands for its customer."""
    wanted = sorted({str(event.reference["account_id"]) for event in events if event.reference.get("account_id")})
    if not wanted:
        return
    customers: dict[str, str] = dict(
        db.connection.execute(
            """select id::text, ams360_customer_id from unnest(%s::uuid[]) id
            join mart.accounts on agency = %s and id in (account_id, former_id) where ams360_customer_id is not null""",
            (wanted, db.agency),
        ).fetchall()
    )
    for event in events:
        account = event.reference.get("account_id")
        if account in customers:
            event.reference.setdefault("customer_id", customers[account])


def _name_survivors(db: AgencyDb, events: Sequence[ReadableEvent]) -> None:
    """M9: let references by an old contact id, customer id or CustomerNumber mean the contact or customer that goes on."""
    references = [event.reference for event in events]
    contacts = survivors_of_contacts(
        db.connection,
        db.agency,
        [str(reference["contact_id"]) for reference in references if reference.get("contact_id")],
    )
    customers = survivors_of(
        db.connection,
        db.agency,
        [str(reference["customer_id"]) for reference in references if reference.get("customer_id")],
    )
    numbers = survivors_of_numbers(
        db.connection,
        db.agency,
        [int(reference["customer_number"]) for reference in references if reference.get("customer_number")],
    )
    for reference in references:
        if str(reference.get("contact_id")) in contacts:
            reference["contact_id"] = contacts[str(reference["contact_id"])]
        if str(reference.get("customer_id")) in customers:
            reference["customer_id"] = customers[str(reference["customer_id"])]
        elif not reference.get("customer_id") and int(reference.get("customer_number") or 0) in numbers:
            reference["customer_id"] = numbers[int(reference["customer_number"])]


def _tickets(db: AgencyDb, events: Sequence[ReadableEvent]) -> dict[str, tuple[UUID, Place]]:
    wanted = sorted({str(event.payload["ticket_id"]) for event in events if event.payload.get("ticket_id")})
    return {
        ticket: (writeback_id, Place(lane, customer))
        for ticket, writeback_id, lane, customer in db.connection.execute(
            """select t.subject_id, w.writeback_id, w.lane, w.customer_id
            from ops.writeback_targets t join ops.writebacks w using (agency, writeback_id)
            where t.agency = %s and t.system = %s and t.subject = 'ticket' and t.subject_id = any(%s)""",
            (db.agency, SYSTEM, wanted),
        )
    }


def _employee_codes(db: AgencyDb, events: Sequence[ReadableEvent]) -> Mapping[str, list[str]]:
    users = {
        user
        for event in events
        if event.happening is not None
        for user in (event.happening.actor_id, event.happening.assignee_id)
        if user
    }
    rows = db.connection.execute(
        """select user_id, array_agg(distinct employee_code) from ops.user_mappings
        where agency = %s and user_id = any(%s) group by user_id""",
        (db.agency, sorted(users)),
    ).fetchall()
    return dict(rows)


def _codes_of_customers(db: AgencyDb, customers: set[str | None]) -> Mapping[str, list[str]]:
    return {
        customer: [code for code in (executive, representative) if code]
        for customer, executive, representative in db.connection.execute(
            """select entity_id, payload ->> 'AccountExecCode', payload ->> 'AccountRepCode' from raw_ams360.customers
            where agency = %s and entity_id = any(%s)""",
            (db.agency, sorted(customer for customer in customers if customer)),
        )
    }
