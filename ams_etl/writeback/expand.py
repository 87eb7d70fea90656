"""From events to the outbox: understand each once, find its customer, plan its writes.

A chunk is one transaction under the agency's lock, and a write's id is a function of its event: a killed run goes on
where it stopped, and nothing is planned twice.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import psycopg
from psycopg.types.json import Jsonb

from ams_etl.rules.writeback import plan_writes
from ams_etl.rules.writeback_activities import employee_code
from ams_etl.rules.writeback_model import Employees, Happening, Write
from ams_etl.settings import Agency
from ams_etl.writeback.account_events import account_writes, customers_of_accounts, goes_to_ams360
from ams_etl.writeback.contacts import Book, Place, read_book
from ams_etl.writeback.enqueue import NewWrite, enqueue
from ams_etl.writeback.events import read_event
from ams_etl.writeback.lanes import lock

_log = logging.getLogger(__name__)
CHUNK = 500
SYSTEM = "ams360"
_IDS = UUID("5f0b6e0e-6c5b-5d0a-9a53-1f1f5b0a4c11")
_LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ExpandCounts:
    """Events by what became of them, and the writes that were planned."""

    planned: int = 0
    done: int = 0
    waiting: int = 0
    refused: int = 0
    writes: int = 0


@dataclass(slots=True)
class _Event:
    """An event being understood."""

    event_id: UUID
    kind: str
    payload: dict[str, Any]
    looked: int
    received_at: datetime
    happening: Happening | None = None
    state: str = "planned"
    error: str | None = None
    writes: list[tuple[UUID, Write, Place, UUID | None]] = field(default_factory=list)
    account: NewWrite | None = None
    """What goes to BenefitPoint besides."""


def expand_events(connection: psycopg.Connection[Any], agency: Agency, zone: tzinfo) -> ExpandCounts:
    """Plan the writes of every event that is due.

    Args:
        connection: autocommit; each chunk is a transaction.
        agency: the agency and its choices.
        zone: the schedule's time zone, used where `writeback.timezone` is not set.
    """
    total = ExpandCounts()
    while True:
        with connection.transaction():
            lock(connection, agency.id)
            counts, looked_at = _expand_chunk(connection, agency, zone)
        total = ExpandCounts(*(a + b for a, b in zip(_values(total), _values(counts), strict=True)))
        if looked_at < CHUNK:
            return total


def writeback_id_of(event_id: UUID, number: int) -> UUID:
    """The id of an event's write by its place: always the same."""
    return uuid5(_IDS, f"{event_id}/{number}")


def marker_of(event_id: UUID) -> str:
    """What an event's suspense or policy is found by again: short, since people see it."""
    return f"[#{uuid5(_IDS, str(event_id)).hex[:10]}]"


def plan_again(connection: psycopg.Connection[Any], agency: Agency, zone: tzinfo, event_ids: list[UUID]) -> int:
    """Plan writes that failed anew, by today's settings and mappings; gives how many requests changed.

    Only rows that are `failed` are touched: what was sent, or may have been, stays as it was sent.
    """
    rows = connection.execute(
        """select event_id, kind, idempotency_key, payload, looked, received_at from ops.events
        where agency = %s and event_id = any(%s) order by seq""",
        (agency.id, event_ids),
    ).fetchall()
    events = _understand(connection, agency, zone, rows)
    _plan(connection, agency, events)
    changed = 0
    for event in events:
        for writeback_id, write, _, _ in event.writes:
            changed += connection.execute(
                """update ops.writebacks set request = %(request)s where agency = %(agency)s and writeback_id = %(id)s
                and status = 'failed' and operation = %(operation)s and request is distinct from %(request)s::jsonb""",
                {
                    "agency": agency.id,
                    "id": writeback_id,
                    "operation": write.operation,
                    "request": Jsonb(write.request),
                },
            ).rowcount
    return changed


def _values(counts: ExpandCounts) -> tuple[int, ...]:
    return counts.planned, counts.done, counts.waiting, counts.refused, counts.writes


