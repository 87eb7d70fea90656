"""Many clients of a process share two connections, which are closed when nobody needs them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from ams_etl.errors import TransientError
from ams_etl.store.shared_access import in_passing as module
from ams_etl.store.shared_access.call_slots import PostgresCallSlots
from ams_etl.store.shared_access.in_passing import MOST_CONNECTIONS, InPassing

OPEN = """select count(*) from pg_stat_activity where datname = current_database()
and application_name = 'ams_etl in passing'"""


def opened(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(OPEN).fetchone()
    assert row is not None
    return int(row[0])


def test_the_clients_of_forty_agencies_share_two_connections(
    connection: psycopg.Connection[Any], database: str
) -> None:
    """Each has its whole share, at once and again; then nothing is left open."""
    clients = [PostgresCallSlots(database, f"agency{number}", "ams360") for number in range(40)]
    most = 0
    with ThreadPoolExecutor(20) as threads:
        for _ in range(3):
            shares = [threads.submit(client.share, 8, 0, 3) for client in clients]
            while not all(share.done() for share in shares):
                most = max(most, opened(connection))
            assert [share.result() for share in shares] == [8] * 40
        assert 1 <= opened(connection) <= most <= MOST_CONNECTIONS
        list(threads.map(lambda client: client.release(), clients))
    row = connection.execute("select count(*) from ops.call_slots").fetchone()
    assert row == (0,)
    wait_until_none(connection)


def wait_until_none(connection: psycopg.Connection[Any]) -> None:
    """A backend ends a moment after its client has closed."""
    for _ in range(100):
        if not opened(connection):
            return
        threading.Event().wait(0.05)
    raise AssertionError("a connection is left open")


def test_a_connection_that_broke_is_replaced(connection: psycopg.Connection[Any], database: str) -> None:
    """The error is the caller's, the next caller has a new one."""
    shared = InPassing(database)
    shared.keep()
    with shared.connection() as lent:
        pid = lent.info.backend_pid
    connection.execute("select pg_terminate_backend(%s, 5000)", (pid,))
    with pytest.raises(psycopg.OperationalError), shared.connection() as lent:
        lent.execute("select 1")
    with shared.connection() as lent:
        assert lent.execute("select 1").fetchone() == (1,)
    shared.forgo()
    wait_until_none(connection)


def test_nobody_waits_for_ever(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all of them hang, the next one ends with an error that is tried again."""
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.1)
    shared = InPassing(database)
    with (
        shared.connection(),
        shared.connection(),
        pytest.raises(TransientError, match="does not answer"),
        shared.connection(),
    ):
        raise AssertionError("a third connection")
