"""One batch of notifications, or of customers that a person asked for, from AMS360 to the mart: what a run does, warm."""

import logging
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.errors import AmsEtlError
from ams_etl.follow.warm import Warm
from ams_etl.settings import Agency
from ams_etl.store.agency_db import scalar
from ams_etl.store.lease import LeaseHeld
from ams_etl.store.shared_access.held_leases import HeldLeases
from ams_etl.store.signs_of_life.followers import BatchKind, FollowerBatch, hand_over, handed_over, take_back
from ams_etl.sync.accounts.publish_accounts import publish_accounts
from ams_etl.sync.accounts.publish_policies import publish_policies
from ams_etl.sync.contacts.fingerprint import fingerprint
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.extract.reference import extract_reference
from ams_etl.sync.notifications.batches import NotificationBatch, claim, close
from ams_etl.sync.publish_changes import Published, PublishStopped, publish_changes
from ams_etl.sync.runs import SyncRuns
from ams_etl.sync.scope import SyncScope
from ams_etl.writeback.benefit_plans.to_policies import enqueue_plans

_log = logging.getLogger(__name__)
PUBLISH_WAIT_SECONDS = 20.0
MOST_DUE = 2000
"""More customers than that to derive are left to a run, which shows its progress."""
STOPPED = "the brake or a check stopped it"
MOST_ATTEMPTS = 2
"""What failed that often is left to a run, where people see why."""


