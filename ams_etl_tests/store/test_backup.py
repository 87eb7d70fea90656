"""A dump and its restoring; what is lost without one, which is nothing but decisions; and that the page knows every table."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ams_etl.errors import ConfigError, TransientError
from ams_etl.store.database import connect
from ams_etl.store.maintenance.backup import DECISIONS, dump, restore
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.end_to_end.published_rows import count, published
from ams_etl_tests.postgres import empty_database
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox

PAGE = Path(__file__).parents[2] / "docs" / "upgrading.md"
RAW = (
    """select string_agg(format('%I.%I', schemaname, tablename), ', ') from pg_tables where schemaname like 'raw\\_%'"""
)


@pytest.fixture
def empty(postgres_server: str) -> Iterator[str]:
    """An empty database."""
    with empty_database(postgres_server, "restored_here") as url:
        yield url


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(size=40) as running:
        yield running


@pytest.fixture(autouse=True)
def forget_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMS_ETL_FORGET_KEY", "f" * 64)


def decide(line: CommandLine, connection: psycopg.Connection[Any]) -> None:
    """One decision of each kind that shows in the mart, then a publish."""
    (first, second, third, fourth) = [
        str(contact)
        for (contact,) in connection.execute(
            "select contact_id from mart.contacts where email is not null order by 1 limit 4"
        ).fetchall()
    ]
    connection.execute(
        """insert into ops.user_mappings (agency, connection_type, employee_code, user_id)
        select distinct agency, connection_type, employee_code, 'user of ' || employee_code from mart.connections"""
    )
    connection.execute(
        """insert into ops.name_overrides (agency, contact_id, first_name, last_name, set_by)
        select agency, contact_id, 'Renamed', 'Person', 'ann' from mart.contacts where contact_id = %s""",
        (first,),
    )
    connection.execute(
        "insert into ops.suppressions (agency, contact_id, set_by) values ('demo', %s, 'ann')", (second,)
    )
    connection.execute(
        """insert into ops.consents (agency, channel, address, source, answer, at)
        select 'demo', 'email', email, 'platform', 'no', now() from mart.contacts where contact_id = %s""",
        (third,),
    )
    line.run("forget", "demo", fourth, "--apply")
    line.run("sync", "demo")


def decided(connection: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    """The mart, and whether each contact may be written to."""
    return {
        **published(connection),
        "may send": connection.execute(
            "select contact_id, mart.may_send(contact_id, 'email') from mart.contacts order by 1"
        ).fetchall(),
    }


def test_a_dump_is_loaded_into_an_empty_database_and_into_no_other(
    database: str, empty: str, oldest_server: str, tmp_path: Path
) -> None:
    """Of the newest server and the oldest; the file is its owner's alone."""
    file = tmp_path / "whole.dump"
    with connect(database) as connection:
        connection.execute(
            "insert into ops.user_mappings (agency, connection_type, employee_code, user_id) values ('a', 'Executive', 'é\t1', 'u')"
        )
    assert dump(database, file, tmp_path) == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for target in (empty, oldest_server):
        restore(target, file, tmp_path)
        with connect(target) as connection:
            assert upgrade(connection, sql_folder()) == []
            assert connection.execute("select employee_code from ops.user_mappings").fetchall() == [("é\t1",)]
        with pytest.raises(ConfigError, match="expected an empty database"):
            restore(target, file, tmp_path)
    with pytest.raises(ConfigError, match="exists already"):
        dump(database, file, tmp_path)


def test_what_is_no_dump_changes_nothing(database: str, tmp_path: Path) -> None:
    """One sentence, and no half."""
    with pytest.raises(ConfigError, match="no such file"):
        restore(database, tmp_path / "nothing", tmp_path)
    (tmp_path / "text").write_text("create table ops.mine (a int);")
    with pytest.raises(TransientError, match="the dump cannot be read, and the target is as it was"):
        restore(database, tmp_path / "text", tmp_path)
    with connect(database) as connection:
        assert connection.execute("select to_regclass('ops.mine')").fetchone() == (None,)


def test_without_raw_a_sync_brings_everything_back(database: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """And without stage and mart as well: decisions are all that cannot be read again."""
    line = command_line(tmp_path, database, sandbox)
    line.run("sync", "demo")
    with connect(database) as connection:
        decide(line, connection)
        before = decided(connection)
        raw = connection.execute(RAW).fetchone()
        assert raw is not None
        connection.execute(f"truncate {raw[0]}")
        line.run("sync", "demo", "--fresh")
        assert decided(connection) == before
        everything = connection.execute(
            "select string_agg(format('%I.%I', schemaname, tablename), ', ') from pg_tables "
            "where schemaname like 'raw\\_%' or schemaname in ('stage', 'mart')"
        ).fetchone()
        assert everything is not None
        connection.execute(f"truncate {everything[0]} cascade")
        line.run("sync", "demo", "--fresh")
        assert decided(connection) == before


def test_decisions_alone_and_a_sync_make_the_same_mart_in_a_new_database(
    database: str, empty: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Names, owners, suppressions, refusals, and people who were forgotten stay so."""
    line = command_line(tmp_path / "old", database, sandbox)
    line.run("sync", "demo")
    with connect(database) as connection:
        decide(line, connection)
        before = decided(connection)
    file = tmp_path / "decisions.dump"
    dump(database, file, tmp_path, decisions=True)
    new = command_line(tmp_path / "new", empty, sandbox)
    new.run("db", "upgrade")
    new.run("db", "restore", str(file))
    new.run("sync", "demo")
    with connect(empty) as connection:
        assert count(connection, "select count(*) from ops.forgotten") > 0
        assert decided(connection) == before


def test_the_page_says_of_every_table_what_losing_it_means(connection: psycopg.Connection[Any]) -> None:
    """A new table of `ops` is either a decision, which the dump takes, or named as what can be lost."""
    section = PAGE.read_text().split("\n## Backup and restore\n")[1].split("\n## ")[0]
    named = set(re.findall(r"`ops\.(\w+)`", section))
    tables = {
        name
        for (name,) in connection.execute("select relname from pg_class where relnamespace = 'ops'::regnamespace and relkind = 'r'")
    }  # fmt: skip
    assert tables - named == set()
    assert named - tables == set()
    (row,) = [line for line in section.splitlines() if "**decisions of people**" in line]
    assert {f"ops.{name}" for name in re.findall(r"`ops\.(\w+)`", row)} == set(DECISIONS)
