"""Erase a person in one transaction, leave tombstones, and refuse to commit while a text of theirs is left."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from ams_etl.errors import PermanentError
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import BrakeSettings
from ams_etl.store.content import canonical_json, content_hash
from ams_etl.store.tombstones import forget_key, hash_of, stub_of
from ams_etl.sync.accounts.publish_accounts import publish_accounts
from ams_etl.sync.accounts.publish_policies import publish_policies
from ams_etl.sync.contacts.derive import derive_dirty, mark_due
from ams_etl.sync.contacts.plan import make_plan
from ams_etl.sync.contacts.publish import publish
from ams_etl.sync.forgetting.person import Person
from ams_etl.sync.forgetting.traces import traces_in_database

_FORGOTTEN = Jsonb({"forgotten": True})
_OURS = ("raw_", "stage.", "mart.", "ops.")


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased, as numbers of rows; `outside` names what others keep: Dagster's tables."""

    records: int
    contacts: int
    changes: int
    events: int
    writebacks: int
    notifications: int
    outside: tuple[str, ...]


def erase(
    connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, brake: BrakeSettings, today: date, person: Person
) -> Erased:  # fmt: skip
    """Erase a person and publish what follows from it, in one transaction.

    Args:
        connection: autocommit.
        agency: the agency id.
        settings: its rule settings.
        brake: when a publish needs a person: what else waits to be published is not let through by this.
        today: the date the rules are asked for.
        person: what `find_person` found.

    Raises:
        ConfigError: the key of the tombstones is not set.
        PermanentError: something else waits that the brake holds, or a text of the person would be left; nothing is erased.
    """
    key = forget_key()
    with connection.transaction():
        connection.execute("select version from stage.engine where agency = %s for update", (agency,))
        _leave_tombstones(connection, agency, person, key)
        records = sum(_stub(connection, agency, record.table, record.entity_id) for record in person.records)
        _publish_without(connection, agency, settings, brake, today, person)
        changes = _forget_history(connection, agency, person)
        events, writebacks = _forget_events(connection, agency, person)
        notifications = _forget_bodies(connection, agency, person)
        _forget_decisions(connection, agency, person)
        left = traces_in_database(connection, person.values)
        ours = sorted({trace.where for trace in left if trace.where.startswith(_OURS)})
        if ours:
            raise PermanentError(
                f"nothing was erased: texts of this person would be left in {', '.join(ours)}; read those rows, and report to the "
                "developers of ams_etl which command wrote them"
            )
    outside = tuple(sorted({trace.where for trace in left}))
    return Erased(records, len(person.contacts), changes, events, writebacks, notifications, outside)


def _leave_tombstones(connection: psycopg.Connection[Any], agency: str, person: Person, key: bytes) -> None:
    values = [
        *(("record", f"{record.table}/{record.entity_id}") for record in person.records),
        *(("policies_of", customer_id) for customer_id in person.policies_of),
        *(("email", email) for email in person.emails),
        *(("phone", phone) for phone in person.phones),
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.forgotten (agency, kind, hash) values (%s, %s, %s) on conflict do nothing",
            [(agency, kind, hash_of(key, agency, kind, value)) for kind, value in values],
        )


def _stub(connection: psycopg.Connection[Any], agency: str, table: str, entity_id: str) -> bool:
    row = connection.execute(
        f"select payload, coalesce(customer_id, entity_id) from {table} where agency = %s and entity_id = %s for update",
        (agency, entity_id),
    ).fetchone()
    if row is None:
        return False
    content = canonical_json(stub_of(row[0]))
    connection.execute(
        f"update {table} set payload = %s::text::jsonb, content_hash = %s where agency = %s and entity_id = %s",
        (content.decode(), content_hash(content), agency, entity_id),
    )
    connection.execute(
        "insert into stage.dirty_customers (agency, customer_id) values (%s, %s) on conflict do nothing",
        (agency, row[1]),
    )
    return True


def _publish_without(
    connection: psycopg.Connection[Any], agency: str, settings: RuleSettings, brake: BrakeSettings, today: date, person: Person
) -> None:  # fmt: skip
    mark_due(connection, agency, settings, today)
    derive_dirty(connection, agency, settings, today)
    plan = make_plan(connection, agency, settings, brake, today)
    if plan.stopped_by:
        others = connection.execute(
            """select count(*) from stage.planned_contacts where agency = %s and contact_id <> all(%s)""",
            (agency, list(person.contacts)),
        ).fetchone()
        if others != (0,):
            raise PermanentError(
                f"nothing was erased: other changes of {agency} wait for a person ({plan.stopped_by}); review them with "
                f"`ams-etl plan {agency}`, apply them, then forget again"
            )
    publish(connection, agency, plan_id=plan.plan_id)
    publish_accounts(connection, agency)
    publish_policies(connection, agency)


