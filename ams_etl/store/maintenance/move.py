"""Copy the whole database into another, empty one, by Postgres' own pg_dump and psql."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ams_etl.errors import ConfigError, TransientError
from ams_etl.store.agency_db import scalar
from ams_etl.store.database import connect, redacted
from ams_etl.store.embedded import client_programs

_NEWER_SETTING = re.compile(rb"^SET transaction_timeout = 0;\n$")
"""pg_dump 17 and newer write it, and servers before 17 do not know it."""
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
        programs = _programs(home, old.info.server_version // 10000)
        _copy(programs, source, target)
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


def _programs(home: Path, server: int) -> Path:
    """Return the folder of a pg_dump that is as new as the server: the machine's own, else the embedded server's."""
    found = shutil.which("pg_dump")
    if found and shutil.which("psql"):
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        version = re.search(r"\) (\d+)", said)
        if version and int(version[1]) >= server:
            return Path(found).parent
    return client_programs(home)


def _copy(programs: Path, source: str, target: str) -> None:
    dump = subprocess.Popen(
        [programs / "pg_dump", "--no-owner", "--no-privileges", "-d", _without_password(source)],
        env=_environment(source), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    load = subprocess.Popen(
        [programs / "psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-d", _without_password(target)],
        env=_environment(target), stdin=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    if dump.stdout is None or load.stdin is None:
        raise AssertionError("both are pipes")
    try:
        for line in dump.stdout:
            load.stdin.write(b"\n" if _NEWER_SETTING.match(line) else line)
    except BrokenPipeError:
        dump.kill()
    _, said_by_load = load.communicate()
    _, said_by_dump = dump.communicate()
    for program, code, said in (("psql", load.returncode, said_by_load), ("pg_dump", dump.returncode, said_by_dump)):
        if code:
            # The lines after the first may quote rows.
            first = next(iter(said.decode("utf-8", "replace").strip().splitlines()), f"code {code}")
            raise TransientError(f"{program} failed, and the target is as it was: {first[:300]}")


def _without_password(url: str) -> str:
    """Return the address as others may see it in a list of processes."""
    given = {name: value for name, value in conninfo_to_dict(url).items() if name != "password"}
    return make_conninfo(**{name: str(value) for name, value in given.items()})


def _environment(url: str) -> dict[str, str]:
    password = conninfo_to_dict(url).get("password")
    return {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}


def _rows(connection: psycopg.Connection[Any]) -> dict[str, int]:
    counts = {}
    for schema, table in connection.execute(_TABLES).fetchall():
        name = sql.Identifier(schema, table)
        counts[f"{schema}.{table}"] = int(scalar(connection, sql.SQL("select count(*) from {}").format(name)))
    return counts
