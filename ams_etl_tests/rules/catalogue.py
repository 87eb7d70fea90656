"""The rule catalogue: from what the documents say to the function that does it and the tests that hold it.

`python -m ams_etl_tests.rules.catalogue --write` writes docs/rules.md; without it, the page is printed.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import ams_etl.rules
from ams_etl.rules.contacts.findings import SENTENCES
from ams_etl.rules.contacts.reasons import REASONS
from ams_etl_tests.rules import golden, writeback_golden

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "rules.md"
RULES = Path(ams_etl.rules.__file__).parent
REQUIRED = (
    *(
    f"{chapter}{number}"
    for chapter, last in (
        ("C", 8),
        ("N", 17),
        ("Q", 3),
        ("L", 8),
        ("T", 4),
        ("K", 3),
        ("O", 3),
        ("X", 3),
        ("A", 8),
        ("M", 9),
        ("W", 9),
    )
    for number in range(1, last + 1)
    ),
    "W11", "W12", "W13",
    *(f"B{number}" for number in range(1, 12)),
)  # fmt: skip
_IDS = re.compile(r"((?:[A-Z]\d+)(?:, [A-Z]\d+)*):")
_HEAD = """# The rules

What the documents say about contacts, tags, Key Facts, ownership, merging and writeback, and where it is done. Each
rule lives in one function whose docstring begins with its id; its examples are in `ams_etl_tests/rules/cases/`, what
holds for every customer in the property tests beside them. *Decided* is ours, where the documents are silent.

This page is generated (`python -m ams_etl_tests.rules.catalogue --write`), and a test fails when it is stale.
"""


@dataclass
class Rule:
    """One row: what is said, where it is done, and how it is held."""

    id: str
    says: tuple[str, ...]
    decided: str | None
    functions: list[str] = field(default_factory=list)
    cases: int = 0
    failing: int = 0
    tests: int = 0


@dataclass(frozen=True)
class Chapter:
    """The rules of one subject; `elsewhere` when another room does them."""

    title: str
    rules: tuple[Rule, ...]
    elsewhere: bool = False


@cache
def chapters() -> tuple[Chapter, ...]:
    """The catalogue, every rule with its functions and tests."""
    functions, tests, cases, failing = _functions(), _tests(), Counter[str](), Counter[str]()
    for case in golden.load():
        cases.update(case.rules)
        if golden.differences(case):
            failing.update(case.rules)
    for entry in writeback_golden.load():
        cases.update(entry.rules)
        if writeback_golden.differences(entry):
            failing.update(entry.rules)
    written: list[dict[str, Any]] = yaml.safe_load((HERE / "catalogue.yaml").read_text(encoding="utf-8"))
    return tuple(
        Chapter(
            entry["chapter"],
            tuple(
                Rule(
                    key, tuple(said.get("says", ())), said.get("decided"), functions.get(key, []), cases[key], failing[key],
                    tests[key],
                )
                for key, said in entry["rules"].items()
            ),
            entry.get("elsewhere", False),
        )
        for entry in written
    )  # fmt: skip


def _functions() -> dict[str, list[str]]:
    """Rule id -> the functions that say they do it, as `file.py name`."""
    found: dict[str, list[str]] = {}
    for file in sorted(RULES.rglob("*.py")):
        for name, key in _told(file):
            found.setdefault(key, []).append(f"{file.relative_to(RULES)} {name}")
    return found


def _tests() -> Counter[str]:
    """Rule id -> how many tests, golden cases apart, say that they hold it."""
    return Counter(
        key for file in sorted(HERE.glob("test_*.py")) for name, key in _told(file) if name.startswith("test_")
    )


def _told(file: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            ids = _IDS.match(ast.get_docstring(node) or "")
            if ids:
                yield from ((node.name, key) for key in ids[1].split(", "))


def render() -> str:
    """The page."""
    held = [rule for chapter in chapters() if not chapter.elsewhere for rule in chapter.rules]
    good = sum(not rule.failing and bool(rule.cases + rule.tests) for rule in held)
    lines = [
        _HEAD,
        f"{good} of {len(held)} rules hold; {len(golden.load()) + len(writeback_golden.load())} golden cases.\n",
    ]
    for chapter in chapters():
        lines.append(f"## {chapter.title}\n")
        if chapter.elsewhere:
            lines += ["Not rules about contacts; said in the same documents, done outside `ams_etl/rules/`.\n"]
            lines += ["| Rule | What the documents say |", "|---|---|"]
            lines += [f"| {rule.id} | {_said(rule)} |" for rule in chapter.rules]
        else:
            lines += [
                "| Rule | What the documents say | Function | Golden cases | Other tests | Result |",
                "|---|---|---|---|---|---|",
            ]
            lines += [
                f"| {rule.id} | {_said(rule)} | {'<br>'.join(map(_link, rule.functions))} | {rule.cases} | {rule.tests} "
                f"| {f'{rule.failing} fail' if rule.failing else 'holds'} |"
                for rule in chapter.rules
            ]
        lines.append("")
    lines += _explained()
    return "\n".join(lines).rstrip() + "\n"


def _explained() -> list[str]:
    """Return the tables of reasons and findings, in the words that people see."""
    reasons = [
        f"| `{name}` | {_cell(reason.sentence)} | {f'`{reason.setting}`' if reason.setting else ''} |"
        for name, reason in REASONS.items()
    ]
    findings = [f"| `{name}` | {_cell(sentence)} |" for name, sentence in SENTENCES.items()]
    return [
        "## Why a record is no contact\n",
        "The reasons in `mart.skipped_contacts`, as the pages show them.\n",
        "| Reason | What it means | Setting that decides |", "|---|---|---|", *reasons, "",
        "## What `ams-etl why` remarks\n",
        "Findings that are no value of a contact.\n",
        "| Finding | What it means |", "|---|---|", *findings,
    ]  # fmt: skip


def _said(rule: Rule) -> str:
    said = [f"“{_cell(sentence)}”" for sentence in rule.says]
    return "<br>".join([*said, *([f"*Decided:* {_cell(rule.decided)}"] if rule.decided else [])])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _link(function: str) -> str:
    file, name = function.split()
    return f"[`{name}`](../ams_etl/rules/{file})"


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(render(), encoding="utf-8")
    else:
        sys.stdout.write(render())
