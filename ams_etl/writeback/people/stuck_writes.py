"""What a person decides: which writes are parked, what became of an uncertain one, and sending failed ones again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Literal
from uuid import UUID

import psycopg

from ams_etl.errors import ConfigError
from ams_etl.settings import Agency
from ams_etl.store.agency_db import AgencyDb
from ams_etl.writeback.outbox.lanes import lock, promote
from ams_etl.writeback.outbox.outbox import become_customer, revive
from ams_etl.writeback.planning.expand import plan_again

_MAKES_A_RECORD = frozenset({"customer", "account"})
"""Other writes wait in their lane for the id of what they make."""


@dataclass(frozen=True, slots=True)
class StuckWrite:
    """A write that waits for a person, or any other for people to see."""

    writeback_id: UUID
    system: str
    kind: str
    operation: str
    status: str
    customer_id: str | None
    attempts: int
    created_at: datetime
    target_id: str | None
    note: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class _FailedWrite:
    """One that is to be sent again, and the event that it is planned from."""

    writeback_id: UUID
    event_id: UUID | None


@dataclass(frozen=True, slots=True)
class _Lane:
    """A lane in one system's outbox."""

    system: str
    lane: str


def list_writebacks(
    connection: psycopg.Connection[Any],
    agency: str,
    statuses: Sequence[str] = ("failed", "uncertain"),
    limit: int = 100,
) -> list[StuckWrite]:
    """Return the writes of these statuses, oldest first."""
    return AgencyDb(connection, agency).rows(
        StuckWrite,
        """select writeback_id, system, kind, operation, status, customer_id, attempts, created_at, target_id, note, error
        from ops.writebacks where agency = %(agency)s and status = any(%(statuses)s) order by position limit %(limit)s""",
        statuses=list(statuses),
        limit=limit,
    )


def resolve(
    connection: psycopg.Connection[Any],
    agency: str,
    writeback_id: UUID,
    decision: Literal["delivered", "again"],
    *,
    target_id: str | None = None,
) -> None:
    """Settle an uncertain write: somebody looked in the other system.

    Args:
        connection: autocommit.
        agency: the agency id.
        writeback_id: which.
        decision: `delivered`: it is there; `again`: it is not, send it.
        target_id: its id there, where it is known; a new customer's or account's is needed.

    Raises:
        ConfigError: there is no uncertain write of this id, or a new customer's or account's id is needed.
    """
    with connection.transaction():
        lock(connection, agency)
        found = connection.execute(
            """update ops.writebacks set status = %(status)s, target_id = coalesce(%(target)s, target_id), error = null,
                note = %(note)s, attempts = case when %(again)s then 0 else attempts end, put_offs = 0, not_before = now(),
                check_first = %(again)s and check_first, claimed_by = null,
                settled_at = case when %(again)s then null else now() end
            where agency = %(agency)s and writeback_id = %(id)s and status = 'uncertain'
            returning system, lane, operation""",
            {
                "agency": agency,
                "id": writeback_id,
                "again": decision == "again",
                "status": "waiting" if decision == "again" else "delivered",
                "target": target_id,
                "note": f"resolved by a person: {decision}",
            },
        ).fetchone()
        if found is None:
            raise ConfigError(
                f"{agency} has no uncertain writeback {writeback_id}; `ams-etl writeback list` shows them"
            )
        system, lane, operation = found
        lanes = [lane, *(revive(connection, agency, [writeback_id]) if decision == "delivered" else [])]
        if decision == "delivered" and operation in _MAKES_A_RECORD and target_id != lane:
            if not target_id:
                raise ConfigError(f"say which it is: --target and its id in {system}; what waits for it goes there")
            become_customer(connection, agency, system, lane, target_id)
            lanes.append(target_id)
        promote(connection, agency, system, lanes)


def replay(
    connection: psycopg.Connection[Any],
    agency: Agency,
    zone: tzinfo | None,
    writeback_ids: Sequence[UUID] | None = None,
) -> int:
    """Send failed writes again, decided again by today's settings and mappings.

    Args:
        connection: autocommit.
        agency: the agency and its choices.
        zone: `schedule.timezone`, if it is set; used where `writeback.timezone` is not.
        writeback_ids: which; None: all that failed.

    Returns:
        How many wait to be sent now.
    """
    db = AgencyDb(connection, agency.id)
    with connection.transaction():
        lock(connection, agency.id)
        failed = db.rows(
            _FailedWrite,
            """select writeback_id, event_id from ops.writebacks
            where agency = %(agency)s and status = 'failed' and (%(ids)s::uuid[] is null or writeback_id = any(%(ids)s))""",
            ids=None if writeback_ids is None else list(writeback_ids),
        )
        plan_again(connection, agency, zone, [write.event_id for write in failed if write.event_id is not None])
        # What failed only because these had comes back with them.
        replayed = db.rows(
            _Lane,
            """with recursive these as (
                select writeback_id from ops.writebacks where agency = %(agency)s and writeback_id = any(%(ids)s)
                union select w.writeback_id from ops.writebacks w join these on w.depends_on = these.writeback_id
                where w.agency = %(agency)s and w.status = 'failed')
            update ops.writebacks w set status = 'waiting', attempts = 0, put_offs = 0, not_before = now(), error = null,
                note = null, settled_at = null, claimed_by = null
            from these where w.agency = %(agency)s and w.writeback_id = these.writeback_id and w.status = 'failed'
            returning w.system, w.lane""",
            ids=[write.writeback_id for write in failed],
        )
        for system in {write.system for write in replayed}:
            promote(connection, agency.id, system, {write.lane for write in replayed if write.system == system})
    return len(replayed)
