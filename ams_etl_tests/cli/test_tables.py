"""Whatever text comes from outside, a table shows all of it, runs none of it, and cuts no id."""

import csv
import io
import json
import re
from contextlib import redirect_stdout
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ams_etl.cli import _COMMANDS, tables
from ams_etl.cli import cli as command_line
from ams_etl.cli.tables import Form, Table, print_tables, printable

ANYTHING = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=40),
    st.sampled_from(["[/]", "[b]x[/b]", "[link=x]", "\x1b[31mred", "a\nb", "=1+1", 'a,"b"', ":smile:", "日本"]),
)
ROWS = st.lists(st.tuples(st.uuids(), ANYTHING, ANYTHING), max_size=5)


def printed(form: Form, *shown: Table) -> str:
    into = io.StringIO()
    with redirect_stdout(into):
        print_tables(form, *shown)
    return into.getvalue()


def table(rows: list[Any]) -> Table:
    return Table("rows", ("id", "some text", "more"), rows, ids=("id",))


@given(ROWS)
def test_a_piped_table_holds_every_value_on_one_line(rows: list[Any]) -> None:
    lines = printed("table", table(rows)).splitlines()
    assert len(lines) == len(rows) + 4
    for row, line in zip(rows, lines[3:], strict=False):
        assert str(row[0]) in line
        for value in row[1:]:
            assert printable(value).strip() in line
        assert line.isprintable()


@given(ROWS)
def test_a_narrow_terminal_cuts_no_id(rows: list[Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "Console", lambda: Console(force_terminal=True, width=40, color_system=None))
        shown = printed("table", table(rows))
    assert re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", shown)[: len(rows)] or not rows
    assert all(str(row[0]) in shown for row in rows)


@given(ROWS)
def test_json_and_csv_hold_the_same_rows(rows: list[Any]) -> None:
    documents = json.loads(printed("json", table(rows)))
    assert [tuple(document.values()) for document in documents] == [(str(row[0]), *row[1:]) for row in rows]
    read = list(csv.DictReader(io.StringIO(printed("csv", table(rows)), newline="")))
    assert [tuple(line.values()) for line in read] == [
        (str(row[0]), *("" if value is None else str(value) for value in row[1:])) for row in rows
    ]


def test_every_command_that_prints_a_table_has_json_and_csv() -> None:
    """The commands whose module prints tables, found by their imports."""
    from importlib import import_module

    def commands(command: click.Command) -> list[click.Command]:
        if isinstance(command, click.Group):
            return [entry for child in command.commands.values() for entry in commands(child)]
        return [command]

    forms = {}
    for name, (module, attribute) in _COMMANDS.items():
        loaded = import_module(module)
        if not hasattr(loaded, "print_tables") and not hasattr(loaded, "print_plan"):
            continue
        options = [
            {option for parameter in command.params for option in parameter.opts}
            for command in commands(getattr(loaded, attribute))
        ]
        forms[name] = any({"--json", "--csv"} <= given for given in options)
    assert forms
    assert all(forms.values()), forms


def test_two_forms_at_once_are_refused() -> None:
    result = CliRunner().invoke(command_line, ["users", "list", "demo", "--json", "--csv"])
    assert result.exit_code == 2
    assert "exclude each other" in result.output
