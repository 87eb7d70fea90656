"""A real Postgres for tests: one embedded server a test run, a database of its own for whoever asks."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ams_etl.store.database import connect
from ams_etl.store.embedded import running_server, stop
from ams_etl.store.migrations import sql_folder, upgrade


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """The URL of a server that all workers of this run share; the launcher's own lock lets one of them start it."""
    base = tmp_path_factory.getbasetemp()
    home = (base if worker_id == "master" else base.parent) / "postgres-of-the-run"
    url = running_server(home)
    with connect(url) as connection:
        # Workers that create one table at once would trip over each other.
        connection.execute("select pg_advisory_lock(1)")
        connection.execute("create table if not exists users_of_the_run (worker text primary key)")
        connection.execute("select pg_advisory_unlock(1)")
        connection.execute("insert into users_of_the_run values (%s) on conflict do nothing", (worker_id,))
    yield url
    with connect(url) as connection:
        connection.execute("delete from users_of_the_run where worker = %s", (worker_id,))
        left = connection.execute("select count(*) from users_of_the_run").fetchone()
    if left == (0,):
        stop(home)


@pytest.fixture(scope="session")
def migrated_template(postgres_server: str, worker_id: str) -> str:
    """A database with the schema, to be copied."""
    name = f"template_{worker_id}"
    with connect(postgres_server) as connection:
        connection.execute(f"drop database if exists {name}")
        connection.execute(f"create database {name}")
    with connect(_sibling(postgres_server, name)) as connection:
        upgrade(connection, sql_folder())
    return name


@contextmanager
def fresh_database(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """The URL of a new database with the schema and nothing else, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    with connect(postgres_server) as connection:
        connection.execute(f"create database {name} template {migrated_template}")
    yield _sibling(postgres_server, name)
    with connect(postgres_server) as connection:
        connection.execute(f"drop database if exists {name} with (force)")


@pytest.fixture
def database(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """The URL of a new database with the schema and nothing else."""
    with fresh_database(postgres_server, migrated_template) as url:
        yield url


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    """An autocommit connection to that database."""
    with connect(database) as opened:
        yield opened


@pytest.fixture
def short_home(tmp_path: Path) -> Path:
    """A home of its own for a server of its own."""
    return tmp_path / "home"


def _sibling(url: str, name: str) -> str:
    return url.rsplit("/", 1)[0] + f"/{name}"
