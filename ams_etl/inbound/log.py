"""Notifications as people look at them: newest first, without their bodies."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

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
    """The newest notifications of an agency, those of one state where one is named."""
    rows = connection.execute(
        """select notification_id, received_at, state, reason, object_type, change, coalesce(keys, '{}'), attempts,
            length(body)
        from ops.notifications where agency = %(agency)s and (%(state)s::text is null or state = %(state)s)
        order by notification_id desc limit %(limit)s""",
        {"agency": agency, "state": state, "limit": limit},
    ).fetchall()
    return [Logged(*row) for row in rows]


def body_of(connection: psycopg.Connection[Any], agency: str, notification_id: int) -> bytes | None:
    """The body that a notification came in, its secrets masked; None when there is none, or it was forgotten."""
    row = connection.execute(
        """select whole.body from ops.notifications n
        join ops.notifications whole
          on whole.agency = n.agency and whole.notification_id = coalesce(n.part_of, n.notification_id)
        where n.agency = %s and n.notification_id = %s""",
        (agency, notification_id),
    ).fetchone()
    return row[0] if row else None