def _expand_chunk(connection: psycopg.Connection[Any], agency: Agency, zone: tzinfo) -> tuple[ExpandCounts, int]:
    rows = connection.execute(
        """select event_id, kind, idempotency_key, payload, looked, received_at from ops.events
        where agency = %s and state in ('received', 'waiting') and look_again_at <= now()
        order by look_again_at, seq limit %s""",
        (agency.id, CHUNK),
    ).fetchall()
    if not rows:
        return ExpandCounts(), 0
    events = _understand(connection, agency, zone, rows)
    _plan(connection, agency, events)
    _store(connection, agency.id, events)
    by_state: dict[str, int] = defaultdict(int)
    for event in events:
        by_state[event.state] += 1
    writes = sum(len(event.writes) + (event.account is not None) for event in events)
    return ExpandCounts(by_state["planned"], by_state["done"], by_state["waiting"], by_state["refused"], writes), len(
        rows
    )


def _understand(
    connection: psycopg.Connection[Any], agency: Agency, zone: tzinfo, rows: list[tuple[Any, ...]]
) -> list[_Event]:
    """Check what may have been inserted by hand, and read it for the rules. The files are those that there are."""
    files: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for event_id, name, content_type, size in connection.execute(
        """select event_id, file_name, content_type, length(content) from ops.event_attachments
        where agency = %s and event_id = any(%s) order by attachment_no""",
        (agency.id, [row[0] for row in rows]),
    ):
        files[event_id].append({"file_name": name, "content_type": content_type, "bytes": size})
    wall = ZoneInfo(agency.writeback.timezone) if agency.writeback.timezone else zone
    events = []
    for event_id, kind, key, payload, looked, received_at in rows:
        event = _Event(event_id, kind, payload, looked, received_at)
        events.append(event)
        try:
            bare = {name: value for name, value in payload.items() if name != "attachments"}
            read = read_event({**bare, "kind": kind, "idempotency_key": key})
        except (ValueError, AttributeError, TypeError) as error:
            event.state, event.error = "refused", str(error)
            continue
        event.payload = read.model_dump(mode="json", exclude_none=True)
        event.happening = replace(
            Happening.from_payload(kind, event.payload, wall), attachments=tuple(files.get(event_id, ()))
        )
    return events


def _plan(connection: psycopg.Connection[Any], agency: Agency, events: list[_Event]) -> None:
    """Find customers and employees for all at once, then plan one after the other."""
    good = [event for event in events if event.happening is not None]
    customers = customers_of_accounts(connection, agency.id, [event.payload.get("contact") or {} for event in good])
    for event in good:
        account = (event.payload.get("contact") or {}).get("account_id")
        if account in customers:
            event.payload["contact"].setdefault("customer_id", customers[account])
    book = read_book(
        connection,
        agency.id,
        SYSTEM,
        [(event.payload.get("contact") or {}, _given_email(event)) for event in good],
    )
    tickets = _tickets(connection, agency.id, good)
    places = {event.event_id: _place(event, book, tickets) for event in good}
    accounts = account_writes(
        connection,
        agency,
        [
            (event.event_id, event.kind, event.payload, place.customer_id if place else None)
            for event in good
            for place in (places[event.event_id],)
        ],
        {event.event_id: writeback_id_of(event.event_id, 0) for event in good},
    )
    codes = _employee_codes(connection, agency.id, good)
    own = _codes_of_customers(connection, agency.id, {place.customer_id for place in places.values() if place})
    for event in good:
        if event.kind == "name_changed":
            event.state = "done"
            continue
        # A ticket may have been created by an event before it in this very chunk.
        place = places[event.event_id]
        if place is None and event.kind == "ticket_completed":
            place = _place(event, book, tickets)
        account = accounts.get(event.event_id)
        if isinstance(account, str):
            event.state, event.error = "refused", account
            continue
        event.account = account
        if place is None and account is None:
            _wait(event, agency)
            continue
        if place is None or not goes_to_ams360(event.payload):
            event.state = "planned" if account else "done"
            continue
        try:
            _plan_one(event, place, agency, codes, own, tickets)
        except Exception as error:  # noqa: BLE001 - one event that no rule can plan must not hold up all others
            # Not its message: that may hold what the event says.
            _log.error("event %s cannot be planned: %s", event.event_id, type(error).__name__)
            event.state, event.error, event.writes = "refused", f"cannot be planned: {type(error).__name__}", []
            event.account = None
    _rename(connection, agency, [event for event in good if event.kind == "name_changed"], book)
    if book.new_keys:
        connection.execute(
            """insert into ops.writeback_contacts (agency, system, contact_key, lane, customer_id)
            select %s, %s, k, l, case when position(':' in l) = 0 then l end
            from unnest(%s::text[], %s::text[]) x (k, l) on conflict do nothing""",
            (agency.id, SYSTEM, list(book.new_keys), list(book.new_keys.values())),
        )


