"""`ops.page_jobs`: asking for a command, and how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

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
    "preview": ("preview", "{agency}"),
}
"""Kind of job -> the command line's arguments; the job's own arguments follow."""
KEPT_DAYS = 7
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

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state in {"waiting", "running"}

    @property
    def last_line(self) -> str:
        """The last line that the command printed, where it sums up what it did."""
        lines = self.output.split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


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
        f"select {_COLUMNS} from ops.page_jobs where agency = %s and job_id = %s", (agency, job_id)
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


def report(connection: psycopg.Connection[Any], job: Job, output: str, state: str = "running") -> None:
    """Store what the command has printed so far, and how it ended if it has."""
    connection.execute(
        """update ops.page_jobs set output = %s, state = %s, seen_at = now(),
            finished_at = case when %s <> 'running' then now() end
        where agency = %s and job_id = %s and state = 'running'""",
        (output.replace("\x00", ""), state, state, job.agency, job.job_id),
    )


def _job(row: tuple[Any, ...]) -> Job:
    agency, job_id, kind, arguments, *rest = row
    return Job(agency, job_id, kind, tuple(arguments), *rest)
