"""Leases in Postgres: one writer per agency and subject, wherever and however it was started.

A lease is a row with a holder, an expiry that a heartbeat moves, and a generation that rises with every holder. Each
transaction that publishes or sends calls `Lease.check` first: a holder that was away too long (a paused machine, a lost
connection) finds another generation and is refused. The check locks the row until the transaction ends, so nobody takes
a lease over in the middle of a publish.

Plain statements only, so it works through a transaction pool, where session-level advisory locks do not.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from ams_etl.errors import AmsEtlError, TransientError
from ams_etl.store.agency_db import scalar
from ams_etl.store.database import connect

_log = logging.getLogger(__name__)
Subject = Literal["full_read", "benefitpoint_read", "publish", "writeback", "follow"]
EXPIRES_SECONDS = 30.0
"""A holder without a heartbeat for that long is gone."""
WAIT_SECONDS = 60.0
"""How long a second one waits by default: longer than a dead holder's lease lives."""
_POLL_SECONDS = 0.25
_DOING = {
    "full_read": "being read",
    "benefitpoint_read": "being read from BenefitPoint",
    "publish": "being published",
    "writeback": "being written to",
    "follow": "being followed",
}


class LeaseLost(TransientError):
    """Another holder has taken the lease over; nothing of this transaction is stored."""


class LeaseHeld(TransientError):
    """Another holder has the lease; the message names it."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One holder's right to work on an agency, as long as its generation is the current one."""

    agency: str
    subject: Subject
    holder: str
    generation: int

    def check(self, connection: psycopg.Connection[Any]) -> None:
        """Refuse unless this is the current generation; nobody takes it over before the transaction ends.

        Args:
            connection: inside the transaction that the lease guards.

        Raises:
            LeaseLost: it passed to another holder, or was released.
        """
        row = connection.execute(
            """select holder = %s and generation = %s from ops.leases where agency = %s and subject = %s for share""",
            (self.holder, self.generation, self.agency, self.subject),
        ).fetchone()
        if row != (True,):
            raise LeaseLost(
                f"{self.holder} had lost the lease on {self.agency} ({self.subject}) to another one; nothing was changed"
            )


def acquire(
    connection: psycopg.Connection[Any],
    agency: str,
    subject: Subject,
    holder: str,
    *,
    expires_seconds: float = EXPIRES_SECONDS,
) -> Lease | None:
    """Take a lease that is free or expired; None where another one has it.

    Args:
        connection: autocommit.
        agency: the agency id.
        subject: what the lease is for.
        holder: names the run or process, for people.
        expires_seconds: how long it lives without `renew`.
    """
    scope = {"agency": agency, "subject": subject, "holder": holder, "seconds": expires_seconds}
    connection.execute(
        """insert into ops.leases (agency, subject, generation, expires_at)
        values (%(agency)s, %(subject)s, 0, clock_timestamp()) on conflict (agency, subject) do nothing""",
        scope,
    )
    # A row that is locked belongs to a holder in the middle of a transaction.
    generation = scalar(
        connection,
        """update ops.leases l set generation = l.generation + 1, holder = %(holder)s, acquired_at = clock_timestamp(),
            heartbeat_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
        from (select agency, subject from ops.leases where agency = %(agency)s and subject = %(subject)s
                and (holder is null or expires_at <= clock_timestamp()) for update skip locked) free
        where (l.agency, l.subject) = (free.agency, free.subject) returning l.generation""",
        scope,
    )
    return None if generation is None else Lease(agency, subject, holder, generation)


def acquire_within(
    connection: psycopg.Connection[Any],
    agency: str,
    subject: Subject,
    holder: str,
    *,
    wait_seconds: float,
    poll_seconds: float,
    expires_seconds: float = EXPIRES_SECONDS,
) -> Lease | None:
    """Take a lease as soon as it is free or expired; None where another one still has it after the wait.

    Args:
        connection: autocommit.
        agency: the agency id.
        subject: what the lease is for.
        holder: names the run or process, for people.
        wait_seconds: how long to wait for another holder; 0 asks once.
        poll_seconds: from one try to the next.
        expires_seconds: how long it lives without `renew`.
    """
    until = time.monotonic() + wait_seconds
    while (lease := acquire(connection, agency, subject, holder, expires_seconds=expires_seconds)) is None:
        if time.monotonic() >= until:
            return None
        time.sleep(poll_seconds)
    return lease


