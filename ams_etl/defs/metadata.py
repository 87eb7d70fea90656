"""Render tables for the asset pages as Markdown."""

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

import dagster as dg
import psycopg

from ams_etl.defs.catalog.lineage import column_lineage
from ams_etl.store.agency_db import scalar
from ams_etl.store.merge import MergeCounts

_MARKUP = re.compile(r"[\\`\[\]<>!|&~*]")
"""What could begin a link, an image, HTML, code or another cell; a name or a tag of the source may hold any of it."""
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)", re.IGNORECASE)
"""Where the UI recognises a web or email address, which it makes a link however it is escaped."""
_INVISIBLE = "\u2060"
"""A word joiner: it has no width and lets no line break, and nothing takes text with it inside for an address."""
SHOWN_AGENCIES = 50
"""Rows in a table of agencies: there may be hundreds, and Dagster keeps each run's tables."""


class Markup(str):
    """A cell of our own that is Markdown on purpose; every other text is shown as it is."""

    __slots__ = ()


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
    text = " ".join(str(value).splitlines())
    if isinstance(value, Markup):
        return text
    return _MARKUP.sub(lambda found: f"\\{found[0]}", _ADDRESS.sub(_INVISIBLE, text))


def next_step(text: str, *, passed: bool) -> dict[str, str]:
    """Return the metadata entry that says what to do about a check that failed; an alert repeats it."""
    return {} if passed else {"what_to_do": text}


def failing_agencies(header: tuple[str, ...], rows: Sequence[tuple[Any, ...]], what_to_do: str) -> dict[str, Any]:
    """Return what a check on all agencies says of those that fail it: their number, a table, and what to do about them.

    Args:
        header: of the table.
        rows: one per agency, the worst first; the table shows the first `SHOWN_AGENCIES`.
        what_to_do: the next step, which an alert repeats.
    """
    return {
        "agencies": len(rows),
        "which": table_of(header, rows[:SHOWN_AGENCIES]),
        "what_to_do": what_to_do,
    }


def sample_of(ids: Iterable[object], command: str) -> dg.MarkdownMetadataValue:
    """Return ids as a table with the command that explains each; `{id}` in the command is the id."""
    return table_of(("id", "explains it"), [(each, Markup(f"`{command.replace('{id}', str(each))}`")) for each in ids])


def sample_with_why(ids: Iterable[object], pages_address: str, agency: str) -> dg.MarkdownMetadataValue:
    """Return ids as a table, each with the page and the command that say why it is what it is."""
    return table_of(
        ("id", "on the page", "in a shell"),
        [
            (
                each,
                Markup(f"[why]({pages_address}/{agency}/why?q={quote(str(each), safe='')})"),
                Markup(f"`ams-etl why {agency} {each}`"),
            )
            for each in ids
        ],
    )


def about_table(connection: psycopg.Connection[Any], table: str, agency: str) -> dict[str, Any]:
    """Return what every materialization of a table says: how many rows it has, and where its columns come from.

    The rows are the agency's; of a raw table, those that are not deleted in the source.
    """
    live = " and deleted_at is null" if table.startswith("raw_") else ""
    lineage = column_lineage(table)
    return {
        "dagster/row_count": int(
            scalar(connection, f"select count(*) from {table} where agency = %s{live}", (agency,))
        ),
        **({"dagster/column_lineage": lineage} if lineage else {}),
    }


def about_merge(counts: MergeCounts) -> dict[str, int]:
    """Return what a run did to a raw table: records read, and what became of them."""
    return {
        "read": counts.seen,
        "inserted": counts.inserted,
        "updated": counts.updated,
        "unchanged": counts.unchanged,
        "deleted": counts.deleted,
    }
