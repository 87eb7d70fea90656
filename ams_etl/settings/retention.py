"""The `retention` block: for how long runs, feeds and finished work are kept, in days."""

from typing import Annotated

from pydantic import Field

from ams_etl.settings.strict import Strict

Days = Annotated[int, Field(ge=1, le=3650)]


class RetentionSettings(Strict):
    """What the daily job `retention` deletes; decisions, uncertain writes and cursors are never deleted."""

    runs_days: Days = 30
    """Dagster's runs that succeeded, with their events and compute logs."""
    failed_runs_days: Days = 90
    """Dagster's runs that failed or were canceled."""
    changes_days: Days = 90
    """`mart.changes`: a consumer that reads less often than this misses changes."""
    notifications_days: Days = 90
    """Notifications that were processed or ignored; their bodies go earlier (`notifications.retention_days`)."""
    events_days: Days = 400
    """Platform events whose writes were all delivered, with those writes; afterwards their idempotency keys are unknown."""
    history_days: Days = 90
    """What each sync did and found: a row for each batch of notifications, so hundreds per agency per day."""
    accesses_days: Days = 730
    """The access log: who read personal data, counted per person and day."""
    quarantine_days: Days = 90
    """Quarantined records that no sync has tried since."""
    max_database_gb: Annotated[float, Field(gt=0)] | None = None
    """The check `database_is_within_its_limit` fails above this size."""
