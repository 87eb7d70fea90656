"""A real Postgres for tests: one embedded server a test run, a database of its own for whoever asks."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ams_etl.store.database import connect
from ams_etl.store.embedded import running_server, server_root, stop
from ams_etl.store.migrations import LOWEST_POSTGRES, sql_folder, upgrade

_MEMORY = Path("/dev/shm")
_IN_MEMORY = "AMS_ETL_TESTS_IN_MEMORY"
"""The variable that has the run's folder."""
_ROOM = 4 << 30


def pytest_configure(config: pytest.Config) -> None:
    """Name the run's folder in memory, for all of its processes; delete those of runs that were killed."""
    if hasattr(config, "workerinput"):
        return
    prefix = f"ams-etl-tests-{os.geteuid()}-"
    os.environ[_IN_MEMORY] = str(_MEMORY / f"{prefix}{os.getpid()}")
    for left in _MEMORY.glob(f"{prefix}*"):
        if _is_abandoned(left):
            shutil.rmtree(left, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Delete what servers of this run left outside pytest's own folders, which happens where root runs the tests."""
    if hasattr(session.config, "workerinput"):
        return  # A worker of xdist: the process that started it deletes, once all have ended.
    shutil.rmtree(os.environ[_IN_MEMORY], ignore_errors=True)
    base = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    outside = server_root(base / "x")
    if outside.is_relative_to(base):
        return
    for folder in outside.parent.glob(f"{outside.name.removesuffix('x')}*"):
        # A server that lives is one that a test left: its files show whose it is.
        if not (folder / "postgres" / "postmaster.pid").exists():
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """The URL of a server that all workers of this run share; the launcher's own lock lets one of them start it.

    It need not survive a power cut, so nothing waits for the disk. What a killed server loses is tested on servers of their own.
    """
    base = tmp_path_factory.getbasetemp()
    home = _folder(base if worker_id == "master" else base.parent)
    url = running_server(home)
    with connect(url) as connection:
        # Workers that create one table at once would trip over each other.
        connection.execute("select pg_advisory_lock(1)")
        connection.execute("create table if not exists users_of_the_run (worker text primary key)")
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"alter system set {setting} = off")
        connection.execute("select pg_reload_conf()")
        connection.execute("select pg_advisory_unlock(1)")
        connection.execute("insert into users_of_the_run values (%s) on conflict do nothing", (worker_id,))
    yield url
    with connect(url) as connection:
        connection.execute("delete from users_of_the_run where worker = %s", (worker_id,))
        left = connection.execute("select count(*) from users_of_the_run").fetchone()
    if left == (0,):
        stop(home)


@pytest.fixture(scope="session")
def migrated_template(postgres_server: str) -> str:
    """A database with the schema, to be copied; the first worker that needs it makes it."""
    name = "template_of_the_run"
    with connect(postgres_server) as connection:
        connection.execute("select pg_advisory_lock(1)")
        if connection.execute("select from pg_database where datname = %s", (name,)).fetchone() is None:
            connection.execute(f"create database {name}_unfinished")
            with connect(sibling(postgres_server, f"{name}_unfinished")) as own:
                upgrade(own, sql_folder())
            connection.execute(f"alter database {name}_unfinished rename to {name}")
        connection.execute("select pg_advisory_unlock(1)")
    return name


@contextmanager
def fresh_database(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """The URL of a new database with the schema and nothing else, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    with connect(postgres_server) as connection:
        connection.execute(f"create database {name} template {migrated_template} strategy file_copy")
    yield sibling(postgres_server, name)
    with connect(postgres_server) as connection:
        connection.execute(f"drop database if exists {name} with (force)")


@contextmanager
def empty_database(postgres_server: str, name: str) -> Iterator[str]:
    """The URL of a new database of this name with nothing in it, dropped afterwards."""
    with connect(postgres_server) as connection:
        connection.execute(f"create database {name}")
    yield sibling(postgres_server, name)
    with connect(postgres_server) as connection:
        connection.execute(f"drop database {name} with (force)")


@contextmanager
def reader_role_to_oneself(postgres_server: str) -> Iterator[None]:
    """Let one test at a time create the role `ams_etl_reader` or rely on there being none: roles belong to the whole server."""
    with connect(postgres_server) as connection:
        connection.execute("select pg_advisory_lock(2)")
        yield


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


def debian_server() -> Path | None:
    """The programs of the oldest installed server that is new enough."""
    found = {int(folder.parent.name): folder for folder in Path("/usr/lib/postgresql").glob("[0-9]*/bin")}
    return next(
        (found[major] for major in sorted(found) if major >= LOWEST_POSTGRES and (found[major] / "initdb").exists()),
        None,
    )


@pytest.fixture
def oldest_server(short_home: Path) -> Iterator[str]:
    """The URL of an empty database on the oldest Postgres that is supported, a server of its own."""
    binaries = debian_server()
    if binaries is None:
        pytest.skip(
            f"no Postgres server ({LOWEST_POSTGRES} or newer) in /usr/lib/postgresql: apt-get install postgresql"
        )
    try:
        yield running_server(short_home, binaries)
    finally:
        stop(short_home, binaries)


def _folder(run: Path) -> Path:
    """Return where the files of the run's server lie: in memory where it has room.

    Hundreds of databases of 12 MB are made and dropped; on a disk that took a third of the time of the tests of writing back.
    """
    in_memory = Path(os.environ[_IN_MEMORY])
    if in_memory.exists() or (os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM):
        in_memory.mkdir(exist_ok=True)
        return in_memory
    return run / "postgres-of-the-run"


def _is_abandoned(home: Path) -> bool:
    """Return whether the server of a run that was killed is gone as well."""
    try:
        os.kill(int((home / "postgres" / "postmaster.pid").read_text().split()[0]), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError, IndexError):
        return False
    return False


def sibling(url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return url.rsplit("/", 1)[0] + f"/{name}"
