"""Columns of the assets' tables, read from Postgres for the catalog.

`python -m ams_etl_tests.store.columns --write` migrates an embedded server of its own and writes columns.json.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg

import ams_etl.defs.catalog
from ams_etl.definitions import defs
from ams_etl.defs.catalog.columns import FILE
from ams_etl.defs.catalog.described import table_of
from ams_etl.store.database import connect
from ams_etl.store.embedded import running_server, stop
from ams_etl.store.migrations import sql_folder, upgrade

PAGE = Path(ams_etl.defs.catalog.__file__).parent / FILE


def tables_of_assets() -> list[str]:
    """Return the tables of all assets."""
    specs = defs().resolve_all_asset_specs()
    return sorted({table for spec in specs if (table := table_of(spec))})


def render(connection: psycopg.Connection[Any], tables: list[str]) -> str:
    """Return the file: a line per column."""
    columns = {
        table: connection.execute(
            """select attname, format_type(atttypid, atttypmod), coalesce(col_description(attrelid, attnum), '')
            from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum""",
            (table,),
        ).fetchall()
        for table in tables
    }
    lines = [
        f"  {json.dumps(table)}: [\n"
        + ",\n".join(f"    {json.dumps(column, ensure_ascii=False)}" for column in found)
        + "\n  ]"
        for table, found in columns.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    home = Path(tempfile.mkdtemp())
    try:
        with connect(running_server(home)) as connection:
            upgrade(connection, sql_folder())
            page = render(connection, tables_of_assets())
    finally:
        stop(home)
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page, encoding="utf-8")
    else:
        sys.stdout.write(page)


if __name__ == "__main__":
    main()
