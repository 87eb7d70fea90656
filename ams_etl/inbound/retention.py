"""How long the bodies of notifications are kept: they hold what AMS360 told of customers."""

import logging
from dataclasses import dataclass
from typing import Any

import psycopg

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """One agency's limits.

    Attributes:
        settled_days: after a notification was settled, its body is forgotten.
        parked_days: after it came, one that is still parked is given up and its body forgotten.
    """

    settled_days: int
    parked_days: int


def forget_bodies(connection: psycopg.Connection[Any], agency: str, retention: Retention) -> None:
    """Forget what has been kept for long enough; rows stay.

    Args:
        connection: autocommit.
        agency: the agency id.
        retention: its limits.
    """
    row = connection.execute(
        "select ops.forget_parked_notifications(%s, %s)", (agency, retention.parked_days)
    ).fetchone()
    if row and row[0]:
        _log.warning(
            "%s: %d notifications were parked for %d days and are given up", agency, row[0], retention.parked_days
        )
    connection.execute("select ops.forget_notification_bodies(%s, %s)", (agency, retention.settled_days))
