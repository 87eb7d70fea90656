"""From changed records to the mart in one go: derive, plan, check, publish, under one lease.

The follower does this for every batch, and a run does it again where another publish came between its plan and its publish.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg

from ams_etl.errors import PermanentError
from ams_etl.settings import Agency
from ams_etl.store.lease import Lease
from ams_etl.sync.change_counts import PublishCounts
from ams_etl.sync.contacts.derive import derive_dirty, mark_due
from ams_etl.sync.contacts.deriving.chunks import DeriveCounts
from ams_etl.sync.contacts.plan import make_plan
from ams_etl.sync.contacts.publish import publish
from ams_etl.sync.contacts.quality import check_planned_contacts


class PublishStopped(PermanentError):
    """A check or the brake holds the plan: a user must review it."""


@dataclass(slots=True)
class Published:
    """What was derived and published, and the seconds of each stage."""

    derived: DeriveCounts = field(default_factory=DeriveCounts)
    contacts: PublishCounts = field(default_factory=lambda: PublishCounts(0, 0, 0))
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add a block's seconds to a stage."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started


def publish_changes(
    connection: psycopg.Connection[Any],
    agency: Agency,
    today: date,
    *,
    lease: Lease | None,
    run_id: str | None = None,
) -> Published:
    """Derive what is due, plan it, check the plan and publish it.

    Args:
        connection: autocommit.
        agency: the agency and its settings.
        today: the date every rule is asked for.
        lease: `publish`.
        run_id: the Dagster run or the follower's batch, for `mart.changes`.

    Raises:
        PublishStopped: a check or the brake holds the plan, which is stored for a person.
        LeaseLost: another one publishes this agency now.
    """
    done = Published()
    with done.stage("deriving"):
        mark_due(connection, agency.id, agency.settings, today, lease=lease)
        done.derived = derive_dirty(connection, agency.id, agency.settings, today, lease=lease)
    with done.stage("planning"):
        plan = make_plan(connection, agency.id, agency.settings, agency.brake, today, lease=lease)
    with done.stage("checks"):
        reason = plan.stopped_by or check_planned_contacts(connection, agency.id).reason_to_stop
    if reason:
        raise PublishStopped(
            f"the publish of {agency.id} was stopped: {reason}. Review it with `ams-etl plan {agency.id}`"
        )
    with done.stage("publishing"):
        done.contacts = publish(connection, agency.id, run_id=run_id, lease=lease)
    return done
