"""From events to the outbox: understand each once, plan its writes to AMS360 and to BenefitPoint, keep its names.

A chunk is one transaction under the agency's lock, and a write's id is a function of its event: a killed run goes on
where it stopped, and nothing is planned twice.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from ams_etl.rules.writeback.decide import Situation, decide
from ams_etl.settings import Agency
from ams_etl.store.agency_db import AgencyDb
from ams_etl.writeback.outbox.enqueue import enqueue
from ams_etl.writeback.outbox.holding import hold_back
from ams_etl.writeback.outbox.lanes import lock
from ams_etl.writeback.outbox.merged_customers import follow_merges
from ams_etl.writeback.planning import account_events, ams360_events, new_consents
from ams_etl.writeback.planning.account_events import AccountEvents
from ams_etl.writeback.planning.ams360_events import Ams360Events
from ams_etl.writeback.planning.new_consents import keep_consents
from ams_etl.writeback.planning.new_names import NewNames
from ams_etl.writeback.planning.readable_events import ReadableEvent, StoredEvent, understand

CHUNK = 500
_LONGEST_WAIT = timedelta(hours=1)
_SYSTEMS = (ams360_events.SYSTEM, account_events.SYSTEM)


@dataclass(frozen=True, slots=True)
class ExpandCounts:
    """Events by what became of them, and the writes that were planned."""

    planned: int = 0
    done: int = 0
    waiting: int = 0
    refused: int = 0
    writes: int = 0


def expand_events(connection: psycopg.Connection[Any], agency: Agency, zone: tzinfo | None) -> ExpandCounts:
    """Plan the writes of every event that is due; before that, let open writes follow customers that were merged (M9).

    Args:
        connection: autocommit; each chunk is a transaction.
        agency: the agency and its choices.
        zone: `schedule.timezone`, if it is set; used where `writeback.timezone` is not.
    """
    with connection.transaction():
        lock(connection, agency.id)
        follow_merges(connection, agency.id)
    total = ExpandCounts()
    while True:
        with connection.transaction():
            lock(connection, agency.id)
            counts, looked_at = _expand_chunk(connection, agency, zone)
        total = ExpandCounts(*(a + b for a, b in zip(_values(total), _values(counts), strict=True)))
        if looked_at < CHUNK:
            return total


def plan_again(connection: psycopg.Connection[Any], agency: Agency, zone: tzinfo | None, event_ids: list[UUID]) -> int:
    """Plan failed writes again, by today's settings and mappings; return how many requests changed.

    Only rows that are `failed` change: a write that was sent, or may have been, keeps its request.
    """
    stored = AgencyDb(connection, agency.id).rows(
        StoredEvent,
        """select event_id, kind, idempotency_key, payload, looked, received_at from ops.events
        where agency = %(agency)s and event_id = any(%(ids)s) order by seq""",
        ids=event_ids,
    )
    events = understand(connection, agency, zone, stored)
    _plan(connection, agency, events)
    changed = 0
    for event in events:
        for system, write in event.writes:
            changed += connection.execute(
                """update ops.writebacks set request = %(request)s where agency = %(agency)s and writeback_id = %(id)s
                and system = %(system)s and status = 'failed' and operation = %(operation)s
                and request is distinct from %(request)s::jsonb""",
                {
                    "agency": agency.id,
                    "id": write.writeback_id,
                    "system": system,
                    "operation": write.operation,
                    "request": Jsonb(write.request),
                },
            ).rowcount
    return changed


def _values(counts: ExpandCounts) -> tuple[int, ...]:
    return counts.planned, counts.done, counts.waiting, counts.refused, counts.writes


def _expand_chunk(connection: psycopg.Connection[Any], agency: Agency, zone: tzinfo | None) -> tuple[ExpandCounts, int]:
    stored = AgencyDb(connection, agency.id).rows(
        StoredEvent,
        """select event_id, kind, idempotency_key, payload, looked, received_at from ops.events
        where agency = %(agency)s and state in ('received', 'waiting') and look_again_at <= now()
        order by look_again_at, seq limit %(chunk)s""",
        chunk=CHUNK,
    )
    if not stored:
        return ExpandCounts(), 0
    events = understand(connection, agency, zone, stored)
    _plan(connection, agency, events)
    _store(connection, agency, events)
    by_state: dict[str, int] = defaultdict(int)
    for event in events:
        by_state[event.state] += 1
    writes = sum(len(event.writes) for event in events)
    return ExpandCounts(by_state["planned"], by_state["done"], by_state["waiting"], by_state["refused"], writes), len(
        stored
    )


def _plan(connection: psycopg.Connection[Any], agency: Agency, events: list[ReadableEvent]) -> None:
    """Read what all events need, decide one after the other, and keep the names and lanes that come of it.

    The order matters: an event may create the contact or the ticket that a later one names.
    """
    understood = [event for event in events if event.happening is not None]
    keep_consents(connection, agency, [event for event in understood if event.kind == new_consents.KIND])
    readable = [event for event in understood if event.kind != new_consents.KIND]
    to_ams360 = Ams360Events(connection, agency, readable)
    places = [(event, to_ams360.place(event)) for event in readable]
    to_benefitpoint = AccountEvents(connection, agency, places, to_ams360.book)
    names = NewNames()
    for event in readable:
        try:
            _plan_one(event, agency, to_ams360, to_benefitpoint, names)
        except psycopg.Error:
            raise
        except Exception as error:  # noqa: BLE001 - W14: one event that the rules fail on must not hold up the others
            event.refuse_for(error)
    names.store(connection, agency.id)
    to_ams360.remember(readable)
    to_benefitpoint.remember()


def _plan_one(
    event: ReadableEvent, agency: Agency, to_ams360: Ams360Events, to_benefitpoint: AccountEvents, names: NewNames
) -> None:
    place, account = to_ams360.place(event), to_benefitpoint.place(event)
    situation = Situation(
        in_ams360=place is not None,
        in_benefitpoint=account is not None,
        identified=to_benefitpoint.knows(event),
        has_zone=event.has_zone,
        contacts=to_ams360.book.contact_ids(event.reference),
    )
    decision = decide(event.kind, event.payload.get("targets"), situation)
    if decision.refusal is not None:
        event.refuse(decision.refusal)
        return
    if decision.waits_for is not None:
        event.wait(decision.waits_for, agency)
        return
    if decision.renames is not None:
        names.add(decision.renames, event.payload)
    writes = to_ams360.plan(event, place) if place is not None and decision.to_ams360 else []
    event.writes += [(ams360_events.SYSTEM, write) for write in writes]
    customer = next((write for write in writes if write.operation == "customer"), None)
    if customer is not None:
        to_benefitpoint.heard_of(customer)
    if decision.account == "create":
        to_benefitpoint.creates(event, account, place, customer)
    elif decision.account == "link" and account is not None and customer is not None:
        to_benefitpoint.links(event, account, customer)
    elif decision.account == "update" and account is not None:
        to_benefitpoint.updates(event, account)
    event.state = "planned" if event.writes else "done"


def _store(connection: psycopg.Connection[Any], agency: Agency, events: list[ReadableEvent]) -> None:
    for system in _SYSTEMS:
        enqueue(
            connection, agency.id, system, [write for event in events for to, write in event.writes if to == system]
        )
    if agency.benefitpoint is None and any(to == account_events.SYSTEM for event in events for to, _ in event.writes):
        # Nothing is delivered there that could say so.
        hold_back(connection, agency)
    waits = [min(_LONGEST_WAIT, timedelta(seconds=30) * 2 ** min(event.looked, 12)) for event in events]
    connection.execute(
        """update ops.events e set state = x.state, error = x.error, note = x.note, looked = e.looked + 1,
            look_again_at = now() + x.wait
        from unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::interval[])
            x (event_id, state, error, note, wait)
        where e.agency = %s and e.event_id = x.event_id""",
        (
            [event.event_id for event in events],
            [event.state for event in events],
            [event.error for event in events],
            [event.note for event in events],
            waits,
            agency.id,
        ),
    )