def renew(connection: psycopg.Connection[Any], lease: Lease, *, expires_seconds: float = EXPIRES_SECONDS) -> bool:
    """Move the expiry; False where the lease is another one's by now."""
    return (
        connection.execute(
            """update ops.leases set heartbeat_at = clock_timestamp(),
                expires_at = clock_timestamp() + make_interval(secs => %s)
            where agency = %s and subject = %s and holder = %s and generation = %s""",
            (expires_seconds, lease.agency, lease.subject, lease.holder, lease.generation),
        ).rowcount
        == 1
    )


def release(connection: psycopg.Connection[Any], lease: Lease) -> None:
    """Free a lease at once; nothing happens where it is another one's by now."""
    connection.execute(
        """update ops.leases set holder = null, expires_at = clock_timestamp()
        where agency = %s and subject = %s and holder = %s and generation = %s""",
        (lease.agency, lease.subject, lease.holder, lease.generation),
    )


def holder_of(connection: psycopg.Connection[Any], agency: str, subject: Subject) -> str | None:
    """Who has the lease, as a phrase with since when and its last heartbeat; None where it is free."""
    row = connection.execute(
        """select holder, acquired_at, extract(epoch from clock_timestamp() - heartbeat_at) from ops.leases
        where agency = %s and subject = %s and holder is not null and expires_at > clock_timestamp()""",
        (agency, subject),
    ).fetchone()
    if row is None:
        return None
    holder, acquired_at, silent_for = row
    return f"{holder}, since {acquired_at:%Y-%m-%d %H:%M:%S %Z}, last heard {float(silent_for):.0f} s ago"


@contextmanager
def leased(
    url: str,
    agency: str,
    subject: Subject,
    holder: str,
    *,
    wait_seconds: float = WAIT_SECONDS,
    expires_seconds: float = EXPIRES_SECONDS,
) -> Iterator[Lease]:
    """Hold a lease for the length of a block, with a heartbeat of its own.

    Args:
        url: the database.
        agency: the agency id.
        subject: what the lease is for.
        holder: names the run or process, for people.
        wait_seconds: how long to wait for another holder.
        expires_seconds: how long the lease outlives this process.

    Raises:
        LeaseHeld: another one still has it after that time; the message names it.
    """
    with connect(url, application_name="ams_etl lease") as connection:
        lease = _wait_for(connection, agency, subject, holder, wait_seconds, expires_seconds)
    done = threading.Event()
    beat = threading.Thread(
        target=_keep, args=(url, lease, expires_seconds, done.wait), name=f"lease {subject}", daemon=True
    )
    beat.start()
    try:
        yield lease
    finally:
        done.set()
        beat.join(timeout=5)
        # Where the database is away the lease expires by itself.
        with suppress(AmsEtlError, psycopg.Error), connect(url, application_name="ams_etl lease") as connection:
            release(connection, lease)


def _wait_for(
    connection: psycopg.Connection[Any],
    agency: str,
    subject: Subject,
    holder: str,
    wait_seconds: float,
    expires_seconds: float,
) -> Lease:
    lease = acquire(connection, agency, subject, holder, expires_seconds=expires_seconds)
    if lease is None and wait_seconds > 0:
        _log.info(
            "%s is %s already (%s); waiting up to %.0f s",
            agency, _DOING[subject], holder_of(connection, agency, subject) or "another one", wait_seconds,
        )  # fmt: skip
        lease = acquire_within(
            connection, agency, subject, holder, wait_seconds=wait_seconds, poll_seconds=_POLL_SECONDS,
            expires_seconds=expires_seconds,
        )  # fmt: skip
    if lease is None:
        other = holder_of(connection, agency, subject) or "another one"
        raise LeaseHeld(
            f"{agency} is {_DOING[subject]} already ({other}); wait for it, or stop it in the UI, and try again"
        )
    return lease


def _keep(url: str, lease: Lease, expires_seconds: float, ended: Callable[[float], bool]) -> None:
    """Renew until the work ends or the lease is another one's; a lost connection is opened again."""
    connection: psycopg.Connection[Any] | None = None
    try:
        while not ended(expires_seconds / 6):
            try:
                connection = connection or connect(url, application_name="ams_etl lease")
                if not renew(connection, lease, expires_seconds=expires_seconds):
                    return
            except (psycopg.Error, AmsEtlError):
                if connection is not None:
                    connection.close()
                connection = None
    finally:
        if connection is not None:
            connection.close()
