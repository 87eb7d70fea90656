"""Tables on the terminal: nothing from outside is read as markup, ids are never cut, and `--json` and `--csv` everywhere."""

import csv
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypeVar

import click
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

Form = Literal["table", "json", "csv"]
Command = TypeVar("Command", bound=Callable[..., Any])
_NARROWEST_TEXT = 12
"""Characters that a column of text keeps in a narrow terminal; ids keep all of theirs."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under titles.

    `name` is its key in the JSON of a command that prints several tables; `ids` are the titles of columns whose values are
    never wrapped or cut. JSON's keys are the titles in lower case with underscores.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    title: str = ""
    ids: Sequence[str] = ()

    @property
    def keys(self) -> list[str]:
        """Name the columns for JSON and CSV."""
        return [column.lower().replace(" ", "_").replace(",", "") for column in self.columns]


def table_options(command: Command) -> Command:
    """Give a command `--json` and `--csv`, which it receives as `form`."""

    def choose(value: Form) -> Callable[[click.Context, click.Parameter, bool], None]:
        def set_form(context: click.Context, _: click.Parameter, wanted: bool) -> None:
            before = context.params.get("form", "table")
            if wanted and before not in {"table", value}:
                raise click.UsageError("--json and --csv exclude each other")
            context.params["form"] = value if wanted else before

        return set_form

    for name, value, help_text in (
        ("--csv", "csv", "Print comma-separated values, for a spreadsheet."),
        ("--json", "json", "Print JSON, for a program."),
    ):
        option = click.option(
            name,
            is_flag=True,
            expose_value=False,
            callback=choose("json" if value == "json" else "csv"),
            help=help_text,
        )
        command = option(command)
    return command


def print_tables(form: Form, *tables: Table) -> None:
    """Print tables to the standard output.

    JSON is a list of objects for one table, and an object of such lists by name for several; CSV has an empty line
    between two tables.
    """
    if form == "json":
        documents = {table.name: [dict(zip(table.keys, row, strict=True)) for row in table.rows] for table in tables}
        one = documents[tables[0].name] if len(tables) == 1 else documents
        click.echo(json.dumps(one, indent=2, ensure_ascii=False, default=_json_value))
    elif form == "csv":
        for at, table in enumerate(tables):
            if at:
                click.echo()
            _print_csv(table)
    else:
        for table in tables:
            _print(table)


def remark(form: Form, text: str) -> None:
    """Print a sentence beside tables: to the standard error where a program reads the standard output."""
    click.echo(text, err=form != "table")


def printable(value: Any) -> str:
    """Return a value as one line of text; control characters, which could steer the terminal, become their escapes."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    text = str(value)
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def _print_csv(table: Table) -> None:
    # The writer leaves a carriage return unquoted unless its own line ends have one.
    minimal = csv.writer(sys.stdout, lineterminator="\n")
    quoted = csv.writer(sys.stdout, lineterminator="\n", quoting=csv.QUOTE_ALL)
    minimal.writerow(table.keys)
    for row in table.rows:
        writer = quoted if any("\r" in str(value) for value in row) else minimal
        writer.writerow(["" if value is None else value for value in row])


def _print(table: Table) -> None:
    shown = RichTable(title=table.title or None, title_justify="left")
    for place, column in enumerate(table.columns):
        numbers = bool(table.rows) and all(isinstance(row[place], int | float | None) for row in table.rows)
        whole = column in table.ids
        shown.add_column(
            Text(column),
            justify="right" if numbers else "left",
            no_wrap=whole,
            overflow="fold",
            min_width=_width(table, place, whole),
        )
    for row in table.rows:
        shown.add_row(*(Text(printable(value)) for value in row))
    console = Console()
    needed = Measurement.get(console, console.options.update(max_width=1_000_000), shown)
    # A pipe has no width; a terminal that is too narrow for the ids wraps the lines itself.
    console.width = needed.maximum if not console.is_terminal else max(console.width, needed.minimum)
    console.print(shown, soft_wrap=False, crop=False)


def _width(table: Table, place: int, whole: bool) -> int:
    longest = max((len(printable(row[place])) for row in table.rows), default=0)
    return longest if whole else min(longest, _NARROWEST_TEXT)


def _json_value(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)
