"""docs/writeback.md names tests that there are, and settings.md every setting of writeback."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from ams_etl.errors import ConfigError
from ams_etl.rules.writeback.settings import WritebackSettings
from ams_etl.settings import load_agencies

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_page_names_is_there() -> None:
    """A renamed test would leave a sentence without its proof."""
    page = (ROOT / "docs" / "writeback.md").read_text(encoding="utf-8")
    tests = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "ams_etl_tests" / "writeback").glob("test_*.py")
    )
    named = set(re.findall(r"`(test_\w+)`", page))
    assert len(named) >= 15
    assert {name for name in named if f"def {name}(" not in tests} == set()


def test_every_setting_of_writeback_is_told() -> None:
    """A setting that no page tells is found by nobody."""
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert [field.name for field in fields(WritebackSettings) if f"{field.name}:" not in page] == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("timezone: Mars", "a time zone of the tz database"),
        ("properties: [shoe_size]", "properties: unknown property 'shoe_size'"),
        ("text_limits: {Note: 100}", "text_limits: unknown field 'Note'"),
        ("text_limits: {CustomerNote.NoteText: 5}", "at least 60 characters"),
        ("max_parts: 0", "expected at least 1"),
        ("colour: red", "colour: unknown key"),
    ],
)
def test_a_setting_that_cannot_be_done_is_told_by_its_place(tmp_path: Path, given: str, told: str) -> None:
    """Before a run, and not in the middle of one."""
    path = tmp_path / "agencies.yaml"
    reach = "{wsdl: 'http://x/?wsdl', agency_no: 5551234-1, login_id: a, password_env: P}"
    path.write_text(f"agencies:\n  - {{id: a, name: A, ams360: {reach}, writeback: {{{given}}}}}\n")
    with pytest.raises(ConfigError, match=r"agencies\.a\.writeback") as raised:
        load_agencies(path)
    assert told in str(raised.value)
