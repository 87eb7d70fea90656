"""What is due in one agency's outbox, planned and delivered warm."""

import time
from typing import Any

import psycopg

from ams_etl.errors import AmsEtlError
from ams_etl.follow.warm import Warm
from ams_etl.settings import Agency
from ams_etl.sources.connections import benefitpoint_connection
from ams_etl.store.agency_db import scalar
from ams_etl.store.lease import LeaseHeld
from ams_etl.store.shared_access.access import SharedAccess
from ams_etl.store.shared_access.held_leases import HeldLeases
from ams_etl.store.signs_of_life.followers import FollowerBatch
from ams_etl.writeback.drain.ams360 import drain
from ams_etl.writeback.drain.benefitpoint import drain_benefitpoint
from ams_etl.writeback.people.health import what_is_due

LINGER_SECONDS = 0.5


def deliver_due(
    warm: Warm, leases: HeldLeases, connection: psycopg.Connection[Any], agency: Agency
) -> FollowerBatch | None:
    """Plan the events and deliver the writes that are due; None: none are, or another one delivers.

    The outbox itself decides what is tried again, and when.
    """
    with_benefitpoint = agency.benefitpoint is not None
    due = what_is_due(connection, agency.id)
    due_beside = what_is_due(connection, agency.id, "benefitpoint") if with_benefitpoint else None
    if due is None and due_beside is None:
        return None
    started = time.monotonic()
    lag = _lag(connection, agency.id)
    error: str | None = None
    delivered = 0
    agencies = warm.agencies()
    try:
        with leases.hold(connection, agency.id, "writeback") as lease:
            try:
                report = drain(
                    connection, agency, warm.ams360(agency.id), agencies.schedule.chosen_zone,
                    linger_seconds=LINGER_SECONDS, lease=lease, access=warm.access,
                )  # fmt: skip
                delivered, error = report.delivery.counts["delivered"], report.delivery.stopped_by
            except AmsEtlError as failed:
                error = str(failed)
            if with_benefitpoint:
                shared = SharedAccess(warm.url, agency.id, "benefitpoint")
                beside = drain_benefitpoint(
                    connection, agency, benefitpoint_connection(agencies, agency, shared),
                    linger_seconds=LINGER_SECONDS, lease=lease,
                )  # fmt: skip
                delivered, error = delivered + beside.counts["delivered"], error or beside.stopped_by
    except LeaseHeld:
        return None
    except AmsEtlError as failed:
        error = error or str(failed)
    took = time.monotonic() - started
    return FollowerBatch(
        agency.id, "writeback", 0, delivered, lag + took, {"delivering": took}, error, urgent=error is not None
    )


def _lag(connection: psycopg.Connection[Any], agency: str) -> float:
    """The age in seconds of the oldest event that nobody has planned yet."""
    return float(
        scalar(
            connection,
            """select coalesce(extract(epoch from clock_timestamp() - min(received_at)), 0)::float8 from ops.events
        where agency = %s and state = 'received'""",
            (agency,),
        )
        or 0
    )
