"""Erase a person in one transaction, leave tombstones, and refuse to commit while a text of theirs is left."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from ams_etl.errors import PermanentError
from ams_etl.rules.settings import RuleSettings
from ams_etl.rules.systems.nested_people import without_people
from ams_etl.settings import BrakeSettings
from ams_etl.store.agency_db import AgencyDb
from ams_etl.store.content import canonical_json, content_hash
from ams_etl.store.dirty_customers import mark_customers
from ams_etl.store.privacy.tombstones import NESTINGS, forget_key, hash_of, stub_of
from ams_etl.sync.accounts.publish_accounts import publish_accounts
from ams_etl.sync.accounts.publish_policies import publish_policies
from ams_etl.sync.contacts.derive import derive_dirty, mark_due
from ams_etl.sync.contacts.plan import make_plan
from ams_etl.sync.contacts.publish import publish
from ams_etl.sync.forgetting.erase_texts import forget_bodies, forget_decisions, forget_events, forget_history
from ams_etl.sync.forgetting.person import Person
from ams_etl.sync.forgetting.records import SourceRecord
from ams_etl.sync.forgetting.traces import traces_in_database

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
        records = sum(_stub(connection, agency, record, person) for record in person.records)
        _publish_without(connection, agency, settings, brake, today, person)
        changes = forget_history(connection, agency, person)
        events, writebacks = forget_events(connection, agency, person)
        notifications = forget_bodies(connection, agency, person)
        forget_decisions(connection, agency, person)
        left = traces_in_database(connection, agency, person.values)
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
        *(("record", record.tombstone) for record in person.records),
        *(("policies_of", customer_id) for customer_id in person.policies_of),
        *(("email", email) for email in person.emails),
        *(("phone", phone) for phone in person.phones),
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.forgotten (agency, kind, hash) values (%s, %s, %s) on conflict do nothing",
            [(agency, kind, hash_of(key, agency, kind, value)) for kind, value in values],
        )


def _stub(connection: psycopg.Connection[Any], agency: str, record: SourceRecord, person: Person) -> bool:
    """Take the person's data out of a record: all but ids and codes, or one of the people inside."""
    table = record.table
    row = connection.execute(
        f"select payload, coalesce(customer_id, entity_id) from {table} where agency = %s and entity_id = %s for update",
        (agency, record.entity_id),
    ).fetchone()
    if row is None:
        return False
    payload, customer_id = row
    stub = (
        without_people(NESTINGS[table], record.entity_id, payload, {record.part}, person.emails)
        if record.part
        else stub_of(payload)
    )
    content = canonical_json(stub)
    connection.execute(
        f"update {table} set payload = %s::text::jsonb, content_hash = %s where agency = %s and entity_id = %s",
        (content.decode(), content_hash(content), agency, record.entity_id),
    )
    mark_customers(AgencyDb(connection, agency), [customer_id])
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
