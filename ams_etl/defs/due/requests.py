"""The runs that regular work asks for."""

from datetime import datetime
from typing import Any

import dagster as dg

from ams_etl.defs.due.regular_work import AgencyWork
from ams_etl.sync.scope import DEPRECATED_LANES, Trigger

TRIGGER_TAG = "ams_etl/trigger"
_LANE_TAG = "ams_etl/lane"
"""Deprecated: runs still carry it, with the older words, for saved filters."""
_OVERDUE = "missed:"
"""What the run keys of work begin with whose window has passed: it is asked for once more, though it was asked for in time."""


def asked_key(row: AgencyWork, now: datetime) -> str:
    """Return the beginning of its run key; the agency's id follows."""
    return (_OVERDUE if row.is_overdue(now) else "") + row.window_key


def request(row: AgencyWork, now: datetime) -> dg.RunRequest:
    """Return the run of an agency's work, with the reason in its tags where its window has passed.

    The tags keep it from waiting in a process beside another run of the agency.
    """
    trigger = row.work.trigger
    scope: dict[str, Any] = {"trigger": trigger, **({"sweep": True} if row.work.kind != "weekly_resync" else {})}
    tags = {"ams_etl/agency": row.agency}
    if row.is_overdue(now):
        tags["ams_etl/reason"] = f"was due at {row.due.at:%Y-%m-%d %H:%M} UTC and not done in its window"
    if trigger is not None:
        tags |= {"ams_etl/full_read": row.agency, **trigger_tags(trigger)}
    return dg.RunRequest(
        run_key=asked_key(row, now) + row.agency,
        job_name=row.work.job,
        partition_key=row.agency,
        tags=tags,
        run_config={} if trigger is None else {"resources": {"sync_scope": {"config": scope}}},
    )


def trigger_tags(trigger: Trigger) -> dict[str, str]:
    """Return the run tags that say what started a run: `ams_etl/trigger`, and the deprecated `ams_etl/lane`."""
    older = {new: old for old, new in DEPRECATED_LANES.items()}
    return {TRIGGER_TAG: trigger, _LANE_TAG: older[trigger]}
