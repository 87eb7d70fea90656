"""How many connections each process has to Postgres at one time, by looking again and again while they work."""

import threading
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

import psutil
import psycopg

from ams_etl.store.database import connect

_KINDS = (
    ("dagster-webserver", "web server"), ("dagster-daemon", "daemon"), ("code-server", "code server"), ("api grpc", "code server"),
    ("ams_etl.cli inbound", "inbound service"), ("ams_etl.cli follow", "follower"), ("ams_etl.cli pages", "integration page"),
    ("ams_etl.cli alerts", "alerts"), ("spawn_main", "run"), ("execute_run", "run"), ("ams_etl.cli sync", "ams-etl sync"),
)  # fmt: skip


@dataclass
class Watch:
    """Looks ten times a second, from a connection of its own, until the block ends.

    Args:
        url: the database whose connections count.
        known: what a process is, by its id, where its command line does not say.
    """

    url: str
    known: dict[int, str] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Kind of process -> the most connections that one of them had at one time."""
    whole: int = 0
    """The most connections that all of them had together."""
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Kind of process -> the names under which Postgres lists its connections."""
    processes: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _ends: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        with connect(self.url, application_name="the watch of the test") as connection:
            while not self._ends.wait(0.1):
                self._look(connection)

    def _look(self, connection: psycopg.Connection[Any]) -> None:
        listed = connection.execute(
            """select client_port, application_name from pg_stat_activity where datname = current_database()
            and client_port > 0 and application_name <> 'the watch of the test'"""
        ).fetchall()
        owners: dict[int, int] = {}
        for opened in psutil.net_connections("tcp"):
            local, remote = opened.laddr, opened.raddr
            if opened.pid and local and remote and remote.port == connection.info.port:
                owners[local.port] = opened.pid
        counted: Counter[int] = Counter()
        for port, name in listed:
            owner = owners.get(port)
            if owner is None:
                continue
            kind = self.kind_of(owner)
            if kind:
                counted[owner] += 1
                self.names[kind].add(str(name))
        for owner, count in counted.items():
            kind = self.kind_of(owner)
            self.processes[kind].add(owner)
            self.most[kind] = max(self.most[kind], count)
        self.whole = max(self.whole, len(listed))

    def kind_of(self, pid: int) -> str:
        """Return what a process is, or '' where it is not one of ours."""
        if pid not in self.known:
            found = ""
            with suppress(psutil.NoSuchProcess):
                command = " ".join(psutil.Process(pid).cmdline())
                found = next((kind for part, kind in _KINDS if part in command), "")
            self.known[pid] = found
        return self.known[pid]
