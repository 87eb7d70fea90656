"""Which followers live, what they did, and what they leave to runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from ams_etl.store.agency_db import column, scalar

DEAD_AFTER_SECONDS = 15.0
"""A follower without a sign of life for that long is dead."""
CHANNEL = "ams_etl_work"
"""What Postgres notifies when there is work; the payload is the agency."""
BatchKind = Literal["notifications", "refresh", "new_day", "writeback"]


@dataclass(frozen=True, slots=True)
class FollowerBatch:
    """What one batch did.

    Attributes:
        changes: contacts inserted, updated or deleted, or writes delivered.
        lag_seconds: from the arrival of the oldest notification or event to its end.
        seconds: of each stage.
        error: why it failed, without personal data.
        urgent: the catalog learns of it at once.
    """

    agency: str
    kind: BatchKind
    customers: int = 0
    changes: int = 0
    lag_seconds: float = 0.0
    seconds: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    urgent: bool = False


def beat(connection: psycopg.Connection[Any], follower: str) -> None:
    """Give a sign of life, and forget followers that are long dead."""
    connection.execute(
        """insert into ops.followers (follower) values (%s)
        on conflict (follower) do update set beat_at = clock_timestamp()""",
        (follower,),
    )
    connection.execute("delete from ops.followers where beat_at < clock_timestamp() - interval '1 hour'")


def leave(connection: psycopg.Connection[Any], follower: str) -> None:
    """Say that a follower is gone, so that the sensors take its work over at once."""
    connection.execute("delete from ops.followers where follower = %s", (follower,))


def living(connection: psycopg.Connection[Any]) -> list[str]:
    """The followers that live."""
    return column(
        connection,
        "select follower from ops.followers where beat_at > clock_timestamp() - make_interval(secs => %s) order by 1",
        (DEAD_AFTER_SECONDS,),
    )


def hand_over(connection: psycopg.Connection[Any], agency: str, reason: str) -> None:
    """Leave an agency's notifications to runs, until one succeeds."""
    connection.execute(
        "insert into ops.follower_handovers (agency, reason) values (%s, %s) on conflict (agency) do nothing",
        (agency, reason),
    )


def take_back(connection: psycopg.Connection[Any], agency: str) -> None:
    """A run succeeded: the follower serves the agency again."""
    connection.execute("delete from ops.follower_handovers where agency = %s", (agency,))


def handed_over(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """The agencies that are left to runs, each with its reason."""
    return dict(connection.execute("select agency, reason from ops.follower_handovers").fetchall())


def record(connection: psycopg.Connection[Any], batch: FollowerBatch) -> None:
    """Store what a batch did."""
    connection.execute(
        """insert into ops.follower_batches (agency, kind, customers, changes, lag_seconds, seconds, error, urgent)
        values (%s, %s, %s, %s, %s, %s, %s, %s)""",
        (
            batch.agency, batch.kind, batch.customers, batch.changes, batch.lag_seconds,
            Jsonb({stage: round(took, 3) for stage, took in batch.seconds.items()}), batch.error, batch.urgent,
        ),
    )  # fmt: skip


def request_refresh(connection: psycopg.Connection[Any], agency: str, customers: Sequence[str]) -> UUID:
    """Ask the follower to read and publish these customers now, and return the request's id."""
    request_id: UUID = scalar(
        connection,
        "insert into ops.refresh_requests (agency, customers) values (%s, %s) returning request_id",
        (agency, list(customers)),
    )
    return request_id


def refreshed(connection: psycopg.Connection[Any], agency: str, request_id: UUID) -> tuple[bool, str | None]:
    """Whether a request is done, and why it failed if it did."""
    row = connection.execute(
        "select done_at is not null, error from ops.refresh_requests where agency = %s and request_id = %s",
        (agency, request_id),
    ).fetchone()
    is_done, error = row or (True, "the request is gone")
    return is_done, error
