"""`ops.page_jobs`: asking for a command, and how far it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from ams_etl.errors import ConfigError
from ams_etl.store.agency_db import scalar

COMMANDS = {
    "sync": ("sync", "{agency}"),
    "benefitpoint_sync": ("sync", "{agency}", "--benefitpoint"),
    "make_plan": ("sync", "{agency}", "--plan"),
    "apply_plan": ("sync", "{agency}", "--apply"),
    "refresh": ("refresh", "{agency}"),
    "test_connection": ("doctor", "{agency}"),
    "deliver": ("writeback", "{agency}"),
    "preview": ("preview", "{agency}", "--json"),
}
"""Kind of job -> the command line's arguments; the job's own arguments follow."""
WITH_RESULT = {"preview"}
"""Kinds whose command prints JSON, which is kept as the job's result."""
KEPT_DAYS = 7
MOST_LISTED = 20
GONE_AFTER = "1 minute"
_COLUMNS = "agency, job_id, kind, arguments, requested_by, state, created_at, started_at, finished_at, output"


@dataclass(frozen=True, slots=True)
class Job:
    """A command that was asked for."""

    agency: str
    job_id: UUID
    kind: str
    arguments: tuple[str, ...]
    requested_by: str
    state: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    output: str
    result: Mapping[str, Any] | None = None
    """What the command found, of a kind that is `WITH_RESULT` and has ended well; only `find_job` reads it."""

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state in {"waiting", "running"}

    @property
    def kept_until(self) -> datetime | None:
        """When the job and its page are deleted, once it has ended."""
        return self.finished_at + timedelta(days=KEPT_DAYS) if self.finished_at else None


def ask_for(
    connection: psycopg.Connection[Any], agency: str, kind: str, arguments: Sequence[str], requested_by: str
) -> UUID:
    """Queue a command and return its job; one of the same kind that is not finished is returned instead.

    Raises:
        ConfigError: one of the same kind with other arguments is not finished.
    """
    job_id: UUID | None = scalar(
        connection,
        """insert into ops.page_jobs (agency, kind, arguments, requested_by) values (%s, %s, %s, %s)
        on conflict (agency, kind) where state in ('waiting', 'running') do nothing returning job_id""",
        (agency, kind, list(arguments), requested_by),
    )
    if job_id is None:
        job_id = scalar(
            connection,
            """select job_id from ops.page_jobs where agency = %s and kind = %s and state in ('waiting', 'running')
                and arguments = %s""",
            (agency, kind, list(arguments)),
        )
    if job_id is None:
        raise ConfigError("Another one is running; wait until it has finished, then ask again.")
    return job_id


def find_job(connection: psycopg.Connection[Any], agency: str, job_id: str) -> Job | None:
    """Return a job, or None: no such job in this agency."""
    row = connection.execute(
        f"select {_COLUMNS}, result from ops.page_jobs where agency = %s and job_id = %s", (agency, job_id)
    ).fetchone()
    return _job(row) if row else None


def open_job(connection: psycopg.Connection[Any], agency: str, kinds: Sequence[str]) -> Job | None:
    """Return the newest job of these kinds that is not finished."""
    row = connection.execute(
        f"""select {_COLUMNS} from ops.page_jobs where agency = %s and kind = any(%s) and state in ('waiting', 'running')
        order by created_at desc limit 1""",
        (agency, list(kinds)),
    ).fetchone()
    return _job(row) if row else None


def jobs_of(connection: psycopg.Connection[Any], agency: str, kind: str) -> list[Job]:
    """Return the jobs of a kind that are still kept, the newest first."""
    rows = connection.execute(
        f"select {_COLUMNS} from ops.page_jobs where agency = %s and kind = %s order by created_at desc limit {MOST_LISTED}",
        (agency, kind),
    )
    return [_job(row) for row in rows]


def claim(connection: psycopg.Connection[Any]) -> Job | None:
    """Take the oldest waiting job; fail jobs whose process is gone, and delete old ones."""
    with connection.transaction():
        connection.execute(
            f"""update ops.page_jobs set state = 'failed', finished_at = now(),
                output = output || 'The process that ran this is gone; ask for it again.'
            where state = 'running' and seen_at < now() - interval '{GONE_AFTER}'"""
        )
        connection.execute(
            "delete from ops.page_jobs where finished_at < now() - make_interval(days => %s)", (KEPT_DAYS,)
        )
        row = connection.execute(
            f"""update ops.page_jobs set state = 'running', started_at = now(), seen_at = now()
            where (agency, job_id) = (select agency, job_id from ops.page_jobs where state = 'waiting'
                order by created_at limit 1 for update skip locked)
            returning {_COLUMNS}"""
        ).fetchone()
    return _job(row) if row else None


def report(
    connection: psycopg.Connection[Any],
    job: Job,
    output: str,
    state: str = "running",
    result: Mapping[str, Any] | None = None,
) -> None:
    """Store what the command has printed so far, and how it ended and what it found if it has."""
    connection.execute(
        """update ops.page_jobs set output = %s, state = %s, seen_at = now(), result = %s,
            finished_at = case when %s <> 'running' then now() end
        where agency = %s and job_id = %s and state = 'running'""",
        (output.replace("\x00", ""), state, Jsonb(result) if result else None, state, job.agency, job.job_id),
    )


def _job(row: tuple[Any, ...]) -> Job:
    agency, job_id, kind, arguments, *rest = row
    return Job(agency, job_id, kind, tuple(arguments), *rest)