def _forget_history(connection: psycopg.Connection[Any], agency: str, person: Person) -> int:
    """Delete the history of these contacts from the feed; its newest row stays, so that consumers delete too, without `before`."""
    ids = [str(contact_id) for contact_id in person.contacts]
    gone = connection.execute(
        """delete from mart.changes c where agency = %(agency)s and (
                (entity = 'contact' and entity_id = any(%(ids)s))
                or (entity <> 'contact' and exists (select from unnest(%(values)s::text[]) value
                    where position(lower(value) in lower(coalesce(before::text, '') || coalesce(after::text, ''))) > 0)))
            and seq < (select max(seq) from mart.changes n where n.agency = c.agency and n.entity = c.entity
                and n.entity_id = c.entity_id)""",
        {"agency": agency, "ids": ids, "values": list(person.values)},
    ).rowcount
    connection.execute(
        """update mart.changes set before = null where agency = %(agency)s and (
            (entity = 'contact' and entity_id = any(%(ids)s))
            or exists (select from unnest(%(values)s::text[]) value where position(lower(value) in lower(before::text)) > 0))""",
        {"agency": agency, "ids": ids, "values": list(person.values)},
    )
    return gone


def _forget_events(connection: psycopg.Connection[Any], agency: str, person: Person) -> tuple[int, int]:
    """Redact events and writes that name the person; a write that is open is given up, one in flight only loses its text."""
    named = {
        "agency": agency,
        "values": [*person.values, *map(str, person.contacts)],
        "customers": list(person.policies_of),
    }
    holds = "exists (select from unnest(%(values)s::text[]) value where position(lower(value) in lower({text})) > 0)"
    events = [
        row[0]
        for row in connection.execute(
            f"""update ops.events set payload = %(forgotten)s, idempotency_key = 'forgotten ' || event_id, error = null,
                state = case when state in ('received', 'waiting') then 'refused' else state end
            where agency = %(agency)s and {holds.format(text="payload::text || idempotency_key || coalesce(error, '')")}
            returning event_id""",
            {**named, "forgotten": _FORGOTTEN},
        )
    ]
    connection.execute("delete from ops.event_attachments where agency = %s and event_id = any(%s)", (agency, events))
    writes = connection.execute(
        f"""update ops.writebacks set request = %(forgotten)s, error = null, note = null,
            lane = case when {holds.format(text="lane")} then 'forgotten ' || writeback_id else lane end,
            status = case when status in ('waiting', 'pending') then 'failed' else status end,
            settled_at = coalesce(settled_at, now())
        where agency = %(agency)s and (event_id = any(%(events)s) or customer_id = any(%(customers)s)
            or {holds.format(text="request::text || lane || coalesce(error, '') || coalesce(note, '')")})""",
        {**named, "events": events, "forgotten": _FORGOTTEN},
    ).rowcount
    connection.execute(
        f"delete from ops.writeback_contacts where agency = %(agency)s and {holds.format(text='contact_key || lane')}",
        named,
    )
    return len(events), writes


def _forget_bodies(connection: psycopg.Connection[Any], agency: str, person: Person) -> int:
    return connection.execute(
        """update ops.notifications set body = null where agency = %s and body is not null and exists (
            select from unnest(%s::text[]) value where position(lower(value) in lower(encode(body, 'escape'))) > 0)""",
        (agency, list(person.values)),
    ).rowcount


def _forget_decisions(connection: psycopg.Connection[Any], agency: str, person: Person) -> None:
    """What people wrote about the person: other names, acts on the pages, records in quarantine."""
    # Who was suppressed by hand refused for good: kept as the hash of the address, which suppression lists use too.
    connection.execute(
        """insert into ops.consents (agency, channel, address, source, answer, at)
        select s.agency, 'email', 'sha256:' || encode(sha256(convert_to(email, 'UTF8')), 'hex'), 'page', 'no', s.set_at
        from ops.suppressions s, unnest(%s::text[]) email where s.agency = %s and s.contact_id = any(%s)
        on conflict do nothing""",
        (list(person.emails), agency, list(person.contacts)),
    )
    for table in ("name_overrides", "suppressions"):
        connection.execute(
            f"delete from ops.{table} where agency = %s and contact_id = any(%s)", (agency, list(person.contacts))
        )
    connection.execute(
        "delete from ops.quarantine where agency = %s and entity_id = any(%s)",
        (agency, [record.entity_id for record in person.records]),
    )
    named = {"agency": agency, "values": [*person.values, *map(str, person.contacts)]}
    connection.execute(
        """update ops.page_acts set before = null, after = null, subject = 'forgotten' where agency = %(agency)s and exists (
            select from unnest(%(values)s::text[]) value
            where position(lower(value) in lower(subject || coalesce(before::text, '') || coalesce(after::text, ''))) > 0)""",
        named,
    )
    # So does an answer about an address.
    connection.execute(
        """insert into ops.consents (agency, channel, address, source, answer, at)
        select agency, channel, 'sha256:' || encode(sha256(convert_to(address, 'UTF8')), 'hex'), source, answer, at
        from ops.consents where agency = %s and channel = 'email' and address = any(%s) on conflict do nothing""",
        (agency, list(person.emails)),
    )
    connection.execute(
        """delete from ops.consents where agency = %(agency)s and (address = any(%(values)s)
            or exists (select from unnest(%(values)s::text[]) value where position(lower(value) in lower(evidence)) > 0))""",
        named,
    )
    connection.execute(
        """delete from ops.page_jobs where agency = %(agency)s and exists (select from unnest(%(values)s::text[]) value
            where position(lower(value) in lower(output || arguments::text)) > 0)""",
        named,
    )
