"""A database moves to another server and back, whole or not at all."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from ams_etl.errors import ConfigError, TransientError
from ams_etl.store.database import connect, dagster_url
from ams_etl.store.maintenance.move import move
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl_tests.postgres import empty_database


@pytest.fixture
def empty(postgres_server: str) -> Iterator[str]:
    """An empty database on the embedded server."""
    with empty_database(postgres_server, "moved_here") as url:
        yield url


def fill(database: str) -> None:
    with connect(database) as connection:
        connection.execute(
            """insert into ops.user_mappings (agency, connection_type, employee_code, user_id)
            select 'acme', 'Executive', n::text, 'é''\\' || n from generate_series(1, 50) n;
            insert into mart.changes (agency, entity, entity_id, op, after)
            select 'acme', 'contact', n::text, 'insert', jsonb_build_object('name', E'tab\\tand\\nline')
            from generate_series(1, 500) n"""
        )


def test_it_moves_to_the_oldest_server_and_back(database: str, oldest_server: str, empty: str, tmp_path: Path) -> None:
    """Also to a server that lacks a setting which the newer pg_dump writes; Dagster's tables come along."""
    storage = {"postgres": {"postgres_url": dagster_url(database)}}
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides={"storage": storage}) as instance:
        instance.add_dynamic_partitions("agency", ["acme"])
    fill(database)
    there = move(database, oldest_server, tmp_path)
    assert (there["ops.user_mappings"], there["mart.changes"], there["public.dynamic_partitions"]) == (50, 500, 1)
    assert move(oldest_server, empty, tmp_path) == there
    with connect(empty) as connection:
        assert upgrade(connection, sql_folder()) == []
        # Sequences go on where they were, or the next change would take a number that was given already.
        row = connection.execute(
            "insert into mart.changes (agency, entity, entity_id, op) values ('acme', 'contact', 'x', 'insert') returning seq"
        ).fetchone()
        assert row == (501,)


def test_it_refuses_a_target_with_tables_and_a_source_in_use(database: str, empty: str, tmp_path: Path) -> None:
    """Both are named, and nothing is copied."""
    with (
        psycopg.connect(database, application_name="ams_etl inbound"),
        pytest.raises(ConfigError, match="ams_etl inbound"),
    ):
        move(database, empty, tmp_path)
    with connect(empty) as connection:
        connection.execute("create table mine (id int)")
    with pytest.raises(ConfigError, match="expected an empty database"):
        move(database, empty, tmp_path)
    with pytest.raises(ConfigError, match="in use"):
        move(database, database, tmp_path)


def test_a_target_without_the_right_is_left_as_it_was(database: str, empty: str, tmp_path: Path) -> None:
    """One transaction: no half of a database."""
    fill(database)
    with connect(empty) as connection:
        connection.execute("create role guest_of_move login password 'guest'")
        try:
            target = psycopg.conninfo.make_conninfo(empty, user="guest_of_move", password="guest")
            with pytest.raises(TransientError, match="the target is as it was") as failed:
                move(database, target, tmp_path)
            assert "guest'" not in str(failed.value)
            left = connection.execute("select count(*) from pg_namespace where nspname in ('ops', 'mart')").fetchone()
            assert left == (0,)
        finally:
            connection.execute("drop owned by guest_of_move")
            connection.execute("drop role guest_of_move")
