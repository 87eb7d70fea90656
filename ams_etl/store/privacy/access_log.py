"""The access log: count who read personal data through the page, commands, exports, frames and the feed; nothing of what."""

import getpass
import os
from typing import Any, Literal

import psycopg

Way = Literal["page", "export", "command", "frames", "feed"]


def count_access(
    connection: psycopg.Connection[Any], agency: str, person: str, way: Way, what: str, records: int
) -> None:
    """Count one reading of personal data, before it is shown: what cannot be counted is not shown.

    A connection that reads only by default (`ams-etl db url --read-only`) may still count. A standby of Postgres cannot be
    written to, so what is read there is not counted.

    Args:
        connection: autocommit, outside a transaction.
        agency: the agency id.
        person: who reads.
        way: through what.
        what: the screen, command or table; never whose record.
        records: how many rows are shown.
    """
    if connection.execute("select pg_is_in_recovery()").fetchone() == (True,):
        return
    with connection.transaction():
        connection.execute("set transaction read write")
        connection.execute("select ops.count_access(%s, %s, %s, %s, %s)", (agency, person, way, what, records))


def os_user() -> str:
    """Return who runs this process: the operating system's user, behind sudo the one who called it."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def count_command(connection: psycopg.Connection[Any], agency: str, command: str, records: int) -> None:
    """Count what a command of ours is about to print: `count_access` for whoever runs it."""
    count_access(connection, agency, os_user(), "command", command, records)
