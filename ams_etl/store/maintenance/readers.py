"""Roles that may only read the mart: all of it, or one agency's rows."""

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from ams_etl.errors import ConfigError

READER = "ams_etl_reader"
"""The role of `ams-etl db url --read-only`."""


def grant_reader(connection: psycopg.Connection[Any], role: str, agency: str | None) -> None:
    """Let an existing role read the mart: every agency, or only this one beside those it was given before.

    It may also keep its cursors in the change feed, and nothing else.

    Raises:
        ConfigError: there is no such role, or it bypasses row-level security, so that no limit would hold.
    """
    found = connection.execute("select rolsuper, rolbypassrls from pg_roles where rolname = %s", (role,)).fetchone()
    if found is None:
        raise ConfigError(f"Postgres has no role {role!r}; create it first: create role {role} login password '…'")
    if agency is not None and any(found):
        raise ConfigError(f"role {role!r} is a superuser or bypasses row-level security: it would see every agency")
    name = sql.Identifier(role)
    with connection.transaction():
        for statement in (
            "grant usage on schema mart to {}",
            "grant select on all tables in schema mart to {}",
            "grant execute on all functions in schema mart to {}",
            "alter default privileges in schema mart grant select on tables to {}",
            "grant usage on schema ops to {}",
            "grant select, insert, update on ops.feed_consumers to {}",
            "grant execute on function ops.readable_agencies to {}",
        ):
            connection.execute(sql.SQL(statement).format(name))
        if agency is None:
            connection.execute("delete from ops.readers where role_name = %s", (role,))
        else:
            connection.execute(
                "insert into ops.readers (agency, role_name) values (%s, %s) on conflict do nothing", (agency, role)
            )


def read_only_url(url: str, connection: psycopg.Connection[Any], home: Path) -> str:
    """Return the URL of a role that may only read the mart, which is created when it is missing.

    Args:
        url: the URL in use, whose host and database it has.
        connection: to that database.
        home: where its password is kept, in a file that only its owner can read.

    Raises:
        ConfigError: the role cannot be created with the rights of the URL in use, or its password is not known here.
    """
    kept = home / "reader.password"
    exists = connection.execute("select from pg_roles where rolname = %s", (READER,)).fetchone() is not None
    if exists and not kept.exists():
        raise ConfigError(
            f"the role {READER} exists, and its password is not in {kept}; drop the role, or write its password there"
        )
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(24))
    password = kept.read_text().strip()
    if not exists:
        try:
            connection.execute(
                sql.SQL("create role {} login password {} connection limit 20").format(
                    sql.Identifier(READER), sql.Literal(password)
                )
            )
        except psycopg.errors.InsufficientPrivilege:
            raise ConfigError(
                f"this login may not create roles; have an administrator create {READER} with the password in {kept}, and "
                f"run this again"
            ) from None
    grant_reader(connection, READER, None)
    connection.execute(sql.SQL("alter role {} set default_transaction_read_only = on").format(sql.Identifier(READER)))
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{READER}:{quote(password, safe='')}@{address}"))
