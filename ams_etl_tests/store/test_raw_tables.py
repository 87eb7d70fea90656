"""`ops.create_raw_table` makes what the first migrations made by hand."""

from datetime import UTC, datetime
from typing import Any

import psycopg

from ams_etl.store.merge import RawTable, Record, merge_records

_CREATE = """select ops.create_raw_table('raw_new', 'policies', 'Policies of a new system.', 'PolicyId', 'CustomerId',
    index_customer_id => true, view_schema => 'new',
    view_columns => 'entity_id as policy_id, customer_id, (payload ->> ''premium'')::numeric as premium')"""


def shape(connection: psycopg.Connection[Any], table: str) -> dict[str, list[Any]]:
    """Columns with their comments, constraints, indexes and triggers, without the schema's name."""
    schema = table.partition(".")[0]
    queries = {
        "columns": """select attname, format_type(atttypid, atttypmod), attnotnull, attcollation,
            attstorage, pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)
            from pg_attribute left join pg_attrdef on (adrelid, adnum) = (attrelid, attnum)
            where attrelid = %(table)s::regclass and attnum > 0 order by attnum""",
        "constraints": """select conname, pg_get_constraintdef(oid) from pg_constraint
            where conrelid = %(table)s::regclass order by 1""",
        "indexes": """select replace(pg_get_indexdef(indexrelid), %(schema)s, 'raw') from pg_index
            where indrelid = %(table)s::regclass order by 1""",
        "triggers": "select tgname from pg_trigger where tgrelid = %(table)s::regclass and not tgisinternal",
    }
    given = {"table": table, "schema": schema}
    return {name: connection.execute(query, given).fetchall() for name, query in queries.items()}


def test_it_creates_the_shape_of_an_existing_raw_table(connection: psycopg.Connection[Any]) -> None:
    """Indexed by customer like QQ Catalyst's policies; not indexed, and of no customer, like HawkSoft's offices."""
    connection.execute("create schema raw_new; create schema new")
    connection.execute(_CREATE)
    new, existing = shape(connection, "raw_new.policies"), shape(connection, "raw_qq_catalyst.policies")
    ids = [position for position, column in enumerate(new["columns"]) if column[0] in {"entity_id", "customer_id"}]
    for position in ids:
        # What they are differs from source to source.
        new["columns"][position] = new["columns"][position][:-1]
        existing["columns"][position] = existing["columns"][position][:-1]
    assert new == existing
    assert len(new["indexes"]) == 2
    connection.execute("select ops.create_raw_table('raw_new', 'offices', 'Offices of a new system.', 'OfficeId')")
    assert shape(connection, "raw_new.offices") == shape(connection, "raw_hawksoft.offices")


def test_its_typed_view_has_the_live_records(connection: psycopg.Connection[Any]) -> None:
    """Columns that the view shares with the table share their comments."""
    connection.execute("create schema raw_new; create schema new")
    connection.execute(_CREATE)
    seen_at = datetime(2026, 1, 1, tzinfo=UTC)
    table = RawTable("raw_new", "policies")
    with connection.transaction():
        records = [Record("1", "A", {"premium": 7}), Record("2", "A", {"premium": 8})]
        merge_records(connection, table, "acme", records, seen_at=seen_at)
    with connection.transaction():
        merge_records(connection, table, "acme", records[:1], seen_at=seen_at, complete_for="agency")
    rows = connection.execute("select agency, policy_id, customer_id, premium, first_seen_at from new.policies")
    assert rows.fetchall() == [("acme", "1", "A", 7, seen_at)]
    uncommented = connection.execute(
        """select attname from pg_attribute where attrelid = 'new.policies'::regclass and attnum > 0
        and col_description(attrelid, attnum) is null order by attnum"""
    ).fetchall()
    assert uncommented == [("policy_id",), ("premium",)]


def test_one_function_creates_raw_tables(connection: psycopg.Connection[Any]) -> None:
    """No copy of it is left in the database."""
    found = connection.execute(
        "select proname from pg_proc where prosrc ilike '%content_hash bytea%' and prosrc ilike '%create table%'"
    ).fetchall()
    assert found == [("create_raw_table",)]
