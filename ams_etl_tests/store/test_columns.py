"""The catalog's columns are the database's."""

from typing import Any

import psycopg

from ams_etl_tests.store.columns import PAGE, render, tables_of_assets


def test_the_catalogs_columns_are_the_databases(connection: psycopg.Connection[Any]) -> None:
    """After a migration: `python -m ams_etl_tests.store.columns --write`."""
    assert render(connection, tables_of_assets()) == PAGE.read_text(encoding="utf-8")
