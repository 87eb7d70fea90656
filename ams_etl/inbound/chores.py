"""What the service does beside its requests: understand, write down refusals, forget old bodies.

One thread, one connection, opened again whenever Postgres was away.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import psycopg

from ams_etl.errors import AmsEtlError
from ams_etl.inbound.metrics import DoorMetrics
from ams_etl.inbound.notifications.interpret import Reader, understand_received
from ams_etl.inbound.retention import Retention, forget_bodies
from ams_etl.store.database import connect

LOOK_SECONDS = 2.0
"""How often it checks without being notified: a restart of either side may have left something."""
GATHER_SECONDS = 0.1
FORGET_SECONDS = 3600.0
_log = logging.getLogger(__name__)


class Chores(threading.Thread):
    """Runs until `close`.

    Args:
        locate: returns the database URL, starting the embedded server if need be.
        readers: how each agency's notifications are read; agencies in capture mode are left out.
        retentions: how long bodies are kept, by agency id.
        metrics: counts what was interpreted.
    """

    def __init__(
        self, locate: Callable[[], str], readers: Mapping[str, Reader], retentions: Mapping[str, Retention],
        metrics: DoorMetrics,
    ) -> None:  # fmt: skip
        super().__init__(name="chores", daemon=True)
        self._locate, self._readers, self._retentions, self._metrics = locate, readers, retentions, metrics
        self._wake = threading.Event()
        self._closing = False
        self._lock = threading.Lock()
        self._refusals: Counter[str] = Counter()
        self._connection: psycopg.Connection[Any] | None = None
        self._forget_at = 0.0
        self.waiting: Mapping[str, int] = {}
        """Rows by state, of a moment ago."""

    def look(self) -> None:
        """Something was stored."""
        self._wake.set()

    def refused(self, agency: str) -> None:
        """Count a refusal; '' if the agency is unknown."""
        with self._lock:
            self._refusals[agency] += 1

    def close(self) -> None:
        """End after the work in hand, refusals written."""
        self._closing = True
        self._wake.set()

    def run(self) -> None:
        """Work, for as long as the process lives."""
        while not self._closing:
            if self._wake.wait(LOOK_SECONDS) and not self._closing:
                # Requests that are being answered come first; what arrives meanwhile is understood in one go.
                time.sleep(GATHER_SECONDS)
            self._wake.clear()
            try:
                self._work()
            except (psycopg.Error, AmsEtlError, OSError) as error:
                _log.warning(
                    "Postgres does not answer (%s); what is stored will be understood later", type(error).__name__
                )
                self._drop_connection()
                time.sleep(0.5)
            except Exception:  # noqa: BLE001 - its traceback is logged
                # What is stored must not stay unread because of one mistake of ours.
                _log.exception("understanding failed; it is tried again")
                time.sleep(LOOK_SECONDS)
        with suppress(psycopg.Error, AmsEtlError, OSError):
            self._write_refusals(self._connected())
        self._drop_connection()

    def _work(self) -> None:
        connection = self._connected()
        while not self._closing:
            counts = understand_received(connection, self._readers)
            for state, count in counts.items():
                self._metrics.understood.labels(state).inc(count)
            if not counts:
                break
        self._write_refusals(connection)
        self.waiting = dict(
            connection.execute(
                """select state, count(*) from ops.notifications
                where state in ('received', 'pending', 'parked') group by state"""
            ).fetchall()
        )
        if time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + FORGET_SECONDS
            for agency, retention in self._retentions.items():
                forget_bodies(connection, agency, retention)

    def _write_refusals(self, connection: psycopg.Connection[Any]) -> None:
        with self._lock:
            refusals, self._refusals = self._refusals, Counter()
        try:
            for agency, count in refusals.items():
                connection.execute(
                    """insert into ops.notification_refusals as r (agency, day, count) values (%s, current_date, %s)
                    on conflict (agency, day) do update set count = r.count + excluded.count""",
                    (agency, count),
                )
        except psycopg.Error:
            with self._lock:
                self._refusals += refusals
            raise

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._locate(), application_name="ams_etl inbound chores")
        return self._connection

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error, OSError):
                connection.close()
