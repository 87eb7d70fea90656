"""The lowest Postgres that the documentation promises: all migrations and a merge on Debian's own server."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ams_etl.errors import ConfigError
from ams_etl.store.database import connect
from ams_etl.store.merge import RawTable, Record, merge_records
from ams_etl.store.migrations import LOWEST_POSTGRES, sql_folder, upgrade

ROOT = Path(__file__).parents[2]


def test_migrations_and_a_merge_work_on_the_oldest_server(oldest_server: str) -> None:
    """The embedded server is newer, so nothing else would notice syntax that 15 lacks."""
    with connect(oldest_server) as connection:
        applied = upgrade(connection, sql_folder())
        assert applied == sorted(path.name for path in sql_folder().glob("[0-9]*.sql"))
        assert upgrade(connection, sql_folder()) == []
        table, seen_at = RawTable("raw_ams360", "policies"), datetime(2026, 1, 1, tzinfo=UTC)
        with connection.transaction():
            counts = merge_records(
                connection, table, "acme", [Record("1", "A", {"PolicyNumber": "é"})], seen_at=seen_at
            )
        assert counts.inserted == 1
        with connection.transaction():
            counts = merge_records(connection, table, "acme", [], seen_at=seen_at, complete_for="agency")
        assert counts.deleted == 1
        # What 14 lacks: two facts that differ in nothing but nulls are one.
        fact = """insert into mart.key_facts (agency, contact_id, kind, label, is_continuous)
            values ('acme', '00000000-0000-0000-0000-000000000000', 'renewal', 'Auto', true)"""
        connection.execute(fact)
        with pytest.raises(psycopg.errors.UniqueViolation, match="key_facts_unique"):
            connection.execute(fact)


def test_an_older_server_is_refused_before_anything_is_created(
    postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence with what to do."""
    with connect(postgres_server) as connection:
        monkeypatch.setattr(psycopg.ConnectionInfo, "server_version", property(lambda _: 140018))
        with pytest.raises(ConfigError, match=r"runs Postgres 14, ams_etl needs 15 or newer: upgrade the server"):
            upgrade(connection, sql_folder())
        assert connection.execute("select to_regnamespace('ops')").fetchone() == (None,)


def test_any_newer_server_is_taken(connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """15.0 is the first."""
    monkeypatch.setattr(psycopg.ConnectionInfo, "server_version", property(lambda _: 150000))
    assert upgrade(connection, sql_folder()) == []


def test_the_documentation_states_the_lowest_version() -> None:
    """Both pages that say what is needed."""
    for page in ("README.md", "docs/data_model.md"):
        text = " ".join((ROOT / page).read_text().split())
        assert re.search(rf"Postgres {LOWEST_POSTGRES} or newer", text), page
