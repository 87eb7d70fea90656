"""The documentation's own code runs: its SQL on the real schema, its settings, its commands' names."""

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from ams_etl.cli import cli
from ams_etl.settings import load_agencies

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[Any]:
    return [
        pytest.param(found, id=f"{page.name}-{number}")
        for page in PAGES
        for number, found in enumerate(re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL))
    ]


@pytest.mark.parametrize("statement", blocks("sql"))
def test_its_sql_runs_on_the_schema(connection: psycopg.Connection[Any], statement: str) -> None:
    """A reader copies it."""
    connection.execute(statement)  # type: ignore[call-overload]


@pytest.mark.parametrize("document", blocks("yaml"))
def test_its_settings_are_settings(tmp_path: Path, document: str) -> None:
    """A reader copies them, too."""
    path = tmp_path / "agencies.yaml"
    path.write_text(document)
    assert load_agencies(path).all


def test_its_links_lead_somewhere() -> None:
    """Every relative link of a page is a file."""
    broken = [
        f"{page.name}: {link}"
        for page in PAGES
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text())
        if not (page.parent / link).exists()
    ]
    assert broken == []


def test_its_commands_exist() -> None:
    """Every `ams-etl X` of a page is a command with --help."""
    named = {found for page in PAGES for found in re.findall(r"ams-etl ([a-z]+)\b", page.read_text())}
    for name in sorted(named):
        shown = CliRunner().invoke(cli, [name, "--help"])
        assert shown.exit_code == 0, f"ams-etl {name}: {shown.output}"
