"""How long the bodies of notifications are kept: they hold what AMS360 reported about customers."""

import logging
from dataclasses import dataclass
from typing import Any

import psycopg

from ams_etl.store.agency_db import AgencyDb

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
    db = AgencyDb(connection, agency)
    given_up = db.scalar("select ops.forget_parked_notifications(%(agency)s, %(days)s)", days=retention.parked_days)
    if given_up:
        _log.warning(
            "%s: %d notifications were parked for %d days and are given up", agency, given_up, retention.parked_days
        )
    db.scalar("select ops.forget_notification_bodies(%(agency)s, %(days)s)", days=retention.settled_days)
