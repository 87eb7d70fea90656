"""Which Postgres, and how to reach it."""

import os
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from ams_etl.errors import ConfigError, TransientError


def database_url(home: Path) -> str:
    """`AMS_ETL_DATABASE_URL`, else the embedded server of this home (started if need be).

    Raises:
        ConfigError: the variable is no Postgres URL.
    """
    given = os.environ.get("AMS_ETL_DATABASE_URL")
    if not given:
        return _embedded_url(home)
    parts = urlsplit(given)
    if parts.scheme.split("+")[0] not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ConfigError("AMS_ETL_DATABASE_URL: expected postgresql://user:password@host:port/database")
    return urlunsplit(parts._replace(scheme="postgresql"))


@cache
def _embedded_url(home: Path) -> str:
    from ams_etl.store.embedded import running_server

    return running_server(home)


def dagster_url(url: str) -> str:
    """The same database for Dagster, whose storage needs psycopg 2 spelled out."""
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql+psycopg2"))


def sqlalchemy_url(url: str) -> str:
    """The same database for SQLAlchemy with psycopg 3 (Great Expectations, pandas)."""
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql+psycopg"))


def redacted(url: str) -> str:
    """The URL without its password, for people to read."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}@{parts.hostname or ''}:{parts.port or 5432}"))


def connect(url: str, *, application_name: str = "ams_etl") -> psycopg.Connection[Any]:
    """An autocommit connection; open transactions with `connection.transaction()`.

    Raises:
        ConfigError: the server refused who we are or has no such database.
        TransientError: it did not answer.
    """
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=10, application_name=application_name)
    except psycopg.OperationalError as error:
        said = str(error).lower()
        if any(word in said for word in ("authentication failed", "does not exist", "no password supplied")):
            raise ConfigError(
                f"{redacted(url)}: Postgres refused the login or has no such database; check AMS_ETL_DATABASE_URL"
            ) from None
        raise TransientError(
            f"{redacted(url)}: Postgres does not answer; is it running, and is AMS_ETL_DATABASE_URL right?"
        ) from None
