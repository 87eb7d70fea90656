"""Dagster's tables are reached by one connection that is kept, that heals, and that a child process leaves alone."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import sqlalchemy

from ams_etl.dagster_storage import MOST_CONNECTIONS, PostgresStorage
from ams_etl.store.database import dagster_url

BACKENDS = (
    "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() "
    "and backend_type = 'client backend'"
)


@pytest.fixture
def storage(database: str) -> PostgresStorage:
    return PostgresStorage(postgres_url=dagster_url(database))


def use(storage: PostgresStorage) -> None:
    """Ask each of the three parts something."""
    storage.run_storage.get_runs_count()
    storage.event_log_storage.get_dynamic_partitions("agency")
    storage.schedule_storage.all_instigator_state()


def wait_in_postgres(engine: sqlalchemy.Engine) -> None:
    """Keep a connection of the pool at work for 0.2 seconds."""
    with engine.connect() as opened:
        opened.execute(sqlalchemy.text("select pg_sleep(0.2)"))


def gone_within(connection: psycopg.Connection[Any], seconds: float) -> bool:
    """Return whether no other connection to the database is left, waiting for it so long."""
    until = time.monotonic() + seconds
    while left := connection.execute(BACKENDS).fetchall():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return not left


def test_what_is_asked_again_and_again_shares_one_connection(
    storage: PostgresStorage, connection: psycopg.Connection[Any]
) -> None:
    use(storage)
    (first,) = connection.execute(BACKENDS).fetchall()
    for _ in range(10):
        use(storage)
    assert connection.execute(BACKENDS).fetchall() == [first]


@pytest.mark.parametrize("given", ["", "?connect_timeout=5", "?application_name=dagster%20tables%20mine"])
def test_every_connection_says_what_it_is_for(database: str, given: str) -> None:
    """Those that Dagster opens before it has our pool, too."""
    names = []

    def note(opened: Any, _: object) -> None:
        with opened.cursor() as cursor:
            cursor.execute("show application_name")
            names.append(cursor.fetchone()[0])
        opened.rollback()

    sqlalchemy.event.listen(sqlalchemy.Pool, "connect", note)
    try:
        use(PostgresStorage.from_config_value(None, {"postgres_url": f"{dagster_url(database)}{given}"}))
    finally:
        sqlalchemy.event.remove(sqlalchemy.Pool, "connect", note)
    assert len(names) > 1
    assert [name for name in names if not name.startswith("dagster tables ")] == []


def test_a_connection_that_the_server_closed_is_replaced(
    storage: PostgresStorage, connection: psycopg.Connection[Any]
) -> None:
    use(storage)
    ((first,),) = connection.execute(BACKENDS).fetchall()
    connection.execute("select pg_terminate_backend(%s, 5000)", (first,))
    use(storage)
    ((second,),) = connection.execute(BACKENDS).fetchall()
    assert second != first


def test_a_child_process_connects_itself(storage: PostgresStorage, connection: psycopg.Connection[Any]) -> None:
    """Two processes on one connection would read each other's answers."""
    use(storage)
    ((mine,),) = connection.execute(BACKENDS).fetchall()
    child = os.fork()
    if not child:
        try:
            use(storage)
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the exit code says it
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    use(storage)
    assert connection.execute(BACKENDS).fetchall() == [(mine,)]


@pytest.mark.parametrize("for_webserver", [False, True])
def test_many_threads_share_a_bounded_pool(
    storage: PostgresStorage, connection: psycopg.Connection[Any], *, for_webserver: bool
) -> None:
    """The web server's too, to which Dagster would give a pool for each of the three storages.

    Only connections with a statement at work are counted: one that the pool closed is seen for a moment longer.
    """
    use(storage)
    if for_webserver:
        for part in (storage.run_storage, storage.event_log_storage, storage.schedule_storage):
            part.optimize_for_webserver(statement_timeout=15_000, pool_recycle=3600, max_overflow=20)
        assert gone_within(connection, seconds=10), "the connection of the pool before is still open"
    most = 0
    parts: list[Any] = [storage._run_storage, storage._event_log_storage, storage._schedule_storage]
    with ThreadPoolExecutor(30) as threads:
        asked = [threads.submit(wait_in_postgres, parts[number % 3]._engine) for number in range(60)]
        while not all(ask.done() for ask in asked):
            most = max(most, len(connection.execute(f"{BACKENDS} and state = 'active'").fetchall()))
        for ask in asked:
            ask.result()
    assert 1 < most <= MOST_CONNECTIONS
    names = connection.execute(
        "select distinct application_name from pg_stat_activity where application_name ~ 'dagster'"
    )
    assert any(name.startswith("dagster tables ") for (name,) in names)


def test_a_statement_of_the_web_server_ends_in_time(storage: PostgresStorage) -> None:
    """As Dagster's own storages do it."""
    storage.event_log_storage.optimize_for_webserver(statement_timeout=200, pool_recycle=3600, max_overflow=20)
    with (
        pytest.raises(sqlalchemy.exc.OperationalError, match="statement timeout"),
        storage._run_storage._engine.connect() as opened,
    ):
        opened.execute(sqlalchemy.text("select pg_sleep(5)"))
