"""Apply `sql/NNNN_name.sql` in order, once each.

A runner of our own rather than Alembic or yoyo: the schema is plain SQL for people who query it, there is nothing
to generate and nothing to downgrade, and what such a tool must promise fits on one page: an advisory lock, one
transaction a file, a checksum that notices an edited file.
"""

import hashlib
import logging
import re
import time
from pathlib import Path
from typing import Any

import psycopg

from ams_etl.errors import ConfigError, TransientError
from ams_etl.settings.shipped import shipped

_log = logging.getLogger(__name__)
LOWEST_POSTGRES = 15
"""`unique nulls not distinct` (`mart.key_facts`) came with it."""
_LOCK = 0x616D7365746C  # "amsetl"
_ATTEMPTS = 30
_LOCK_TIMEOUT = "3s"
_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_CONTRACT = re.compile(r"^-- contract: (\d+\.\d+\.\d+)\b", re.MULTILINE)


def sql_folder() -> Path:
    """Return `sql/` of the checkout, else of the installed wheel.

    Raises:
        ConfigError: neither has it.
    """
    return shipped("sql")


def newest_migration(folder: Path) -> str:
    """Return the name of the folder's newest migration, as in `0024_comments`: the schema's version."""
    return max(_numbered(folder).items())[1].stem


def _numbered(folder: Path) -> dict[int, Path]:
    return {int(match[1]): path for path in sorted(folder.iterdir()) if (match := _NAME.match(path.name))}


def contract_of(migration: str) -> str | None:
    """Return the version that no longer used what a migration takes away, by its line `-- contract:`, or None."""
    written = _CONTRACT.search(migration)
    return written[1] if written else None


def upgrade(connection: psycopg.Connection[Any], folder: Path, *, beside_newer: bool = False) -> list[str]:
    """Apply what is missing.

    Args:
        connection: autocommit.
        folder: the numbered files.
        beside_newer: accept a newer database whose further migrations only add. A process of the version before may have to
            start again while the next one is being installed.

    Returns:
        The names of the files applied now.

    Raises:
        ConfigError: the server is too old, an applied file was edited, or the database is newer than this folder.
    """
    _check_server_version(connection)
    files = _numbered(folder)
    known = _applied(connection)
    newer = sorted(set(known) - set(files))
    if newer:
        newest = known[newer[-1]][0]
        if not beside_newer or not files.keys() <= known.keys() or not _only_add(connection, newer):
            raise ConfigError(
                f"the database has migration {newest}, which this version of ams_etl does not know: update ams_etl"
            )
        _log.warning("the database has migration %s, newer than this version of ams_etl: finish the upgrade", newest)
    for version, path in files.items():
        if version in known and known[version][1] != _checksum(path):
            raise ConfigError(
                f"{path.name} was edited after it was applied: restore it and put the change in a new file"
            )
    missing = [(version, path) for version, path in files.items() if version not in known]
    return [path.name for version, path in missing if _apply(connection, version, path)]


def _applied(connection: psycopg.Connection[Any]) -> dict[int, tuple[str, str]]:
    """Return version -> name and checksum; creates the table where it is missing."""
    row = connection.execute("select to_regclass('ops.schema_migrations') is not null").fetchone()
    if row != (True,):
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            connection.execute(
                """create schema if not exists ops;
                create table if not exists ops.schema_migrations (version integer primary key, name text not null,
                    checksum text not null, applied_at timestamptz not null default now())"""
            )
    rows = connection.execute("select version, name, checksum from ops.schema_migrations")
    return {version: (name, checksum) for version, name, checksum in rows}


def _only_add(connection: psycopg.Connection[Any], versions: list[int]) -> bool:
    """Return whether these applied migrations took nothing away that an older version uses."""
    taking = connection.execute(
        "select count(*) from ops.schema_migrations where version = any (%s) and contract is not null", (versions,)
    ).fetchone()
    return taking == (0,)


def _apply(connection: psycopg.Connection[Any], version: int, path: Path) -> bool:
    """Apply one file in one transaction, unless another process has done so meanwhile; returns whether this one did.

    The lock is the transaction's, not the session's: behind a transaction pool a session's lock would stay with a server
    connection that others use.
    """
    for attempt in range(_ATTEMPTS):
        try:
            with connection.transaction():
                connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
                done = connection.execute("select from ops.schema_migrations where version = %s", (version,)).fetchone()
                if done is not None:
                    return False
                # A change that waits for a long transaction makes everybody else wait behind it.
                connection.execute("select set_config('lock_timeout', %s, true)", (_LOCK_TIMEOUT,))
                migration = path.read_text("utf-8")
                connection.execute(migration)
                connection.execute(
                    "insert into ops.schema_migrations (version, name, checksum) values (%s, %s, %s)",
                    (version, path.name, _checksum(path)),
                )
                if contract := contract_of(migration):
                    # The column is younger than most migrations, but not than those that take away.
                    connection.execute(
                        "update ops.schema_migrations set contract = %s where version = %s", (contract, version)
                    )
        except psycopg.errors.LockNotAvailable:
            if attempt == _ATTEMPTS - 1:
                raise TransientError(
                    f"{path.name} waited {_ATTEMPTS} times {_LOCK_TIMEOUT} for a table that a long transaction uses; "
                    "try again when it has ended (pg_stat_activity shows it)"
                ) from None
            time.sleep(1)
        else:
            return True
    raise AssertionError("the last attempt returns or raises")


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _check_server_version(connection: psycopg.Connection[Any]) -> None:
    """Refuse a server on which a migration would fail halfway."""
    major = connection.info.server_version // 10000
    if major < LOWEST_POSTGRES:
        raise ConfigError(
            f"the server runs Postgres {major}, ams_etl needs {LOWEST_POSTGRES} or newer: upgrade the server, point "
            "AMS_ETL_DATABASE_URL at another one, or unset it to use the embedded Postgres"
        )
