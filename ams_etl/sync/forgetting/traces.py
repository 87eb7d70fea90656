"""Find texts of a person: every table and column of the database, and every file of home."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

_LARGEST_FILE = 200_000_000
_POSTGRES_FOLDERS = frozenset({"postgres", "pgdata"})


@dataclass(frozen=True, slots=True)
class Trace:
    """Rows of a table (`column` says which column), or a file, that hold one of the texts."""

    where: str
    column: str
    rows: int


def traces_in_database(connection: psycopg.Connection[Any], values: Sequence[str]) -> list[Trace]:
    """Search every text, JSON and bytes column of every table, Dagster's own among them.

    Encrypted bodies of notifications cannot be searched; see `sealed_bodies`.
    """
    if not values:
        return []
    found = []
    for schema, table, column, kind in _columns(connection):
        text = f"encode({column}, 'escape')" if kind == "bytea" else f"{column}::text"
        row = connection.execute(
            f"""select count(*) from {schema}.{table} where {column} is not null and exists (
                select from unnest(%s::text[]) value where position(value in lower({text})) > 0)""",
            (_spellings(values),),
        ).fetchone()
        if row and row[0]:
            found.append(Trace(f"{schema}.{table}", column, row[0]))
    return found


def sealed_bodies(connection: psycopg.Connection[Any], agency: str) -> int:
    """Return how many bodies of notifications are encrypted, so that nobody can search them."""
    row = connection.execute(
        "select count(*) from ops.notifications where agency = %s and body like %s", (agency, b"ams-etl sealed:%")
    ).fetchone()
    return int(row[0]) if row else 0


def traces_in_files(folder: Path, values: Sequence[str]) -> Iterator[Trace]:
    """Search every file under a folder but Postgres's own; a file beyond 200 MB is named without being read."""
    needles = [value.encode() for value in _spellings(values)]
    for path in sorted(folder.rglob("*")):
        if _POSTGRES_FOLDERS.intersection(path.relative_to(folder).parts) or not path.is_file() or path.is_symlink():
            continue
        try:
            if path.stat().st_size > _LARGEST_FILE:
                yield Trace(str(path), "too large to search", 1)
            elif any(needle in content for content in [path.read_bytes().lower()] for needle in needles):
                yield Trace(str(path), "content", 1)
        except OSError:
            continue


def _spellings(values: Sequence[str]) -> list[str]:
    """Each text in lower case, as it is and as JSON writes it."""
    return sorted({spelt.lower() for value in values for spelt in (value, json.dumps(value, ensure_ascii=False)[1:-1])})


def _columns(connection: psycopg.Connection[Any]) -> list[tuple[str, str, str, str]]:
    return connection.execute(
        """select quote_ident(c.table_schema), quote_ident(c.table_name), quote_ident(c.column_name), c.data_type
        from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
        where t.table_type = 'BASE TABLE' and c.table_schema not in ('pg_catalog', 'information_schema')
            and c.data_type in ('text', 'character varying', 'json', 'jsonb', 'bytea', 'ARRAY')
        order by 1, 2, 3"""
    ).fetchall()
