"""From notifications that wait to one run for the customers they touch, and back when it fails.

A notification is a hint: whatever it says of a customer, contact, dependent or policy, the customer is read again whole.
Those that came while the last run was at work are taken together. None is done before its run has published. Those of a
failed run come back later, and fewer of them at a time, so that one customer that nobody can sync holds up no other one.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import psycopg

from ams_etl.errors import DataError
from ams_etl.sources.ams360 import Ams360, Ams360Refused
from ams_etl.sources.calling.faults import GeneralFault
from ams_etl.store.agency_db import column
from ams_etl.store.signs_of_life.followers import living
from ams_etl.sync.raw.faults import Faults
from ams_etl.sync.raw.quarantine import Quarantined, set_aside

_CUSTOMER_NUMBER = re.compile("[0-9]{1,9}")
CUSTOMERS_AT_ONCE = (300, 40, 5, 1)
"""How many customers a run takes, by how often it was tried before."""
MAX_ATTEMPTS = 6
_AT_ONCE = 5000
"""How many notifications are read together."""
_REFERENCE = ("employee", "company", "line_of_business", "business_unit")
Outcome = Literal["done", "failed", "never started"]


@dataclass(frozen=True, slots=True)
class NotificationBatch:
    """What one run is to serve.

    Args:
        batch_id: is stored with its notifications until it is closed.
        customers: the CustomerIds that raw can tell.
        reference: employees, companies, units or lines of business changed.
        notifications: how many there are.
    """

    batch_id: UUID
    customers: tuple[str, ...]
    reference: bool
    notifications: int


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that was claimed and not closed yet."""

    agency: str
    batch_id: UUID
    claimed_at: datetime


def claim(connection: psycopg.Connection[Any], agency: str, *, follower: str | None = None) -> NotificationBatch | None:
    """Take what waits, oldest first, as far as one run goes; None when nothing is due.

    Args:
        connection: autocommit.
        agency: the agency id.
        follower: which one serves it; None: a run does.
    """
    with connection.transaction():
        rows = connection.execute(
            """select notification_id, attempts, object_type = any(%(reference)s), keys from ops.notifications
            where agency = %(agency)s and state = 'pending' and sync_id is null
                and (not_before is null or not_before <= now())
            order by coalesce(not_before, received_at), notification_id
            limit %(limit)s for update skip locked""",
            {"agency": agency, "reference": list(_REFERENCE), "limit": _AT_ONCE},
        ).fetchall()
        if not rows:
            return None
        attempts = rows[0][1]
        most = CUSTOMERS_AT_ONCE[min(attempts, len(CUSTOMERS_AT_ONCE) - 1)]
        owners = _owners(connection, agency, [keys for *_, keys in rows])
        customers: dict[str, None] = {}
        taken: list[int] = []
        unknown: set[str] = set()
        reference = False
        for notification_id, tried, is_reference, keys in rows:
            # Beside one that has failed before, only such as failed as often: what is new shall not wait with it.
            if tried != attempts:
                continue
            found = _customers_of(keys, owners)
            new = [customer for customer in found if customer not in customers]
            alone = not found and not is_reference
            if len(customers) + len(unknown) + len(new) + alone > most and taken:
                continue
            customers.update(dict.fromkeys(new))
            if alone:
                unknown.add(str(sorted(keys.items())))
            reference |= is_reference
            taken.append(notification_id)
        batch = NotificationBatch(uuid4(), tuple(customers), reference, len(taken))
        connection.execute(
            "update ops.notifications set sync_id = %s where agency = %s and notification_id = any(%s)",
            (batch.batch_id, agency, taken),
        )
        connection.execute(
            """insert into ops.notification_batches (agency, batch_id, notifications, customers, follower)
            values (%s, %s, %s, %s, %s)""",
            (agency, batch.batch_id, len(taken), len(customers), follower),
        )
    return batch


def waiting_agencies(connection: psycopg.Connection[Any], agencies: Sequence[str]) -> list[str]:
    """Return those of these agencies for which `claim` would find something now: one statement for all of them."""
    return column(
        connection,
        """select asked.agency from unnest(%s::text[]) asked (agency)
            where exists (
                select from ops.notifications n where n.agency = asked.agency and n.state = 'pending' and n.sync_id is null
                    and (n.not_before is null or n.not_before <= now()))""",
        (list(agencies),),
    )


def open_batches(connection: psycopg.Connection[Any], agencies: Sequence[str]) -> list[OpenBatch]:
    """Return these agencies' batches that runs serve, or a follower that is gone, whose end nobody has recorded, oldest first."""
    return [
        OpenBatch(*row)
        for row in connection.execute(
            """select agency, batch_id, claimed_at from ops.notification_batches
            where agency = any(%s) and closed_at is null and (follower is null or not follower = any(%s)) order by claimed_at""",
            (list(agencies), living(connection)),
        )
    ]


