"""Copy the whole database into another, empty one, by Postgres' own pg_dump."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from ams_etl.errors import ConfigError, TransientError
from ams_etl.store.agency_db import scalar
from ams_etl.store.database import connect, redacted
from ams_etl.store.maintenance.postgres_programs import dumped, load, pg_dump_for

_TABLES = """select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema' order by 1, 2"""


def move(source: str, target: str, home: Path) -> Mapping[str, int]:
    """Copy everything, Dagster's tables included, in one transaction of the target, and compare the rows of each table.

    Args:
        source: the database in use; it is only read.
        target: an empty database.
        home: where the embedded server's programs are found.

    Returns:
        Table -> rows.

    Raises:
        ConfigError: source and target are one, the target is not empty, or somebody is connected to the source.
        TransientError: a program failed; the target is as it was.
    """
    with connect(source) as old, connect(target) as new:
        _check(old, new, target)
        program = pg_dump_for(old, home)
        with dumped(program, "--no-owner", "--no-privileges", database=source) as dump:
            load(dump, target)
        before, after = _rows(old), _rows(new)
    different = sorted(table for table in before.keys() | after.keys() if before.get(table) != after.get(table))
    if different:
        raise TransientError(
            f"{', '.join(different[:5])}: other rows than in the source; drop the target and try again"
        )
    return after


def _check(old: psycopg.Connection[Any], new: psycopg.Connection[Any], target: str) -> None:
    # Every session of a server shows up here, so this one does for the other, too, if both are one database.
    others = old.execute(
        """select coalesce(nullif(application_name, ''), 'unknown') from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"""
    ).fetchall()
    if others:
        names = ", ".join(sorted({name for (name,) in others}))
        raise ConfigError(
            f"the database is in use by {names}: stop it first, and move to another database than this one"
        )
    if new.execute(_TABLES).fetchone() is not None:
        raise ConfigError(f"{redacted(target)}: expected an empty database; create a new one")


def _rows(connection: psycopg.Connection[Any]) -> dict[str, int]:
    counts = {}
    for schema, table in connection.execute(_TABLES).fetchall():
        name = sql.Identifier(schema, table)
        counts[f"{schema}.{table}"] = int(scalar(connection, sql.SQL("select count(*) from {}").format(name)))
    return counts
