"""Postgres' own pg_dump and pg_restore, as new as they must be, and loading what they write.

The embedded server's programs know no TLS. So what is loaded goes through our own connection instead of psql, and reading from a
server that asks for TLS needs this machine's pg_dump.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ams_etl.errors import ConfigError, TransientError
from ams_etl.store.database import connect
from ams_etl.store.embedded import client_programs

_NOT_SQL = re.compile(rb"^(SET transaction_timeout = 0;|\\(un)?restrict .*)\n$")
"""A setting that pg_dump 17 and newer write, and servers before 17 do not know; and commands to psql."""
_COPY = re.compile(rb"^COPY .* FROM stdin;\n$")
_END_OF_COPY = b"\\.\n"
_CHUNK = 1 << 16


def pg_dump_for(connection: psycopg.Connection[Any], home: Path) -> Path:
    """Return a pg_dump that is as new as the server: this machine's, else the embedded server's.

    Raises:
        ConfigError: neither exists for this platform, or the server asks for TLS and only the embedded one would do.
    """
    server = connection.info.server_version // 10000
    own = _own("pg_dump")
    if own is not None and _version(own) >= server:
        return own
    if connection.pgconn.ssl_in_use:
        raise ConfigError(
            f"the server runs Postgres {server} and asks for TLS: install its client programs, version {server} or newer "
            "(apt-get install postgresql-client), so that pg_dump is in the PATH"
        )
    return client_programs(home) / "pg_dump"


def newest_pg_restore(home: Path) -> Path:
    """Return the newest pg_restore there is, which reads the dumps of all older ones."""
    embedded, own = client_programs(home) / "pg_restore", _own("pg_restore")
    return own if own is not None and _version(own) > _version(embedded) else embedded


@contextmanager
def dumped(program: Path, *arguments: str, database: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run pg_dump on a database, for a block that reads what it writes; the password is not among its arguments."""
    command = [str(program), *arguments, "-d", _without_password(database)]
    with subprocess.Popen(
        command, env=_environment(database), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        yield running


@contextmanager
def restored(program: Path, file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Turn a dump in Postgres' custom format into SQL, for a block that reads it."""
    command = [str(program), "--no-owner", "--no-privileges", "-f", "-", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        yield running


def contents(program: Path, file: Path) -> str:
    """Return pg_restore's list of what a dump holds, a line each; empty where it is no dump."""
    return subprocess.run([str(program), "--list", str(file)], capture_output=True, text=True, check=False).stdout


def load(source: subprocess.Popen[bytes], target: str) -> None:
    """Execute the SQL that pg_dump or pg_restore writes, in one transaction of the target.

    Raises:
        TransientError: the program or a statement failed; the target is as it was.
    """
    try:
        with connect(target, application_name="ams_etl load") as connection, connection.transaction():
            _execute(source, connection)
            _, said = source.communicate()
            if source.returncode:
                raise TransientError(
                    f"the dump cannot be read, and the target is as it was: {first_line(said, source.returncode)}"
                )
    except psycopg.Error as error:
        # The detail may quote a row.
        reason = error.diag.message_primary or type(error).__name__
        raise TransientError(f"loading failed, and the target is as it was: {reason}") from None
    finally:
        source.kill()


def _execute(source: subprocess.Popen[bytes], connection: psycopg.Connection[Any]) -> None:
    """Execute statements as they come, and feed each COPY the lines that follow it."""
    if source.stdout is None:
        raise AssertionError("it is a pipe")
    statements: list[bytes] = []

    def flush() -> None:
        if any(not line.startswith(b"--") and line.strip() for line in statements):
            connection.execute(b"".join(statements))
        statements.clear()

    for line in source.stdout:
        if _COPY.match(line):
            flush()
            with connection.cursor() as cursor, cursor.copy(line) as copy:
                rows: list[bytes] = []
                size = 0
                for row in source.stdout:
                    if row == _END_OF_COPY:
                        break
                    rows.append(row)
                    size += len(row)
                    if size > _CHUNK:
                        copy.write(b"".join(rows))
                        rows, size = [], 0
                copy.write(b"".join(rows))
        elif not _NOT_SQL.match(line):
            statements.append(line)
    flush()


def first_line(said: bytes, code: int) -> str:
    """Return the first line of what a program said; the lines after it may quote rows."""
    return next(iter(said.decode("utf-8", "replace").strip().splitlines()), f"code {code}")[:300]


def _own(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


def _version(program: Path) -> int:
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"\) (\d+)", said)
    return int(version[1]) if version else 0


def _without_password(url: str) -> str:
    """Return the address as others may see it in a list of processes."""
    given = {name: value for name, value in conninfo_to_dict(url).items() if name != "password"}
    return make_conninfo(**{name: str(value) for name, value in given.items()})


def _environment(url: str) -> dict[str, str]:
    password = conninfo_to_dict(url).get("password")
    return {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
