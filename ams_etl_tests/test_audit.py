"""`make audit` never reads as a clean bill where nothing was asked."""

import json
from typing import Any

import pytest

from ams_etl_tests.audit import verdict

FINE: dict[str, Any] = {"name": "click", "version": "8.3.0", "vulns": []}
WEAK: dict[str, Any] = {"name": "jinja2", "version": "2.4.1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.7.2"]}]}
UNKNOWN: dict[str, Any] = {"name": "zeep", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([FINE], 0, "1 of 1 packages audited, 0 known weaknesses"),
        ([FINE, WEAK], 1, "jinja2 2.4.1: PYSEC-1, mended in 2.7.2"),
        ([FINE, UNKNOWN], 0, "not audited, as the package index does not know them: zeep"),
        ([UNKNOWN, UNKNOWN], 1, "not audited: the package index has no advisories for any of the 2 packages"),
        ([], 1, "not audited"),
    ],
)
def test_it_says_what_was_asked_and_found(packages: list[dict[str, Any]], code: int, said: str) -> None:
    found, returned = verdict(json.dumps({"dependencies": packages, "fixes": []}))
    assert said in found
    assert returned == code


@pytest.mark.parametrize("written", ["", "no JSON", "[]", "{}"])
def test_an_index_that_does_not_answer_is_no_clean_bill(written: str) -> None:
    assert verdict(written) == ("not audited: the package index does not answer", 1)
