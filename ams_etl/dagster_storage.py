"""Dagster's own tables in the Postgres that `AMS_ETL_DAGSTER_URL` names, as dagster.yaml asks for."""

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
from dagster import DagsterInvariantViolationError
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import (
    create_pg_engine,
    get_token_provider_from_config,
    pg_url_from_config,
    set_pg_statement_timeout,
)
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

VARIABLE = "AMS_ETL_DAGSTER_URL"
_NAME = "dagster tables "
MOST_CONNECTIONS = 10
"""Of one process. The daemon, which has most threads, was seen to use six."""


class MissingAddress(DagsterInvariantViolationError, click.ClickException):
    """The address of Dagster's tables is not known; Dagster's commands print it as one sentence, without a stack trace."""

    def __init__(self) -> None:
        click.ClickException.__init__(
            self,
            f"{VARIABLE} is not set, so Dagster cannot find the Postgres of its runs. In this shell, run first: "
            'eval "$(.venv/bin/ams-etl env)"   (or eval "$(ams-etl env)" where ams_etl is installed)',
        )


class PostgresStorage(DagsterPostgresStorage):
    """Dagster's storage in Postgres, with one connection that is kept, and an error that says what to do without an address.

    Dagster's own class connects again for everything that it reads and writes, about 730 times in a sync, which cost more time
    than the sync itself. Here runs, events and schedules share a pool: one connection stays open in a process, and threads that
    ask at the same time open more for as long as they need them, up to MOST_CONNECTIONS in all; further ones wait.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._token_provider = named.get("token_provider")
        self._share(pooled_engine(self.postgres_url, self._token_provider))
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            # The web server would give each of the three a pool of its own, of 21 connections.
            vars(storage)["optimize_for_webserver"] = self._optimize_for_webserver

    def _share(self, engine: Engine) -> None:
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = engine  # noqa: SLF001 - Dagster has no setting for it

    def _optimize_for_webserver(self, statement_timeout: int, pool_recycle: int, **_: Any) -> None:
        """Bound how long a statement and a connection last, as the web server asks of each storage; once for all of them."""
        before = self._run_storage._engine  # noqa: SLF001 - as in `_share`
        engine = pooled_engine(self.postgres_url, self._token_provider, pool_recycle=pool_recycle)
        event.listen(engine, "connect", lambda opened, _: set_pg_statement_timeout(opened, statement_timeout))
        self._share(engine)
        before.dispose()  # else its connection would stay open beside the new pool's

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "PostgresStorage":
        """Return the storage that dagster.yaml describes."""
        return cls(
            postgres_url=_named(pg_url_from_config(config_value)),
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            inst_data=inst_data,
            token_provider=get_token_provider_from_config(config_value),
        )

    @classmethod
    def config_type(cls) -> Any:
        """Return the configuration of Dagster's own class.

        Raises:
            MissingAddress: the variable is not set; Dagster's own error names it and nothing else.
        """
        if not os.environ.get(VARIABLE):
            raise MissingAddress
        return super().config_type()


def _named(url: str) -> str:
    """Return an address whose connections say what they are for: Dagster opens some before it has our engine."""
    if "application_name=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}application_name={quote(_NAME + _program())}"


def _program() -> str:
    """Return the name of this process's program for pg_stat_activity: `dagster-daemon`, `ams-etl`, `dagster`."""
    path = Path(sys.argv[0] if sys.argv else "")
    return path.parent.name if path.name == "__main__.py" else path.name or "python"


def pooled_engine(url: str, token_provider: Any = None, **more: Any) -> Engine:
    """Return an engine that keeps one connection open, looks whether it still lives, and leaves a parent's alone after a fork."""
    engine = create_pg_engine(
        url, token_provider, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=MOST_CONNECTIONS - 1, pool_timeout=60,
        pool_pre_ping=True, connect_args={"application_name": f"{_NAME}{_program()}"}, **more,
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def _remember(_: Any, record: Any) -> None:
        record.info["process"] = os.getpid()

    @event.listens_for(engine, "checkout")
    def _is_ours(_: Any, record: Any, proxy: Any) -> None:
        if record.info["process"] != os.getpid():
            record.dbapi_connection = proxy.dbapi_connection = None
            raise DisconnectionError("the connection belongs to the parent process")

    return engine
