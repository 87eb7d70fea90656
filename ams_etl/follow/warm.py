"""What the follower keeps between batches: settings, clients, tickets, a database connection per thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import psycopg

from ams_etl.settings import Agencies, load_agencies
from ams_etl.sources.ams360 import Ams360Connection
from ams_etl.sources.calling.runner import LastingLoop
from ams_etl.sources.connections import ams360_connection
from ams_etl.sources.warm import Access, WarmAms360
from ams_etl.store.database import connect
from ams_etl.store.shared_access.access import SharedAccess


class Warm:
    """Opened on first use, and opened again after an error.

    Args:
        url: the database.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._loop = LastingLoop()
        self._own = threading.local()
        self.access = Access(self._loop.run, WarmAms360().open)

    def agencies(self) -> Agencies:
        """The agencies file, read again when it has changed."""
        return load_agencies()

    def today(self) -> date:
        """Today in the schedule's time zone."""
        return datetime.now(self.agencies().schedule.zone).date()

    def ams360(self, agency: str) -> Ams360Connection:
        """How to reach an agency's AMS360."""
        agencies = self.agencies()
        return ams360_connection(agencies, agencies.get(agency), SharedAccess(self.url, agency, "ams360"))

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """This thread's own connection; closed after an error, since its session may be broken."""
        connection: psycopg.Connection[Any] | None = getattr(self._own, "connection", None)
        if connection is None or connection.closed:
            connection = self._own.connection = connect(self.url, application_name="ams_etl follow")
        try:
            yield connection
        except psycopg.Error:
            connection.close()
            raise

    def close(self) -> None:
        """End every call."""
        self._loop.close()