def close(connection: psycopg.Connection[Any], agency: str, batch_id: UUID, outcome: Outcome) -> int:
    """Record a batch's end: its notifications are done, or come back.

    Args:
        connection: autocommit.
        agency: the agency id.
        batch_id: the batch; closed ones stay as they are.
        outcome: `failed` ones wait longer each time and are parked after six; of a run that never started none counts.

    Returns:
        How many notifications are done.
    """
    with connection.transaction():
        connection.execute(
            """update ops.notification_batches set closed_at = now(), outcome = %s
            where agency = %s and batch_id = %s and closed_at is null""",
            (outcome, agency, batch_id),
        )
        if outcome == "done":
            return connection.execute(
                """update ops.notifications set state = 'done', settled_at = clock_timestamp()
                where agency = %s and sync_id = %s and state = 'pending'""",
                (agency, batch_id),
            ).rowcount
        failed = int(outcome == "failed")
        connection.execute(
            """update ops.notifications set sync_id = null, attempts = attempts + %(failed)s,
                not_before = case when %(failed)s = 1
                    then now() + least(30 * power(4, attempts), 3600) * interval '1 second' end,
                state = case when attempts + %(failed)s >= %(most)s then 'parked' else state end,
                reason = case when attempts + %(failed)s >= %(most)s
                    then 'its sync failed ' || (attempts + %(failed)s) || ' times; the runs say why' end
            where agency = %(agency)s and sync_id = %(batch)s and state = 'pending'""",
            {"failed": failed, "most": MAX_ATTEMPTS, "agency": agency, "batch": batch_id},
        )
    return 0


async def look_up(connection: psycopg.Connection[Any], ams360: Ams360, agency: str, batch_id: UUID) -> Sequence[str]:
    """The customers of a batch's notifications whose keys raw does not know: AMS360 is asked.

    A policy or number that AMS360 does not know either is gone; nothing is left to read. One that cannot be read is quarantined,
    and holds up no other; its customer is not known, so a resync has to find it.

    Raises:
        TransientError, PermanentError: as AMS360 raises them, or because it answers too many reads with a fault.
    """
    rows = connection.execute(
        """select keys from ops.notifications where agency = %s and sync_id = %s and object_type <> all(%s)""",
        (agency, batch_id, list(_REFERENCE)),
    ).fetchall()
    owners = _owners(connection, agency, [keys for (keys,) in rows])
    unknown = [keys for (keys,) in rows if not _customers_of(keys, owners)]
    policies = sorted({keys["PolicyId"] for keys in unknown if keys.get("PolicyId")})
    named = sorted({keys.get("CustomerNumber", "") for keys in unknown})
    numbers = [number for number in named if _CUSTOMER_NUMBER.fullmatch(number)]
    asked: list[tuple[str, str, Callable[[Any], Awaitable[Any]], Any]] = [
        *(("policies", policy_id, ams360.policy, policy_id) for policy_id in policies),
        *(("customers", f"number {number}", ams360.customer_by_number, int(number)) for number in numbers),
    ]
    found: list[str] = []
    unreadable: list[Quarantined] = []
    faults = Faults("AMS360 records of notifications")
    for table, entity_id, read, key in asked:
        error = None
        try:
            found.append(str((await read(key))["CustomerId"]))
        except (Ams360Refused, KeyError):
            pass
        except (DataError, GeneralFault) as failed:
            error = failed
            unreadable.append(Quarantined(table, entity_id, None, "unreadable", str(failed)))
        faults.count(error)
    set_aside(connection, agency, None, unreadable)
    return found


_TABLE_OF_KEY = {
    "PolicyId": "policies",
    "CustomerContactId": "customer_contacts",
    "DependentId": "customer_dependents",
}


def _customers_of(keys: dict[str, str], owners: dict[tuple[str, str], str]) -> list[str]:
    """Return the customer that a notification names, and the one that its record belongs to as far as raw knows."""
    return list(dict.fromkeys(owner for key in keys.items() if (owner := owners.get(key))))


def _owners(
    connection: psycopg.Connection[Any], agency: str, all_keys: Sequence[dict[str, str]]
) -> dict[tuple[str, str], str]:
    """(member, value) -> CustomerId, for every key that raw knows the owner of."""
    found: dict[tuple[str, str], str] = {}
    for member, table in _TABLE_OF_KEY.items():
        values = list({keys[member] for keys in all_keys if keys.get(member)})
        if values:
            found |= {
                (member, entity_id): customer_id
                for entity_id, customer_id in connection.execute(
                    f"select entity_id, customer_id from raw_ams360.{table} where agency = %s and entity_id = any(%s)",
                    (agency, values),
                )
            }
    named = {keys["CustomerId"] for keys in all_keys if keys.get("CustomerId")}
    if named:
        # A notification may write the id in another case than the record does.
        spelled = {
            spelling for customer_id in named for spelling in (customer_id, customer_id.lower(), customer_id.upper())
        }
        known = {
            customer_id.lower(): customer_id
            for customer_id in column(
                connection,
                "select entity_id from raw_ams360.customers where agency = %s and entity_id = any(%s)",
                (agency, list(spelled)),
            )
        }
        found |= {("CustomerId", given): known.get(given.lower(), given) for given in named}
    numbers = list(
        {keys["CustomerNumber"] for keys in all_keys if keys.get("CustomerNumber") and "CustomerId" not in keys}
    )
    if numbers:
        found |= {
            ("CustomerNumber", number): customer_id
            for number, customer_id in connection.execute(
                """select payload ->> 'CustomerNumber', entity_id from raw_ams360.customers
                where agency = %s and payload ->> 'CustomerNumber' = any(%s)""",
                (agency, numbers),
            )
        }
    return found
