"""Apply `sql/NNNN_name.sql` in order, once each.

A runner of our own rather than Alembic or yoyo: the schema is plain SQL for people who query it, there is nothing
to generate and nothing to downgrade, and what such a tool must promise fits on one page: an advisory lock, one
transaction a file, a checksum that notices an edited file.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

import psycopg

from ams_etl.errors import ConfigError
from ams_etl.settings.shipped import shipped

LOWEST_POSTGRES = 15
"""`unique nulls not distinct` (`mart.key_facts`) came with it."""
_LOCK = 0x616D7365746C  # "amsetl"
_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")


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


def upgrade(connection: psycopg.Connection[Any], folder: Path) -> list[str]:
    """Apply what is missing.

    Args:
        connection: autocommit.
        folder: the numbered files.

    Returns:
        The names of the files applied now.

    Raises:
        ConfigError: the server is too old, an applied file was edited, or the database is newer than this folder.
    """
    _check_server_version(connection)
    files = _numbered(folder)
    connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
    try:
        connection.execute(
            """create schema if not exists ops;
            create table if not exists ops.schema_migrations (version integer primary key, name text not null,
                checksum text not null, applied_at timestamptz not null default now())"""
        )
        known = {
            version: (name, checksum)
            for version, name, checksum in connection.execute(
                "select version, name, checksum from ops.schema_migrations"
            )
        }
        newer = sorted(set(known) - set(files))
        if newer:
            raise ConfigError(
                f"the database has migration {known[newer[-1]][0]}, which this version of ams_etl does not know: "
                "update ams_etl"
            )
        applied = []
        for version, path in files.items():
            text = path.read_text("utf-8")
            checksum = hashlib.sha256(text.encode()).hexdigest()
            if version in known:
                if known[version][1] != checksum:
                    raise ConfigError(
                        f"{path.name} was edited after it was applied: restore it and put the change in a new file"
                    )
                continue
            with connection.transaction():
                connection.execute(text)
                connection.execute(
                    "insert into ops.schema_migrations (version, name, checksum) values (%s, %s, %s)",
                    (version, path.name, checksum),
                )
            applied.append(path.name)
        return applied
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(%s)", (_LOCK,))


def _check_server_version(connection: psycopg.Connection[Any]) -> None:
    """Refuse a server on which a migration would fail halfway."""
    major = connection.info.server_version // 10000
    if major < LOWEST_POSTGRES:
        raise ConfigError(
            f"the server runs Postgres {major}, ams_etl needs {LOWEST_POSTGRES} or newer: upgrade the server, point "
            "AMS_ETL_DATABASE_URL at another one, or unset it to use the embedded Postgres"
        )
