"""Every rule, by example: the tables in `cases/*.yaml`."""

import pytest

from ams_etl_tests.rules.golden import Case, differences, load


@pytest.mark.parametrize("case", load(), ids=lambda case: case.title.encode("ascii", "replace").decode())
def test_a_golden_case_holds(case: Case) -> None:
    """What the case expects is what the rules say."""
    assert differences(case) == []


def test_the_table_is_large_and_its_names_are_unique() -> None:
    """A case that has another's name hides it in reports."""
    titles = [case.title for case in load()]
    assert len(titles) >= 260
    assert len(set(titles)) == len(titles)
