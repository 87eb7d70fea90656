"""Find texts of a person: every table and column of the database, and every file of home."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from ams_etl.store.agency_db import scalar
from ams_etl.sync.forgetting.spellings import holds_any, in_bytes, spellings

_LARGEST_FILE = 200_000_000
_POSTGRES_FOLDERS = frozenset({"postgres", "pgdata"})
_MOST_ROWS = 2_000
"""Rows of a bytes column read at a time."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Rows of a table (`column` says which column), or a file, that hold one of the texts."""

    where: str
    column: str
    rows: int


def traces_in_database(connection: psycopg.Connection[Any], agency: str, values: Sequence[str]) -> list[Trace]:
    """Search every text, JSON and bytes column of every table, Dagster's own among them.

    Other agencies' rows are left out: what they know of a person is theirs. Encrypted bodies of notifications cannot be
    searched; see `sealed_bodies`.
    """
    if not values:
        return []
    needles, pattern = in_bytes(values), pattern_of(values)
    found = []
    for schema, table, column, kind, of_agency in _columns(connection):
        where = f"{column} is not null" + (" and agency = %(agency)s" if of_agency else "")
        scope = {"agency": agency, "pattern": pattern}
        if kind == "bytea":
            rows = _rows_of_bytes(connection, f"select {column} from {schema}.{table} where {where}", agency, needles)
        else:
            rows = scalar(
                connection,
                f"select count(*) from {schema}.{table} where {where} and lower({column}::text) ~ %(pattern)s",
                scope,
            )
        if rows:
            found.append(Trace(f"{schema}.{table}", column, rows))
    return found


def pattern_of(values: Sequence[str]) -> str:
    """Return a regular expression of Postgres that matches lower-cased text with one of these values in any spelling.

    One expression over all values is compiled to an automaton, so that a row is read once and not once per value.
    """
    return "|".join(re.sub(r"([^\w\s])", r"\\\1", spelt) for spelt in spellings(values)) or "a^"


def sealed_bodies(connection: psycopg.Connection[Any], agency: str) -> int:
    """Return how many bodies of notifications are encrypted, so that nobody can search them."""
    return int(
        scalar(
            connection,
            "select count(*) from ops.notifications where agency = %s and body like %s",
            (agency, b"ams-etl sealed:%"),
        )
        or 0
    )


def traces_in_files(folder: Path, values: Sequence[str]) -> Iterator[Trace]:
    """Search every file under a folder but Postgres's own; a file beyond 200 MB is named without being read."""
    needles = in_bytes(values)
    for path in sorted(folder.rglob("*")):
        if _POSTGRES_FOLDERS.intersection(path.relative_to(folder).parts) or not path.is_file() or path.is_symlink():
            continue
        try:
            if path.stat().st_size > _LARGEST_FILE:
                yield Trace(str(path), "too large to search", 1)
            elif holds_any(path.read_bytes(), needles):
                yield Trace(str(path), "content", 1)
        except OSError:
            continue


def _rows_of_bytes(connection: psycopg.Connection[Any], query: str, agency: str, needles: Sequence[bytes]) -> int:
    with connection.transaction(), connection.cursor("forgetting_bytes") as cursor:
        cursor.itersize = _MOST_ROWS
        cursor.execute(query, {"agency": agency})
        return sum(holds_any(bytes(stored), needles) for (stored,) in cursor)


def _columns(connection: psycopg.Connection[Any]) -> list[tuple[str, str, str, str, bool]]:
    return connection.execute(
        """select quote_ident(c.table_schema), quote_ident(c.table_name), quote_ident(c.column_name), c.data_type,
            exists (select from information_schema.columns a where a.table_schema = c.table_schema
                and a.table_name = c.table_name and a.column_name = 'agency')
        from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
        where t.table_type = 'BASE TABLE' and c.table_schema not in ('pg_catalog', 'information_schema')
            and c.data_type in ('text', 'character varying', 'json', 'jsonb', 'bytea', 'ARRAY')
        order by 1, 2, 3"""
    ).fetchall()
