"""The catalogue is complete, and its page is what it says."""

from typing import get_args

from ams_etl.rules.contacts.findings import SENTENCES, meanings
from ams_etl.rules.contacts.reasons import REASONS
from ams_etl.rules.model import Finding, SkipReason
from ams_etl_tests.rules import golden
from ams_etl_tests.rules.catalogue import PAGE, REQUIRED, RULES, chapters, render


def test_every_rule_has_one_function_and_a_golden_case_or_a_test() -> None:
    """A rule without either is a promise; one with two functions is two promises."""
    rules = {rule.id: rule for chapter in chapters() if not chapter.elsewhere for rule in chapter.rules}
    assert tuple(rules) == REQUIRED
    assert [rule.id for rule in rules.values() if len(rule.functions) != 1] == []
    assert [rule.id for rule in rules.values() if rule.cases + rule.tests == 0] == []
    assert [rule.id for rule in rules.values() if rule.failing] == []
    assert [rule.id for rule in rules.values() if not rule.says and not rule.decided] == []


def test_golden_cases_speak_of_rules_that_there_are() -> None:
    """A mistyped id would count for nothing."""
    assert {rule for case in golden.load() for rule in case.rules} <= set(REQUIRED)


def test_every_reason_and_every_remark_has_its_sentence() -> None:
    """A code that nobody explains is a riddle: all reasons of the model, all findings that the rules yield."""
    assert set(REASONS) == set(get_args(SkipReason))
    source = (RULES / "contacts" / "explain.py").read_text(encoding="utf-8")
    assert all(f'"{field}"' in source for field in SENTENCES)


def test_remarks_and_reasons_come_with_their_sentences() -> None:
    """`ams-etl why` and the pages print these beneath a table of findings."""
    where = ("", "customer", "1", "FirstName", None)
    found = meanings([Finding("customer", "1", field, value, *where) for field, value in (
        ("skipped", "gap_filler"), ("left_out", "Tom: deceased"), ("first_name", "Ann"),
    )])  # fmt: skip
    assert found == {"gap_filler": REASONS["gap_filler"].sentence, "left_out": SENTENCES["left_out"]}


def test_the_page_is_not_stale() -> None:
    """`python -m ams_etl_tests.rules.catalogue --write` writes it again."""
    assert PAGE.read_text(encoding="utf-8") == render()
