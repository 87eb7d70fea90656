"""Migrations expand before they contract, so that the version before may run while they are applied."""

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ams_etl.errors import ConfigError
from ams_etl.store.migrations import contract_of, sql_folder, upgrade
from ams_etl_tests.store.expand_only import taken_away

ROOT = Path(__file__).parents[2]
MIGRATIONS = sorted(sql_folder().glob("[0-9]*.sql"))
BEFORE_THE_RULE = {"0024_comments.sql", "0055_triggers.sql", "0062_marking_and_horizons.sql"}
"""They landed before anything was released; nothing is added here. docs/upgrading.md says which of them need a stop."""


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: path.stem)
def test_a_migration_only_adds_unless_a_released_version_stopped_using_what_it_takes(path: Path) -> None:
    """`-- contract: 0.2.0` in the file names that version, which the changelog has."""
    migration = path.read_text()
    findings = taken_away(migration)
    contract = contract_of(migration)
    if path.name in BEFORE_THE_RULE:
        assert findings, f"{path.name} takes nothing away: take it out of BEFORE_THE_RULE"
        return
    if contract is None:
        assert not findings, f"{path.name}: add first, take away in a later release (sql/README.md)"
        return
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert findings, f"{path.name} takes nothing away: leave out `-- contract:`"
    assert contract in released, f"{path.name}: version {contract}, which stopped using this, is not released yet"


@pytest.mark.parametrize(
    "statement",
    [
        "alter table ops.sync_runs rename column lane to trigger;",
        "alter table ops.lane_changes rename to trigger_changes;",
        "alter index ops.a rename to b;",
        "alter table mart.contacts drop column middle_name;",
        "alter table mart.contacts add column a text not null;",
        "alter table mart.contacts add column a text, add column b numeric(10, 2) not null;",
        "alter table mart.contacts alter column a set not null;",
        "alter table mart.contacts alter a type bigint;",
        "alter table mart.contacts alter column a drop default;",
        "alter table mart.contacts add constraint contacts_a_check check (a > 0);",
        "create unique index contacts_by_a on mart.contacts (a);",
        "drop table ops.pruned_changes;",
        "drop view mart.feed_horizons;",
        "drop function ops.old(text);",
        "create table ops.a (b text); drop table ops.c;",
    ],
)
def test_what_takes_away_is_found(statement: str) -> None:
    """Also in capitals and over several lines."""
    assert taken_away(statement)
    assert taken_away(statement.upper().replace(" ", "\n"))


@pytest.mark.parametrize(
    "statement",
    [
        "create table ops.a (b text not null); create unique index a_by_b on ops.a (b); alter table ops.a alter b set not null;",
        "alter table mart.contacts add column a text not null default '';",
        "alter table mart.contacts add column a text; -- drop table mart.contacts; it says 'rename'",
        "comment on column mart.contacts.a is 'We drop table; rename to nothing.';",
        "create or replace function ops.f() returns text language sql as $$ select 'x'; drop table t; $$;",
        "alter table ops.due_work drop constraint due_work_kind_check;"
        "alter table ops.due_work add constraint due_work_kind_check check (kind in ('a', 'b'));",
        "drop trigger touch on ops.a; create trigger touch after insert on ops.a execute function f();",
        "drop index ops.a_by_b;",
        "alter table mart.contact_merges enable row level security;",
    ],
)
def test_what_only_adds_is_let_through(statement: str) -> None:
    """And text that merely speaks of it."""
    assert not taken_away(statement)


def test_a_process_starts_beside_newer_migrations_that_only_add(
    connection: psycopg.Connection[Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """`db upgrade` is refused all the same; and beside one that took away, so is everything."""
    connection.execute("delete from ops.schema_migrations")
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "0001_one.sql").write_text("select 1")
    (new / "0002_more.sql").write_text("create table ops.more (a int)")
    upgrade(connection, new)
    assert upgrade(connection, old, beside_newer=True) == []
    assert "0002_more.sql, newer than this version" in caplog.text
    with pytest.raises(ConfigError, match=r"0002_more.sql.*update ams_etl"):
        upgrade(connection, old)
    (new / "0003_less.sql").write_text("-- contract: 0.1.0 reads nothing of it\ndrop table ops.more")
    upgrade(connection, new)
    row = connection.execute("select contract from ops.schema_migrations where version = 3").fetchone()
    assert row == ("0.1.0",)
    with pytest.raises(ConfigError, match=r"0003_less.sql.*update ams_etl"):
        upgrade(connection, old, beside_newer=True)


def test_a_process_does_not_start_beside_newer_migrations_while_it_lacks_one_itself(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    """Nobody knows whether that one could still be applied."""
    connection.execute("delete from ops.schema_migrations")
    connection.execute("insert into ops.schema_migrations (version, name, checksum) values (9, '0009_new.sql', '')")
    (tmp_path / "0001_one.sql").write_text("select 1")
    with pytest.raises(ConfigError, match="update ams_etl"):
        upgrade(connection, tmp_path, beside_newer=True)
