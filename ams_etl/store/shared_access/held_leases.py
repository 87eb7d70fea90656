"""The leases that the threads of one process hold, renewed together instead of by a thread each."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from ams_etl.store.lease import Lease, LeaseHeld, Subject, acquire_within, holder_of, release, renew

_POLL_SECONDS = 0.05


class HeldLeases:
    """Takes and returns leases for the threads of one process.

    Args:
        holder: names the process or run, for people.
    """

    def __init__(self, holder: str) -> None:
        self._holder = holder
        self._held: set[Lease] = set()
        self._left: set[Lease] = set()
        """Of ended blocks, whose release did not reach Postgres."""
        self._lock = threading.Lock()

    @contextmanager
    def hold(
        self, connection: psycopg.Connection[Any], agency: str, subject: Subject, *, wait_seconds: float = 0.0
    ) -> Iterator[Lease]:
        """Hold a lease for a block.

        Where the connection is broken or its statement cancelled at the end of the block, `renew` or `release_left` releases the
        lease.

        Raises:
            LeaseHeld: another holder still has it after `wait_seconds`.
        """
        lease = acquire_within(
            connection, agency, subject, self._holder, wait_seconds=wait_seconds, poll_seconds=_POLL_SECONDS
        )
        if lease is None:
            other = holder_of(connection, agency, subject) or "another one"
            raise LeaseHeld(f"{agency}: {subject} is held by {other}")
        with self._lock:
            self._held.add(lease)
        try:
            yield lease
        finally:
            with self._lock:
                self._held.discard(lease)
            try:
                release(connection, lease)
            except psycopg.Error:
                with self._lock:
                    self._left.add(lease)

    def renew(self, connection: psycopg.Connection[Any]) -> None:
        """Renew all of them, and release those left; one that is another one's by now is refused by its generation."""
        with self._lock:
            held = list(self._held)
        for lease in held:
            renew(connection, lease)
        self.release_left(connection)

    def release_left(self, connection: psycopg.Connection[Any]) -> None:
        """Release the leases of ended blocks that their own connections could not."""
        with self._lock:
            left = list(self._left)
        for lease in left:
            release(connection, lease)
            with self._lock:
                self._left.discard(lease)
