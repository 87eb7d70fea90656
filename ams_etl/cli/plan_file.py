"""A plan as a file for reviewers: a spreadsheet, comma-separated values or a web page."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ams_etl.errors import ConfigError

_LINK_SIGNS = ("=", "+", "-", "@")


def write_plan(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows to a file whose ending says its form, and return how many there were.

    Raises:
        ConfigError: the ending is not .xlsx, .csv or .html.
    """
    import pandas as pd

    frame = pd.DataFrame(rows, columns=list(columns), dtype="string")
    match path.suffix.lower():
        case ".csv":
            frame.to_csv(path, index=False)
        case ".html":
            # pandas writes a missing text as <NA>, whatever na_rep says.
            frame.fillna("").to_html(path, index=False, escape=True)
        case ".xlsx":
            with pd.ExcelWriter(path, engine="openpyxl") as writer:
                frame.to_excel(writer, index=False, sheet_name="plan", freeze_panes=(1, 0))
                _as_text(writer.sheets["plan"])
        case ending:
            raise ConfigError(
                f"--to {path}: expected a file that ends in .xlsx, .csv or .html, not {ending or 'nothing'}"
            )
    return len(frame)


def _as_text(sheet: Any) -> None:
    """Keep a spreadsheet from running a name that begins like a formula."""
    for row in sheet.iter_rows(min_row=2):
        for cell in row:
            if isinstance(cell.value, str) and cell.value.startswith(_LINK_SIGNS):
                cell.data_type = "s"
    sheet.auto_filter.ref = sheet.dimensions
