"""docs/connection_types.md and docs/integration_page.md name a test for every sentence, and each of them exists."""

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "connection_types.md").read_text("utf-8")
PAGES = PAGE + (ROOT / "docs" / "integration_page.md").read_text("utf-8")
CASES = ROOT / "ams_etl_tests" / "rules" / "cases" / "other_systems"


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(ams_etl_tests/[\w/.]+::\w+)`", PAGES))))
def test_a_named_test_exists(named: str) -> None:
    file, _, test = named.partition("::")
    functions = [node.name for node in ast.walk(ast.parse((ROOT / file).read_text())) if hasattr(node, "name")]
    assert test in functions


def test_the_named_cases_exist() -> None:
    names = {file.stem: {case["name"] for case in yaml.safe_load(file.read_text())} for file in CASES.glob("*.yaml")}
    listed = re.findall(r"\b(hawksoft|qq_catalyst|mycase): ([^;)|]+)", PAGE)
    assert listed
    assert [name for system, name in listed if name.strip() not in names[system]] == []
