"""The documentation's own code runs: its SQL on the real schema, its settings, its commands' names."""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args

import psycopg
import pytest
import yaml
from click.testing import CliRunner
from pydantic import BaseModel

from ams_etl.cli import cli
from ams_etl.defs.expectations.suites import read_suite
from ams_etl.rules.settings import RuleSettings
from ams_etl.rules.writeback.settings import WritebackSettings
from ams_etl.settings import (
    Agency,
    AlertSettings,
    BrakeSettings,
    CheckSettings,
    InboundSettings,
    PagesSettings,
    ScheduleSettings,
    load_agencies,
)

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
    connection.execute(statement)


def test_what_make_runs_by_its_file_is_not_left_out_as_long() -> None:
    """Tests that take minutes run with `-m long` alone: without it, `make pictures` ran nothing."""
    commands = [
        line for line in (ROOT / "Makefile").read_text().splitlines() if re.search(r"pytest .*test_\w+\.py", line)
    ]
    assert any("PICTURES" in command for command in commands)
    for command in commands:
        files = [ROOT / name for name in re.findall(r"\S+/test_\w+\.py", command)]
        assert ("-m long" in command) == all("@pytest.mark.long" in file.read_text() for file in files), command


@pytest.mark.parametrize("document", blocks("yaml"))
def test_its_settings_are_settings(tmp_path: Path, document: str) -> None:
    """A reader copies them, too: of agencies.yaml, or a file of expectations."""
    if "\nexpectations:" in document:
        path = tmp_path / f"{yaml.safe_load(document)['name']}.yaml"
        path.write_text(document)
        assert read_suite(path)
        return
    path = tmp_path / "agencies.yaml"
    path.write_text(document)
    assert load_agencies(path).all


def keys_of(block: Any) -> Iterator[str]:
    """Every key that agencies.yaml may have, blocks within blocks."""
    if isinstance(block, type) and issubclass(block, BaseModel):
        for name, given in block.model_fields.items():
            yield given.alias or name
            yield from keys_of(given.annotation)
    elif isinstance(block, type) and is_dataclass(block):
        for member in fields(block):
            yield member.name
            yield from keys_of(member.type)
    else:
        for part in get_args(block):
            yield from keys_of(part)


def test_every_setting_stands_on_its_page() -> None:
    """In code or in prose; all but block headings, and the two parts that a mapping of codes is sorted into."""
    page = (ROOT / "docs/settings.md").read_text()
    keys = {
        key
        for block in (Agency, ScheduleSettings, InboundSettings, PagesSettings, AlertSettings)
        for key in keys_of(block)
    }
    assert {"agency_no", "token_key_env", "max_deleted_share", "shell_days", "include", "sweep_from_hour"} <= keys
    assert {key for key in keys if not re.search(rf"\b{key}\b[:`]", page)} == {
        "source_system", "benefitpoint_contacts", "ids", "names",
    }  # fmt: skip


def test_what_it_calls_defaults_are_the_defaults(tmp_path: Path) -> None:
    """Of the blocks that an agency may leave out."""
    path = tmp_path / "agencies.yaml"
    path.write_text(blocks("yaml")[0].values[0])
    read = load_agencies(path)
    shown = read.all[0]
    assert (replace(shown.settings, benefitpoint_contacts=False), shown.brake, shown.checks) == (
        RuleSettings(),
        BrakeSettings(),
        CheckSettings(),
    )
    assert (shown.writeback, read.schedule) == (WritebackSettings(), ScheduleSettings())
    assert read.inbound == InboundSettings(public_url=read.inbound.public_url)
    assert read.alerts == AlertSettings(channels=read.alerts.channels, ui_url=read.alerts.ui_url)
    without_default = ("public_url", "dagster_url", "proxy_user_header")
    assert read.pages == PagesSettings(**{name: getattr(read.pages, name) for name in without_default})


def test_its_links_lead_somewhere() -> None:
    """Every relative link of a page is a file."""
    broken = [
        f"{page.name}: {link}"
        for page in PAGES
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text())
        if not (page.parent / link).exists()
    ]
    assert broken == []


def test_the_changelog_has_its_sections_in_order_and_each_entry_once() -> None:
    """Keep a Changelog's. Git keeps both sides of the file in a merge, which doubles an entry that one of them has moved."""
    sections = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    _, *releases = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert releases
    for release in releases:
        found = re.findall(r"^### (.*)$", release, re.MULTILINE)
        assert found == [section for section in sections if section in found]
        entries = re.findall(r"^- .*$", release, re.MULTILINE)
        assert sorted(entries) == sorted(set(entries))


def test_its_commands_exist() -> None:
    """Every `ams-etl X` of a page is a command with --help."""
    named = {found for page in PAGES for found in re.findall(r"ams-etl ([a-z][a-z-]*[a-z])\b", page.read_text())}
    for name in sorted(named):
        shown = CliRunner().invoke(cli, [name, "--help"])
        assert shown.exit_code == 0, f"ams-etl {name}: {shown.output}"
