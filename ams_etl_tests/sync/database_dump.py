"""A whole database as text, to search for what must not be in it."""

from typing import Any

import psycopg


def dump(connection: psycopg.Connection[Any]) -> str:
    """Every row of every table as text."""
    tables = connection.execute(
        """select format('%I.%I', table_schema, table_name) from information_schema.tables
        where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')"""
    ).fetchall()
    rows = [row[0] for (table,) in tables for row in connection.execute(f"select to_jsonb(t)::text from {table} t")]
    bodies = [
        bytes(row[0]).decode()
        for row in connection.execute("select body from ops.notifications where body is not null")
    ]
    return "\n".join([*rows, *bodies]).lower()
