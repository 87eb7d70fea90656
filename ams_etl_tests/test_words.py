"""The project writes plain English: docs/glossary.md says which word means what, `words.py` which are avoided."""

import re
from collections import Counter

from ams_etl_tests.words import AVOIDED, ROOT, found

GLOSSARY = ROOT / "docs" / "glossary.md"


def test_no_word_that_is_avoided_is_used() -> None:
    """In documentation, docstrings, comments, messages and loop variables."""
    assert [f"{word.path}:{word.line}: {word.word!r}: write {word.instead}" for word in found()] == []


def test_a_word_is_found_in_its_sense_alone() -> None:
    """Each of these is one hit, or none."""
    caught = (
        "what it was told", "stands in the row", "hangs on it", "of whom", "which is none", "{name!r}' is no tag", "anew",
        "a day and agency", "small letters", "the door", "stand-in", "set aside", "looked at", "in a lane", "a ledger",
    )  # fmt: skip
    for text in caught:
        assert sum(bool(avoided.pattern.search(text)) for avoided in AVOIDED) == 1, text
    for text in (
        "W stands for write",
        "understand",
        "there is none",
        "the call hangs",
        "there is no plan",
        "doorstep",
        "settled_at",
        "to whom it may concern",
        "sync_scope.lane",
        "ams_etl/lane",
    ):
        assert not any(avoided.pattern.search(text) for avoided in AVOIDED), text


def test_the_glossary_has_each_term_once_and_links_to_what_exists() -> None:
    """One word, one thing."""
    page = GLOSSARY.read_text(encoding="utf-8")
    terms = Counter(term for row in re.findall(r"^\| \*\*(.+?)\*\*", page, re.MULTILINE) for term in row.split(", "))
    assert len(terms) > 60
    assert not [term for term, count in terms.items() if count > 1]
    links = re.findall(r"\]\((.+?)\)", page)
    assert links
    assert not [link for link in links if not (GLOSSARY.parent / link).exists()]
