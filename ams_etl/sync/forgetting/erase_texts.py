"""Erase what was written about a person beside the source records: history, events, writes, notifications, decisions."""

from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from ams_etl.store.agency_db import column
from ams_etl.sync.forgetting.person import Person
from ams_etl.sync.forgetting.spellings import holds_any, in_bytes
from ams_etl.sync.forgetting.traces import pattern_of

_FORGOTTEN = Jsonb({"forgotten": True})


def forget_history(connection: psycopg.Connection[Any], agency: str, person: Person) -> int:
    """Delete the history of this person from the feed, up to the last change that knew it.

    Of each contact, account and policy that ever held the person that last change stays, without `before`: consumers follow, and
    an earlier moment finds nothing, where the next change's `before` would be taken for what it was then. What others did after
    the person had left a contact stays whole.
    """
    named = {
        "agency": agency,
        "contacts": [str(contact_id) for contact_id in person.contacts],
        "ids": sorted({record.part or record.entity_id for record in person.records}),
        "customers": list(person.policies_of),
        "pattern": pattern_of(person.values),
    }
    connection.execute(
        """create temp table if not exists forgotten_changes (entity text, entity_id text, last_seq bigint) on commit drop;
        truncate forgotten_changes"""
    )
    connection.execute(
        """insert into forgotten_changes select entity, entity_id, max(seq) from mart.changes c
        where agency = %(agency)s and (
            (entity = 'contact' and entity_id = any(%(contacts)s) and exists (
                select from unnest(array[before, after]) document, jsonb_array_elements(document -> 'sources') source
                where source ->> 'entity_id' = any(%(ids)s)))
            or (entity = 'account' and exists (select from unnest(array[before, after]) document
                where document ->> 'ams360_customer_id' = any(%(customers)s)
                    or document ->> 'benefitpoint_account_id' = any(%(customers)s)))
            or lower(coalesce(before::text, '') || coalesce(after::text, '')) ~ %(pattern)s)
        group by 1, 2""",
        named,
    )
    gone = connection.execute(
        """delete from mart.changes c using forgotten_changes f
        where c.agency = %s and (c.entity, c.entity_id) = (f.entity, f.entity_id) and c.seq < f.last_seq""",
        (agency,),
    ).rowcount
    connection.execute(
        """update mart.changes c set before = null from forgotten_changes f
        where c.agency = %s and (c.entity, c.entity_id) = (f.entity, f.entity_id) and c.seq = f.last_seq""",
        (agency,),
    )
    return gone


def forget_events(connection: psycopg.Connection[Any], agency: str, person: Person) -> tuple[int, int]:
    """Redact events and writes that are about the person; a write that is open is given up, one in flight only loses its text."""
    named = {
        "agency": agency,
        "pattern": pattern_of([*person.values, *map(str, _gone(connection, agency, person))]),
        "customers": [customer.lower() for customer in person.policies_of],
        "numbers": [str(number) for number in person.numbers],
    }
    events = column(
        connection,
        """update ops.events set payload = %(forgotten)s, idempotency_key = 'forgotten ' || event_id, error = null,
                state = case when state in ('received', 'waiting') then 'refused' else state end
            where agency = %(agency)s and payload <> %(forgotten)s and (
                lower(payload::text || idempotency_key || coalesce(error, '')) ~ %(pattern)s
                or lower(payload #>> '{contact,customer_id}') = any(%(customers)s)
                or payload #>> '{contact,customer_number}' = any(%(numbers)s)
                or payload #>> '{contact,account_id}' in (select account_id::text from mart.accounts where agency = %(agency)s
                    and (lower(ams360_customer_id) = any(%(customers)s) or benefitpoint_account_id::text = any(%(customers)s)))
                or event_id in (select event_id from ops.writebacks where agency = %(agency)s
                    and lower(customer_id) = any(%(customers)s)))
            returning event_id""",
        {**named, "forgotten": _FORGOTTEN},
    )
    connection.execute("delete from ops.event_attachments where agency = %s and event_id = any(%s)", (agency, events))
    writes = connection.execute(
        """update ops.writebacks set request = %(forgotten)s, error = null, note = null,
            lane = case when lower(lane) ~ %(pattern)s then 'forgotten ' || writeback_id else lane end,
            status = case when status in ('waiting', 'pending') then 'failed' else status end,
            settled_at = coalesce(settled_at, now())
        where agency = %(agency)s and request <> %(forgotten)s and (event_id = any(%(events)s)
            or lower(customer_id) = any(%(customers)s)
            or lower(request::text || lane || coalesce(error, '') || coalesce(note, '')) ~ %(pattern)s)""",
        {**named, "events": events, "forgotten": _FORGOTTEN},
    ).rowcount
    connection.execute(
        "delete from ops.writeback_contacts where agency = %(agency)s and lower(contact_key || ' ' || lane) ~ %(pattern)s",
        named,
    )
    return len(events), writes


