"""docs/writeback.md names tests that there are, and settings.md every setting of writeback."""

import re
from dataclasses import fields
from pathlib import Path

from ams_etl.rules.writeback_settings import WritebackSettings

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
    assert [one.name for one in fields(WritebackSettings) if f"{one.name}:" not in page] == []
