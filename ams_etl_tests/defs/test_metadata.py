"""Text of the source is shown as text in the catalog's tables, whatever Markdown it would be."""

import re

import pytest

from ams_etl.defs.metadata import SHOWN_AGENCIES, failing_agencies, sample_with_why, table_of


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))", "![](http://tracker.example/a.png)", "<img src=x onerror=alert(1)>", "a|b", "a\nb",
        "`code`", "<https://x.example>", "http://x.example", "&lt;b&gt;", "[x]: http://y", "~~gone~~", "WWW.x.example",
        "a@x.example", "a\r\nb", "a\u2028b",
    ],
)  # fmt: skip
def test_no_text_of_the_source_becomes_markup(text: str) -> None:
    shown = str(table_of(("tag", "contacts"), [(text, 1)]).md_str)
    row = shown.splitlines()[2]
    assert len(shown.splitlines()) == 3
    for mark in "[]<>!`&~":
        assert row.count(mark) == row.count(f"\\{mark}")
    assert re.search(r"://|www\.|@x", row, re.IGNORECASE) is None
    assert row.replace("\\|", "").count("|") == 3


def test_failing_agencies_are_all_counted_and_the_first_are_listed() -> None:
    """Whatever is listed is text, as in every table."""
    rows = [(f"agency{number}", "a|b") for number in range(SHOWN_AGENCIES + 7)]
    said = failing_agencies(("agency", "reason"), rows, "mend it")
    assert (said["agencies"], said["what_to_do"]) == (len(rows), "mend it")
    assert str(said["which"].md_str).splitlines() == [
        "| agency | reason |",
        "| --- | --- |",
        *(f"| {agency} | a\\|b |" for agency, _ in rows[:SHOWN_AGENCIES]),
    ]
    nobody = failing_agencies(("agency", "reason"), [], "mend it")
    assert (nobody["agencies"], str(nobody["which"].md_str).count("\n")) == (0, 1)


def test_our_own_links_stay_links() -> None:
    shown = str(sample_with_why(["7"], "http://page", "acme").md_str)
    assert "[why](http://page/acme/why?q=7)" in shown
