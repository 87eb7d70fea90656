"""What docs/security.md says is so: each test that it names exists, and each limit is what the code has."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from ams_etl.settings import InboundSettings, PagesSettings
from ams_etl.settings.systems.ams360 import Ams360Settings

ROOT = Path(__file__).parent
PAGE = (ROOT.parent / "docs/security.md").read_text()
SETTINGS = {"inbound": InboundSettings(), "pages": PagesSettings()}
OF_AN_AGENCY = {"ams360": Ams360Settings.model_fields}


def section(title: str) -> list[list[str]]:
    """The rows of a section's table, without its head."""
    text = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return rows[2:]


def existing(name: str) -> bool:
    """Whether a test `file.py::function` exists."""
    file, _, function = name.partition("::")
    path = ROOT / file
    return path.exists() and re.search(rf"^(async )?def {function}\(", path.read_text(), re.MULTILINE) is not None


def value_of(name: str) -> Any:
    """A setting's default, or a constant."""
    holder, _, member = name.rpartition(".")
    if holder in OF_AN_AGENCY:
        return OF_AN_AGENCY[holder][member].default
    return getattr(SETTINGS.get(holder) or importlib.import_module(holder), member)


@pytest.mark.parametrize(
    "row", [*section("Threat model"), *section("Promises and their tests")], ids=lambda row: row[0]
)
def test_each_promise_names_tests_that_exist(row: list[str]) -> None:
    named = re.findall(r"`([^`]+)`", row[-1])
    assert named
    assert [name for name in named if not existing(name)] == []


@pytest.mark.parametrize("row", section("Limits"), ids=lambda row: row[0])
def test_each_limit_is_what_the_code_has(row: list[str]) -> None:
    _, default, name = row
    shown = re.match(r"[\d,]+", default)
    assert shown is not None
    assert float(shown[0].replace(",", "")) == float(value_of(name.strip("`")))


def test_every_setting_that_limits_is_on_the_page() -> None:
    limits = {
        f"{block}.{name}"
        for block, settings in SETTINGS.items()
        for name, value in settings
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    assert {name for name in limits if f"`{name}`" not in PAGE} == set()
