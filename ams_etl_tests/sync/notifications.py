"""Notifications as the inbound service stores them, already interpreted."""

from typing import Any

import psycopg
from psycopg.types.json import Jsonb

AGENCY = "acme"


def told(connection: psycopg.Connection[Any], object_type: str, change: str = "update", **keys: str) -> int:
    """Store one that waits for its run; return its id."""
    row = connection.execute(
        """insert into ops.notifications (agency, state, object_type, change, keys)
        values (%s, 'pending', %s, %s, %s) returning notification_id""",
        (AGENCY, object_type, change, Jsonb(keys)),
    ).fetchone()
    assert row is not None
    return int(row[0])


def states(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """How many there are in each state."""
    return dict(connection.execute("select state, count(*) from ops.notifications group by 1").fetchall())
