"""Conditions that Postgres knows: writes that wait for a decision, and agencies whose notifications stopped."""

from collections.abc import Sequence
from typing import Any

import psycopg

from ams_etl.alerts.incidents import ANY_AGENCY, Condition
from ams_etl.store.agency_db import scalar
from ams_etl.sync.notifications.all_agencies import freshness_by_agency


def uncertain_writes(connection: psycopg.Connection[Any]) -> list[Condition]:
    """Return a condition for each agency with writes that nobody knows the outcome of (W9)."""
    rows = connection.execute(
        """select agency, count(*), min(created_at) from ops.writebacks where status = 'uncertain'
        group by agency order by agency"""
    )
    return [
        Condition(
            key=f"uncertain_writes:{agency}",
            agency=agency,
            kind="uncertain_writes",
            severity="warning",
            title=f"{count} uncertain writes of {agency} wait for a decision",
            detail=f"The oldest is of {oldest:%Y-%m-%d %H:%M %Z}. Later writes to the same customers wait behind them.",
            what_to_do=f"ams-etl writeback list {agency}, look into the system, then ams-etl writeback resolve {agency} ID",
        )
        for agency, count, oldest in rows
    ]


def dead_followers(connection: psycopg.Connection[Any], dead_after_seconds: float) -> list[Condition]:
    """Return a condition where a follower stopped without saying so, and no other one lives.

    One that is stopped on purpose leaves no row behind.
    """
    beat_at = scalar(
        connection,
        """select max(beat_at) from ops.followers
        having max(beat_at) < clock_timestamp() - make_interval(secs => %s)""",
        (dead_after_seconds,),
    )
    if beat_at is None:
        return []
    return [
        Condition(
            key="process_dead:follower",
            agency=ANY_AGENCY,
            kind="process_dead",
            severity="error",
            title="the follower does not work",
            detail=f"Its last sign of life was {beat_at:%Y-%m-%d %H:%M:%S %Z}. Sensors do its work meanwhile.",
            what_to_do="start it again: ams-etl follow (ams-etl up runs it), or your service manager",
        )
    ]


def silent_agencies(connection: psycopg.Connection[Any], agencies: Sequence[str]) -> list[Condition]:
    """Return a condition for each agency without a notification for longer than its habit allows.

    Args:
        connection: autocommit.
        agencies: ids of agencies that have notifications.
    """
    return [
        Condition(
            key=f"agency_silent:{found.agency}",
            agency=found.agency,
            kind="agency_silent",
            severity="warning",
            title=f"{found.agency} has sent no notification for {_hours(found.silence.lasting)}",
            detail=f"Its longest silence allows {_hours(found.silence.allowed)}. Changes are found by the daily sweep only.",
            what_to_do="in AMS360, Notification Service Setup: is the delivery status still On?",
        )
        for found in freshness_by_agency(connection, agencies)
        if found.silence.is_too_long
    ]


def _hours(lasting: Any) -> str:
    return "an unknown time" if lasting is None else f"{lasting.total_seconds() / 3600:.1f} hours"
