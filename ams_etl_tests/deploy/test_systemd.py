"""The units start programs that exist, with arguments that they take, and systemd itself finds no mistake in them."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from ams_etl.cli import cli as command_line
from ams_etl.store.privacy.tombstones import KEY_VARIABLE

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("ams-etl-*.service"))
TARGET = UNITS[0].parent / "ams-etl.target"
INSTALLED = "/opt/ams-etl/bin/"


def read(unit: Path) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(interpolation=None, strict=False)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(unit.read_text())
    return parsed


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_what_there_is(unit: Path) -> None:
    """Our own commands are parsed by click, options and all, without running."""
    program, *arguments = read(unit)["Service"]["ExecStart"].split()
    assert program.startswith(INSTALLED)
    name = program.removeprefix(INSTALLED)
    assert (Path(sys.executable).parent / name).exists()
    if name == "ams-etl":
        parse(command_line, arguments)


def parse(command: click.Command, arguments: list[str]) -> None:
    context = command.make_context(command.name or "ams-etl", list(arguments))
    while isinstance(command, click.Group):
        name, *rest = context.protected_args or context.args
        found = command.get_command(context, name)
        assert found is not None, f"no command {name}"
        command, arguments = found, [*rest, *context.args] if context.protected_args else rest
        context = command.make_context(name, list(arguments), parent=context)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_runs_with_few_rights(unit: Path) -> None:
    """As its own user, with a read-only system and no capability."""
    service = read(unit)["Service"]
    assert service["User"] == "ams-etl"
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""


@pytest.mark.parametrize(
    "example", sorted(UNITS[0].parents[1].glob("*/environment.example")), ids=lambda path: path.parent.name
)
def test_an_environment_has_the_keys_that_are_asked_for_later(example: Path) -> None:
    """The doctor and `ams-etl forget` ask for them, and one of them must never change."""
    names = {line.partition("=")[0] for line in example.read_text().splitlines() if not line.startswith("#")}
    assert {"AMS_ETL_BODY_KEY", KEY_VARIABLE, "AMS_ETL_DATABASE_URL", "AMS_ETL_DAGSTER_URL"} <= names


def test_the_target_wants_every_service() -> None:
    """But the upgrade, which the others require."""
    wanted = set(read(TARGET)["Unit"]["Wants"].split())
    assert wanted == {unit.name for unit in UNITS} - {"ams-etl-upgrade.service"}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_finds_no_mistake(tmp_path: Path) -> None:
    """Every unit at once, with this environment's programs in the place of the installed ones."""
    for unit in (*UNITS, TARGET):
        text = unit.read_text().replace(INSTALLED, f"{Path(sys.executable).parent}/")
        (tmp_path / unit.name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")