def forget_bodies(connection: psycopg.Connection[Any], agency: str, person: Person) -> int:
    """Delete the bodies of notifications that name the person, in whatever encoding, or one of the person's records."""
    ids = {record.part or record.entity_id for record in person.records} | set(person.policies_of)
    needles = sorted({*in_bytes(person.values), *in_bytes(key for key in ids if len(key) > 8)})
    found = []
    with connection.transaction(), connection.cursor("forgetting_bodies") as cursor:
        cursor.execute(
            """select n.notification_id, n.body, array(select keys::text from ops.notifications part
                where part.notification_id = n.notification_id or part.part_of = n.notification_id)
            from ops.notifications n where n.agency = %s and n.body is not null""",
            (agency,),
        )
        for notification_id, body, keys in cursor:
            named = any(f'"{key.lower()}"' in text.lower() for text in keys if text for key in ids)
            if named or holds_any(bytes(body), needles):
                found.append(notification_id)
    return connection.execute(
        "update ops.notifications set body = null where agency = %s and notification_id = any(%s)", (agency, found)
    ).rowcount


def forget_decisions(connection: psycopg.Connection[Any], agency: str, person: Person) -> None:
    """Delete what people wrote about the person: other names, acts on the pages, records in quarantine."""
    gone = _gone(connection, agency, person)
    # Who was suppressed by hand refused for good: kept as the hash of the address, which suppression lists use too.
    connection.execute(
        """insert into ops.consents (agency, channel, address, source, answer, at)
        select s.agency, 'email', 'sha256:' || encode(sha256(convert_to(email, 'UTF8')), 'hex'), 'page', 'no', s.set_at
        from ops.suppressions s, unnest(%s::text[]) email where s.agency = %s and s.contact_id = any(%s)
        on conflict do nothing""",
        (list(person.emails), agency, gone),
    )
    for table in ("name_overrides", "suppressions"):
        connection.execute(f"delete from ops.{table} where agency = %s and contact_id = any(%s)", (agency, gone))
    connection.execute(
        "delete from ops.quarantine where agency = %s and entity_id = any(%s)",
        (agency, [record.entity_id for record in person.records]),
    )
    named = {"agency": agency, "pattern": pattern_of([*person.values, *map(str, gone)]), "emails": list(person.emails)}
    connection.execute(
        """update ops.page_acts set before = null, after = null, subject = 'forgotten' where agency = %(agency)s
        and lower(subject || coalesce(before::text, '') || coalesce(after::text, '')) ~ %(pattern)s""",
        named,
    )
    # So does an answer about an address.
    connection.execute(
        """insert into ops.consents (agency, channel, address, source, answer, at)
        select agency, channel, 'sha256:' || encode(sha256(convert_to(address, 'UTF8')), 'hex'), source, answer, at
        from ops.consents where agency = %(agency)s and channel = 'email' and address = any(%(emails)s) on conflict do nothing""",
        named,
    )
    connection.execute(
        """delete from ops.consents where agency = %(agency)s
        and lower(address || ' ' || coalesce(evidence, '')) ~ %(pattern)s""",
        named,
    )
    connection.execute(
        """delete from ops.page_jobs where agency = %(agency)s
        and lower(concat_ws(' ', output, arguments::text, result::text)) ~ %(pattern)s""",
        named,
    )


def _gone(connection: psycopg.Connection[Any], agency: str, person: Person) -> list[UUID]:
    """Return the contacts that were this person's alone: those that are published no more."""
    return column(
        connection,
        """select x.contact_id from unnest(%s::uuid[]) x (contact_id)
            where not exists (select from mart.contacts c where c.agency = %s and c.contact_id = x.contact_id)""",
        (list(person.contacts), agency),
    )