class Notified:
    """Serves the notifications and refreshes of any agency, one batch at a time.

    Args:
        warm: what is kept open.
        leases: of this follower.
        follower: its name, recorded with the batches that it serves.
    """

    def __init__(self, warm: Warm, leases: HeldLeases, follower: str) -> None:
        self._warm, self._leases, self._follower = warm, leases, follower

    def serve(self, connection: psycopg.Connection[Any], agency: Agency) -> FollowerBatch | None:
        """Serve what waits for an agency, up to one batch; None: nothing does, or another one serves it.

        Raises:
            LeaseHeld: another one publishes the agency for longer than this waits; the batch waits again.
        """
        try:
            with self._leases.hold(connection, agency.id, "follow"):
                self._give_back_of_the_dead(connection, agency.id)
                refresh = self._refresh(connection, agency)
                return refresh or self._notifications(connection, agency)
        except LeaseHeld:
            return None

    def new_day(self, connection: psycopg.Connection[Any], agency: Agency) -> FollowerBatch | None:
        """Derive and publish the customers that the new date changes; None where there are none or a run must do it."""
        if self._belongs_to_a_run(connection, agency):
            return None
        started = time.monotonic()
        published = self._publish(connection, agency, None)
        return _batch(agency.id, "new_day", published.derived.customers, published, time.monotonic() - started)

    def _give_back_of_the_dead(self, connection: psycopg.Connection[Any], agency: str) -> None:
        """Only the holder of the agency's lease serves a batch, so one that is open was left by a follower that died."""
        for (batch_id,) in connection.execute(
            "select batch_id from ops.notification_batches where agency = %s and closed_at is null and follower is not null",
            (agency,),
        ).fetchall():
            close(connection, agency, batch_id, "never started")

    def _refresh(self, connection: psycopg.Connection[Any], agency: Agency) -> FollowerBatch | None:
        rows = connection.execute(
            """select request_id, customers, requested_at from ops.refresh_requests
            where agency = %s and done_at is null order by requested_at""",
            (agency.id,),
        ).fetchall()
        if not rows:
            return None
        error = None
        customers = list(dict.fromkeys(customer for _, wanted, _ in rows for customer in wanted))
        published = Published()
        try:
            published = self._read_and_publish(connection, agency, SyncScope(tuple(customers)), None)
        except AmsEtlError as failed:
            error = str(failed)
        connection.execute(
            """update ops.refresh_requests set done_at = clock_timestamp(), error = %s
            where agency = %s and request_id = any(%s)""",
            (error, agency.id, [request for request, *_ in rows]),
        )
        return _batch(agency.id, "refresh", len(customers), published, _age(rows[0][2]), error=error, urgent=True)

    def _notifications(self, connection: psycopg.Connection[Any], agency: Agency) -> FollowerBatch | None:
        if self._belongs_to_a_run(connection, agency):
            return None
        batch = claim(connection, agency.id, follower=self._follower)
        if batch is None:
            return None
        lag_from = _oldest(connection, agency.id, batch.batch_id)
        scope = SyncScope(batch.customers, batch.batch_id, reference=batch.reference, trigger="notification")
        try:
            published = self._read_and_publish(connection, agency, scope, batch)
        except LeaseHeld:
            close(connection, agency.id, batch.batch_id, "never started")
            raise
        except PublishStopped as stopped:
            # A run shows people that it was stopped, and why.
            close(connection, agency.id, batch.batch_id, "never started")
            hand_over(connection, agency.id, STOPPED)
            return _batch(agency.id, "notifications", 0, Published(), _age(lag_from), error=str(stopped), urgent=True)
        except AmsEtlError as failed:
            close(connection, agency.id, batch.batch_id, "failed")
            return _batch(
                agency.id,
                "notifications",
                len(batch.customers),
                Published(),
                _age(lag_from),
                error=str(failed),
                urgent=True,
            )
        except BaseException:
            # Stopped or a mistake of ours: the batch comes back at once, or after the wait of a failed one.
            if not connection.closed:
                close(connection, agency.id, batch.batch_id, "failed")
            raise
        return _batch(agency.id, "notifications", len(batch.customers), published, _age(lag_from))

    def _read_and_publish(
        self, connection: psycopg.Connection[Any], agency: Agency, scope: SyncScope, batch: NotificationBatch | None
    ) -> Published:
        access, ams360 = self._warm.access, self._warm.ams360(agency.id)
        started = time.monotonic()
        if scope.reference:
            extract_reference(connection, agency.id, ams360, access)
        extract(connection, agency.id, ams360, scope, run_id=self._follower, access=access)
        reading = time.monotonic() - started
        published = self._publish(connection, agency, batch)
        published.seconds["reading"] = reading
        return published

    def _publish(
        self, connection: psycopg.Connection[Any], agency: Agency, batch: NotificationBatch | None
    ) -> Published:
        today = self._warm.today()
        started = time.monotonic()
        with self._leases.hold(connection, agency.id, "publish", wait_seconds=PUBLISH_WAIT_SECONDS) as lease:
            waited = time.monotonic() - started
            published = publish_changes(connection, agency, today, lease=lease, run_id=self._follower)
            published.seconds["waiting"] = waited
            counts = published.contacts
            SyncRuns(connection, agency.id).published(
                {"inserted": counts.inserted, "updated": counts.updated, "deleted": counts.deleted}
            )
            if batch is not None:
                close(connection, agency.id, batch.batch_id, "done")
            with published.stage("accounts"):
                publish_accounts(connection, agency.id, run_id=self._follower, limits=agency.brake, lease=lease)
                publish_policies(connection, agency.id, run_id=self._follower, limits=agency.brake, lease=lease)
                mappings = None if agency.benefitpoint is None else agency.benefitpoint.plan_mappings
                enqueue_plans(connection, agency.id, today, mappings)
        return published

    def _belongs_to_a_run(self, connection: psycopg.Connection[Any], agency: Agency) -> bool:
        """Leave to Dagster what people want to see and retry: everything is due, a stopped publish, failures."""
        left = handed_over(connection).get(agency.id)
        if left == STOPPED:
            return True
        row = connection.execute(
            """select (select fingerprint from stage.engine where agency = %(agency)s),
                (select count(*) from (select from stage.dirty_customers where agency = %(agency)s limit %(most)s + 1) d),
                (select max(attempts) from ops.notifications where agency = %(agency)s and state = 'pending'
                    and sync_id is null and not_before <= now())""",
            {"agency": agency.id, "most": MOST_DUE},
        ).fetchone()
        if row is None:
            raise AssertionError("a select without a table returns a row")
        known, dirty, attempts = row
        reason = None
        if known is None or known != fingerprint(agency.settings):
            reason = "its settings or the rules changed, or it was never published: every customer is due"
        elif dirty > MOST_DUE:
            reason = f"more than {MOST_DUE} customers are due"
        elif (attempts or 0) >= MOST_ATTEMPTS:
            reason = f"a batch failed {attempts} times"
        if reason is None and left is not None:
            # A run has seen to it, whoever started it.
            take_back(connection, agency.id)
        if reason is not None and left is None:
            hand_over(connection, agency.id, reason)
            _log.warning("%s is left to a run: %s", agency.id, reason)
        return reason is not None


def _batch(
    agency: str,
    kind: BatchKind,
    customers: int,
    published: Published,
    lag_seconds: float,
    *,
    error: str | None = None,
    urgent: bool = False,
) -> FollowerBatch:
    counts = published.contacts
    return FollowerBatch(
        agency,
        kind,
        customers,
        counts.inserted + counts.updated + counts.deleted,
        lag_seconds,
        published.seconds,
        error,
        urgent,
    )


def _oldest(connection: psycopg.Connection[Any], agency: str, batch_id: UUID) -> datetime:
    received_at: datetime | None = scalar(
        connection,
        "select min(received_at) from ops.notifications where agency = %s and sync_id = %s",
        (agency, batch_id),
    )
    return received_at or datetime.now(UTC)


def _age(moment: datetime) -> float:
    return max(0.0, (datetime.now(UTC) - moment).total_seconds())
