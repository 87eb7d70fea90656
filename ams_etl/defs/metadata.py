"""Tables for the asset pages: Markdown that a person would look at."""

from collections.abc import Iterable
from typing import Any

import dagster as dg
import psycopg


def table_of(header: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> dg.MarkdownMetadataValue:
    """A Markdown table; numbers get thousands separators."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines.extend("| " + " | ".join(_cell(value) for value in row) + " |" for row in rows)
    return dg.MetadataValue.md("\n".join(lines))


def totals_by(
    connection: psycopg.Connection[Any], table: str, agency: str, column: str, *, limit: int = 25
) -> list[tuple[str, int]]:
    """How many of an agency's rows have each value of a column, most first."""
    rows = connection.execute(
        f"""select coalesce({column}::text, 'none'), count(*) from {table}
        where agency = %s group by 1 order by 2 desc, 1 limit %s""",
        (agency, limit),
    )
    return [(str(value), int(count)) for value, count in rows]


def _cell(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")
