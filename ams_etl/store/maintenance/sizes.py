"""How much room each table and each agency takes."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from ams_etl.store.agency_db import scalar

SAMPLED_FROM = 1_000_000
"""Above so many rows, an agency's share of a table is estimated from a sample of about that many."""


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table with its indexes and out-of-line values; `rows` is Postgres' own estimate."""

    schema: str
    table: str
    bytes: int
    rows: int
    by_agency: bool

    @property
    def owner(self) -> str:
        """`ams_etl` or `dagster`: whose table it is."""
        return "dagster" if self.schema == "public" else "ams_etl"


def database_bytes(connection: psycopg.Connection[Any]) -> int:
    """Return the size of the whole database in bytes."""
    return int(scalar(connection, "select pg_database_size(current_database())") or 0)


def table_sizes(connection: psycopg.Connection[Any]) -> list[TableSize]:
    """Return every table, the largest first; Dagster's are in the schema `public`."""
    return [
        TableSize(*row)
        for row in connection.execute(
            """select n.nspname, c.relname, pg_total_relation_size(c.oid), greatest(c.reltuples, 0)::bigint,
                exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'agency' and a.attnum > 0)
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'm') and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
            order by 3 desc, 1, 2"""
        )
    ]


def agency_sizes(connection: psycopg.Connection[Any], tables: list[TableSize]) -> list[tuple[str, int]]:
    """Return each agency with its bytes, the largest first: its share of the rows of each table that has agencies."""
    total: dict[str, float] = {}
    for table in tables:
        if not table.by_agency or not table.bytes:
            continue
        name = sql.Identifier(table.schema, table.table)
        percent = min(100.0, 100.0 * SAMPLED_FROM / max(table.rows, 1))
        sample = sql.SQL("" if percent == 100 else f" tablesample system ({percent:.4f})")
        counts = connection.execute(
            sql.SQL("select agency, count(*) from {}{} group by agency").format(name, sample)
        ).fetchall()
        rows = sum(count for _, count in counts)
        for agency, count in counts:
            total[agency] = total.get(agency, 0.0) + table.bytes * count / rows
    return sorted(((agency, round(size)) for agency, size in total.items()), key=lambda sized: (-sized[1], sized[0]))