_Tickets = dict[str, tuple[UUID, Place]]


def _plan_one(
    event: _Event,
    place: Place,
    agency: Agency,
    codes: Mapping[str, list[str]],
    own: Mapping[str, list[str]],
    tickets: _Tickets,
) -> None:
    happening = event.happening
    if happening is None:
        return
    of_customer = own.get(place.customer_id or "", [])
    writes = plan_writes(
        happening,
        employees=Employees(
            employee_code(happening.actor_id, codes, of_customer),
            employee_code(happening.assignee_id, codes, of_customer),
        ),
        marker=marker_of(event.event_id),
        actions=agency.settings.activity_actions,
        settings=agency.writeback,
        country=agency.settings.default_country,
        email=(event.payload.get("contact") or {}).get("email"),
    )
    if not writes:
        event.state = "planned" if event.account else "done"
        return
    ids = [writeback_id_of(event.event_id, number) for number in range(len(writes))]
    ticket = str(event.payload.get("ticket_id"))
    for number, write in enumerate(writes):
        after = ids[write.after] if write.after is not None else None
        if write.operation == "complete_suspense":
            after = tickets[ticket][0]
        if write.operation == "suspense":
            tickets.setdefault(ticket, (ids[number], place))
        event.writes.append((ids[number], write, place, after))


def _place(event: _Event, book: Book, tickets: _Tickets) -> Place | None:
    if event.kind == "ticket_completed":
        known = tickets.get(event.payload["ticket_id"])
        return known[1] if known else None
    if event.kind == "contact_created" and not goes_to_ams360(event.payload):
        # Nothing may wait in a lane for a customer that AMS360 is never to have.
        return None
    return book.place(event.kind, event.payload.get("contact") or {}, _given_email(event))


def _given_email(event: _Event) -> str | None:
    """A created contact's own email; the one that an update brings is new, and names nobody yet."""
    if event.kind in {"contact_created", "deal_created", "deal_won"}:
        found: str | None = (event.payload.get("properties") or {}).get("email")
        return found
    return None


def _wait(event: _Event, agency: Agency) -> None:
    """Not known yet: look again later, and give up after the days that the agency set."""
    waits_for = "ticket" if event.kind == "ticket_completed" else "contact"
    if datetime.now(UTC) - event.received_at > timedelta(days=agency.writeback.wait_days):
        event.state = "refused"
        event.error = f"its {waits_for} has not become known within {agency.writeback.wait_days} days"
    else:
        event.state, event.error = "waiting", f"its {waits_for} is not known yet"


def _tickets(connection: psycopg.Connection[Any], agency: str, events: list[_Event]) -> _Tickets:
    wanted = sorted({str(event.payload["ticket_id"]) for event in events if event.payload.get("ticket_id")})
    return {
        ticket: (writeback_id, Place(lane, customer))
        for ticket, writeback_id, lane, customer in connection.execute(
            """select t.subject_id, w.writeback_id, w.lane, w.customer_id
            from ops.writeback_targets t join ops.writebacks w using (agency, writeback_id)
            where t.agency = %s and t.system = %s and t.subject = 'ticket' and t.subject_id = any(%s)""",
            (agency, SYSTEM, wanted),
        )
    }


