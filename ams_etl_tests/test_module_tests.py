"""docs/testing.md says truly which tests import each module, and every test file is known by its name alone."""

from collections import Counter
from pathlib import Path

from ams_etl_tests.module_tests import PAGE, importers, modules, page_with, render

TESTS = Path(__file__).parent


def test_the_table_of_modules_is_up_to_date() -> None:
    """`make docs` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page_with(render()), "run `make docs`"


def test_the_table_finds_imports_wherever_they_are() -> None:
    """A module that is imported inside a function counts as much as one at the top."""
    tests = importers()
    assert "test_module_tests" not in {test for found in tests.values() for test in found}
    assert "store/test_merge" in tests["ams_etl.store.merge"]
    assert "writeback/test_deliver" in tests["ams_etl.sync.extract.ams360"]
    assert "ams_etl.store" not in modules()


def test_no_two_test_files_have_one_name() -> None:
    """`pytest -k` and a failure's first line name the file, not its folder."""
    names = Counter(file.name for file in TESTS.rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
