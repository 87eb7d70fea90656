"""What is published of an agency, for tests to compare."""

from typing import Any

import psycopg

TABLES = (
    "contacts", "contact_emails", "contact_phones", "contact_sources", "contact_tags", "key_facts", "connections",
    "skipped_contacts",
)  # fmt: skip


def published(connection: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    return {
        table: connection.execute(
            f"select (to_jsonb(m) - 'created_at' - 'updated_at')::text from mart.{table} m order by 1"
        ).fetchall()
        for table in TABLES
    }


def count(connection: psycopg.Connection[Any], query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