def _employee_codes(connection: psycopg.Connection[Any], agency: str, events: list[_Event]) -> dict[str, list[str]]:
    users = {
        user
        for event in events
        if event.happening is not None
        for user in (event.happening.actor_id, event.happening.assignee_id)
        if user
    }
    rows = connection.execute(
        """select user_id, array_agg(distinct employee_code) from ops.user_mappings
        where agency = %s and user_id = any(%s) group by user_id""",
        (agency, sorted(users)),
    ).fetchall()
    return dict(rows)


def _codes_of_customers(
    connection: psycopg.Connection[Any], agency: str, customers: set[str | None]
) -> dict[str, list[str]]:
    return {
        customer: [code for code in (executive, representative) if code]
        for customer, executive, representative in connection.execute(
            """select entity_id, payload ->> 'AccountExecCode', payload ->> 'AccountRepCode' from raw_ams360.customers
            where agency = %s and entity_id = any(%s)""",
            (agency, sorted(one for one in customers if one)),
        )
    }


_NAMES: tuple[str, ...] = ("first_name", "last_name", "nickname")


def _rename(connection: psycopg.Connection[Any], agency: Agency, events: list[_Event], book: Book) -> None:
    """N12: the platform's name is kept in `ops.name_overrides`; a trigger there has the contact planned again."""
    names: dict[str, dict[str, Any]] = {}
    for event in events:
        contacts = book.contact_ids(event.payload.get("contact") or {})
        if not contacts:
            _wait(event, agency)
            continue
        for contact in contacts:
            given: dict[str, Any] = {name: event.payload[name] for name in _NAMES if name in event.payload}
            known = names.setdefault(contact, {"set_by": event.payload["actor"]["name"]})
            known.update(given, set_by=event.payload["actor"]["name"])
    if names:
        connection.execute(
            """insert into ops.name_overrides as o (agency, contact_id, first_name, last_name, nickname, set_by)
            select %s, * from unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[])
            on conflict (agency, contact_id) do update set first_name = coalesce(excluded.first_name, o.first_name),
                last_name = coalesce(excluded.last_name, o.last_name),
                nickname = coalesce(excluded.nickname, o.nickname), set_by = excluded.set_by, updated_at = now()""",
            (
                agency.id,
                list(names),
                *(
                    [one.get(column) for one in names.values()]
                    for column in ("first_name", "last_name", "nickname", "set_by")
                ),
            ),
        )


def _store(connection: psycopg.Connection[Any], agency: str, events: list[_Event]) -> None:
    rows = [(event, *row) for event in events for row in event.writes]
    if rows:
        enqueue(
            connection,
            agency,
            SYSTEM,
            [
                NewWrite(
                    writeback_id, event.kind, write.operation, place.lane, write.request, place.customer_id, after,
                    event.event_id,
                )
                for event, writeback_id, write, place, after in rows
            ],
        )  # fmt: skip
        tickets = [
            (event.payload["ticket_id"], one) for event, one, write, _, _ in rows if write.operation == "suspense"
        ]
        connection.execute(
            """insert into ops.writeback_targets (agency, system, subject, subject_id, writeback_id)
            select %s, %s, 'ticket', * from unnest(%s::text[], %s::uuid[]) on conflict do nothing""",
            (agency, SYSTEM, [ticket for ticket, _ in tickets], [one for _, one in tickets]),
        )
    enqueue(connection, agency, "benefitpoint", [event.account for event in events if event.account])
    waits = [min(_LONGEST_WAIT, timedelta(seconds=30) * 2 ** min(event.looked, 12)) for event in events]
    connection.execute(
        """update ops.events e set state = x.state, error = x.error, looked = e.looked + 1,
            look_again_at = now() + x.wait
        from unnest(%s::uuid[], %s::text[], %s::text[], %s::interval[]) x (event_id, state, error, wait)
        where e.agency = %s and e.event_id = x.event_id""",
        (
            [event.event_id for event in events],
            [event.state for event in events],
            [event.error for event in events],
            waits,
            agency,
        ),
    )
