"""sql/ is applied once, in order, and an edited file is noticed."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from ams_etl.errors import ConfigError
from ams_etl.store.migrations import upgrade


def test_files_are_applied_once_and_a_failing_one_leaves_nothing(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    """A migration is all or nothing, and the next run goes on with it."""
    connection.execute("delete from ops.schema_migrations")
    (tmp_path / "0001_one.sql").write_text("create table mine (a int)")
    (tmp_path / "0002_two.sql").write_text("create table yours (a int); select 1/0")
    with pytest.raises(psycopg.errors.DivisionByZero):
        upgrade(connection, tmp_path)
    assert connection.execute("select to_regclass('yours')").fetchone() == (None,)
    (tmp_path / "0002_two.sql").write_text("create table yours (a int)")
    assert upgrade(connection, tmp_path) == ["0002_two.sql"]
    assert upgrade(connection, tmp_path) == []


def test_an_edited_file_and_a_newer_database_stop_with_what_to_do(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    """Neither is repaired behind anybody's back."""
    connection.execute("delete from ops.schema_migrations")
    (tmp_path / "0001_one.sql").write_text("select 1")
    upgrade(connection, tmp_path)
    (tmp_path / "0001_one.sql").write_text("select 2")
    with pytest.raises(ConfigError, match=r"0001_one.sql was edited after it was applied"):
        upgrade(connection, tmp_path)
    (tmp_path / "0001_one.sql").unlink()
    with pytest.raises(ConfigError, match="update ams_etl"):
        upgrade(connection, tmp_path)
