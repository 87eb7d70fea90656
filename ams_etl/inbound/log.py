"""List notifications for people: newest first, without their bodies."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from ams_etl.store.agency_db import AgencyDb

STATES = ("received", "parked", "pending", "done", "ignored")


@dataclass(frozen=True, slots=True)
class Logged:
    """One notification as `ops.notifications` has it."""

    notification_id: int
    received_at: datetime
    state: str
    reason: str | None
    object_type: str | None
    change: str | None
    keys: Mapping[str, str]
    attempts: int
    body_bytes: int | None


def list_notifications(
    connection: psycopg.Connection[Any], agency: str, *, state: str | None = None, limit: int = 50
) -> list[Logged]:
    """Return the newest notifications of an agency, those of one state where one is named."""
    return AgencyDb(connection, agency).rows(
        Logged,
        """select notification_id, received_at, state, reason, object_type, change, coalesce(keys, '{}') as keys,
            attempts, length(body) as body_bytes
        from ops.notifications where agency = %(agency)s and (%(state)s::text is null or state = %(state)s)
        order by notification_id desc limit %(limit)s""",
        state=state,
        limit=limit,
    )


def body_of(connection: psycopg.Connection[Any], agency: str, notification_id: int) -> bytes | None:
    """Return the body that a notification came in, its secrets masked; None when there is none, or it was forgotten."""
    found: bytes | None = AgencyDb(connection, agency).scalar(
        """select whole.body from ops.notifications n
        join ops.notifications whole
          on whole.agency = n.agency and whole.notification_id = coalesce(n.part_of, n.notification_id)
        where n.agency = %(agency)s and n.notification_id = %(id)s""",
        id=notification_id,
    )
    return found
