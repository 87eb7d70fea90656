"""CSV for people who open it in a spreadsheet: no cell is a formula there."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from ams_etl.errors import ConfigError

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for a formula, or strips before it does."""


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Return rows as CSV with a byte order mark; a cell that a spreadsheet would compute begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def read_csv(content: bytes, columns: Sequence[str], *, needed: int) -> list[dict[str, str]]:
    """Return the rows of a CSV file with the apostrophes that `write_csv` added taken away.

    Args:
        content: the file.
        columns: those that are read.
        needed: how many of them, from the first, the file must have.

    Raises:
        ConfigError: it is not UTF-8, not CSV, or lacks a column.
    """
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        names = reader.fieldnames or ()
        rows = list(reader)
    except UnicodeDecodeError:
        raise ConfigError("The file is not UTF-8 text; export it as CSV UTF-8.") from None
    except csv.Error as error:
        raise ConfigError(f"The file is not CSV: {error}.") from None
    missing = [name for name in columns[:needed] if name not in names]
    if missing:
        raise ConfigError(f"The file needs the columns {', '.join(columns[:needed])}; missing: {', '.join(missing)}.")
    return [{name: _bare(row.get(name) or "") for name in columns} for row in rows]


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith((*_FORMULA, "'")):
        return f"'{value}"
    return "" if value is None else value


def _bare(value: str) -> str:
    return value[1:] if value.startswith("'") and value[1:].startswith((*_FORMULA, "'")) else value
