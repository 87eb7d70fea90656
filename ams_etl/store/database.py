"""Which Postgres, how to reach it, and its clock."""

import os
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import scalar_row
from psycopg.types.json import set_json_loads

from ams_etl.errors import ConfigError, TransientError
from ams_etl.scrubbing import remember_secret
from ams_etl.settings.embedded_postgres import embedded_postgres_allowed
from ams_etl.settings.environment_file import load_environment_file
from ams_etl.settings.places import agencies_path
from ams_etl.store.content import parse_json

_EXPECTED = (
    "AMS_ETL_DATABASE_URL: expected postgresql://user:password@host:port/database, or "
    "postgresql:///database?host=/run/postgresql for a socket; write @ : / ? # % inside user and password as "
    "%40 %3A %2F %3F %23 %25"
)


def database_url(home: Path, *, create: bool = False) -> str:
    """Return `AMS_ETL_DATABASE_URL`, else the URL of the embedded server of this home, started if need be.

    Args:
        home: where the embedded server's files are.
        create: create that server where this home has none. Only for commands that a person types: everything else would
            go on with an empty database where somebody forgot to say which one to use.

    Raises:
        ConfigError: the variable is no Postgres URL (the message shows nothing of it), or is not set where nothing
            embedded may be used.
    """
    given = _given_url()
    if given is not None:
        return given
    _demand_that_embedded_is_allowed()
    url = _urls.get(home)
    if url is None:
        url = _urls[home] = _running_server(home, create=create)
    return url


def why_this_database(home: Path) -> str:
    """Say for people which database `database_url` takes, and why."""
    if _given_url() is not None:
        return "AMS_ETL_DATABASE_URL is set"
    return f"the embedded one of {home}, since AMS_ETL_DATABASE_URL is not set"


def _given_url() -> str | None:
    load_environment_file()
    given = os.environ.get("AMS_ETL_DATABASE_URL")
    return checked_url(given) if given else None


def _demand_that_embedded_is_allowed() -> None:
    if not embedded_postgres_allowed():
        raise ConfigError(
            f"{agencies_path()}: embedded_postgres is false, so set AMS_ETL_DATABASE_URL to the Postgres that holds the data"
        )


_urls: dict[Path, str] = {}
"""Of the embedded servers that this process has found running."""


def _running_server(home: Path, *, create: bool) -> str:
    from ams_etl.store.embedded import running_server

    return running_server(home, create=create)


def checked_url(given: str) -> str:
    """Return the URL with the scheme that libpq and SQLAlchemy both read, and remember its password as a secret.

    Raises:
        ConfigError: it is no URL of a Postgres database. A character of the password that is not percent-encoded moves
            the rest of it into the host or the path, where every message would show it: so that is refused as well.
    """
    try:
        url, read = _parsed(given)
    except (ValueError, psycopg.Error):
        raise ConfigError(_EXPECTED) from None
    if read.get("password"):
        remember_secret(str(read["password"]))
    return url


def _parsed(given: str) -> tuple[str, dict[str, Any]]:
    parts = urlsplit(given)
    url = urlunsplit(parts._replace(scheme="postgresql"))
    if not parts.netloc:
        # urlunsplit drops the two slashes of an empty host, which libpq needs.
        url = "postgresql://" + url.removeprefix("postgresql:").removeprefix("//")
    read = conninfo_to_dict(url)
    host = str(read.get("host") or "")
    readable = (
        parts.scheme.split("+")[0] in {"postgres", "postgresql"}
        and bool(read.get("dbname"))
        and parts.netloc.count("@") <= 1
        and not any("@" in part for part in (parts.path, parts.query))
        and "#" not in given
        and all(port.isdecimal() for port in str(read.get("port") or "").split(",") if port)
        and (host.startswith("/") or not set(host) & set("/@%?#"))
    )
    if not readable:
        raise ValueError
    return url, dict(read)


def locator(home: Path) -> Callable[[], str]:
    """Return a function that finds the database: the environment's, or the embedded one, started again where it has died."""

    def locate() -> str:
        given = _given_url()
        if given is not None:
            return given
        _demand_that_embedded_is_allowed()
        return _running_server(home, create=False)

    return locate


def dagster_url(url: str) -> str:
    """The same database for Dagster, whose storage needs psycopg 2 spelled out."""
    return _with_driver(url, "psycopg2")


def sqlalchemy_url(url: str) -> str:
    """The same database for SQLAlchemy with psycopg 3 (Great Expectations, pandas), whose connections say so."""
    named = "" if "application_name=" in url else f"{'&' if '?' in url else '?'}application_name=ams_etl%20sqlalchemy"
    return _with_driver(f"{url}{named}", "psycopg")


def _with_driver(url: str, driver: str) -> str:
    return f"postgresql+{driver}:{url.removeprefix('postgresql:')}"


def redacted(url: str) -> str:
    """Return the database as `user@host:port/database` for people to read: no password, whatever the URL's form."""
    try:
        read = conninfo_to_dict(url)
    except psycopg.Error:
        return "the database"
    user = f"{read['user']}@" if read.get("user") else ""
    return f"{user}{read.get('host') or 'localhost'}:{read.get('port') or 5432}/{read.get('dbname') or ''}"


def connect(url: str, *, application_name: str = "ams_etl") -> psycopg.Connection[Any]:
    """Open an autocommit connection; open transactions with `connection.transaction()`.

    It prepares no statements: they belong to a session, and pgbouncer changes the session between transactions.

    Raises:
        ConfigError: the server refused who we are, has no such database, or its certificate cannot be checked.
        TransientError: it did not answer.
    """
    try:
        connection = psycopg.connect(
            url, autocommit=True, connect_timeout=10, application_name=application_name, prepare_threshold=None
        )
    except psycopg.ProgrammingError:
        raise ConfigError(_EXPECTED) from None
    except psycopg.OperationalError as error:
        raise _understood(url, str(error).lower()) from None
    set_json_loads(parse_json, connection)
    return connection


def _understood(url: str, said: str) -> ConfigError | TransientError:
    """Say what to do next about a connection that libpq refused; its own text may hold more than people should see."""
    where = redacted(url)
    if re.search(r"invalid \w+ value", said):
        return ConfigError(_EXPECTED)
    if "certificate" in said or "ssl" in said.replace("sslmode", ""):
        return ConfigError(
            f"{where}: the TLS connection that `sslmode` asks for cannot be made; set sslrootcert to the file of the "
            "authority that signed the server's certificate (or sslrootcert=system), or choose another sslmode"
        )
    if any(word in said for word in ("authentication failed", "does not exist", "no password supplied", "pg_hba.conf")):
        return ConfigError(f"{where}: Postgres refused the login or has no such database; check AMS_ETL_DATABASE_URL")
    return TransientError(f"{where}: Postgres does not answer; is it running, and is AMS_ETL_DATABASE_URL right?")


class ServerClock:
    """Tell the time by Postgres's clock, asked once: every process of an agency orders its readings by the same clock.

    Args:
        connection: asked once.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        with connection.cursor(row_factory=scalar_row) as cursor:
            asked: Any = cursor.execute("select clock_timestamp()").fetchone()
        self._asked: datetime = asked
        self._at = time.monotonic()

    def now(self) -> datetime:
        """The server's time now."""
        return self._asked + timedelta(seconds=time.monotonic() - self._at)
