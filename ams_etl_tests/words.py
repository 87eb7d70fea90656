"""Find words that this project does not use, in documentation, docstrings, comments, messages and loop variables.

`python -m ams_etl_tests.words` lists each with its line.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
NAMES = {"one", "told", "whom"}
"""A loop variable is named for what it holds."""


class Avoided(NamedTuple):
    """A word in one of its senses, and what to write instead."""

    pattern: re.Pattern[str]
    instead: str
    where: str = ""
    """A pattern of the paths that it is avoided in; empty: everywhere."""


def _avoided(pattern: str, instead: str, where: str = "") -> Avoided:
    return Avoided(re.compile(pattern, re.IGNORECASE), instead, where)


AVOIDED = (
    _avoided(r"\b(un)?told\b|\btells? (of|nobody|anybody)\b", "reported, announced, notified; unannounced"),
    _avoided(r"\b(stands?|stood)\b(?! for\b|-)", "is, is stored, is listed"),
    _avoided(r"\b(hangs?|hung|hanging) (on|from|beneath|off)\b", "depends on; dependent rows"),
    # "To whom it may concern" is data: a name that agencies type, and that the rules recognise.
    _avoided(r"\bwhom\b(?! it may concern)|\bwhose word\b|\bperson's word\b", "a user's decision, confirmed by a user"),
    _avoided(r"(?<!\bthere )\b(is|are) (?-i:none)\b", "is not a valid …; unknown …; there is none"),
    _avoided(r"'\w+' is no \w+|\}'? is no \w+|`\w+` is no \w+", "is not a valid …; unknown …"),
    _avoided(r"\ban? (day|week|month|hour|minute) and (agency|customer)\b", "once per agency per day"),
    _avoided(r"\bsmall letters?\b", "lower case"),
    _avoided(r"\banew\b", "again"),
    _avoided(r"\b(our|the|this|http|inbound|dagster) doors?\b", "the inbound service; Dagster"),
    _avoided(r"\bstand-?ins?\b", "sandbox"),
    _avoided(r"\bsettl(e|es|ed|ing)\b", "interpret, classify", r"/notifications/|docs/notifications"),
    _avoided(r"\bsets? aside\b|\bsetting aside\b", "quarantine"),
    _avoided(r"\blook(s|ed|ing)? at\b", "check, evaluate, read, review"),
    _avoided(r"\bgives\b", "returns", r"^ams_etl/.*\.py$"),
    # `sync_scope.lane` (`self.lane` in its message) and the run tag `ams_etl/lane` are deprecated names that users may
    # still have. The pages excepted below describe the outbox.
    _avoided(
        r"(?<!sync_scope\.)(?<!self\.)(?<!ams_etl/)(?<!outbox/)\blanes?\b",
        "trigger; the outbox alone has lanes",
        r"^(?!ams_etl/writeback/|ams_etl/sync/forgetting/erase|docs/(writeback|benefitpoint|glossary|architecture|performance))",
    ),
    _avoided(r"\bledger\b", "SyncRuns, GroupCommit"),
)
_JINJA = re.compile(r"\{[{%].*?[%}]\}")
"""Jinja's own words, such as `is none`."""
PAGES = (
    "README.md", "CONTRIBUTING.md", "docs/**/*.md", "sql/README.md", "deploy/**/*.md", "ams_etl/**/*.html", "ams_etl/**/*.py",
    "ams_etl_tests/**/*.py", "benchmarks/*.py",
)  # fmt: skip
OWN = {Path(__file__), Path(__file__).parent / "test_words.py"}
TESTS = re.compile(r"^(ams_etl_tests|benchmarks)/")
"""Their strings are data, such as names that agencies type; docstrings and comments are read by people."""


class Found(NamedTuple):
    """A word at a place."""

    path: str
    line: int
    word: str
    instead: str


def found() -> Iterator[Found]:
    """Yield every avoided word that is left, by path and line."""
    for path in sorted({path for page in PAGES for path in ROOT.glob(page)} - OWN):
        name = str(path.relative_to(ROOT))
        source = path.read_text(encoding="utf-8")
        if path.suffix != ".py":
            texts = [(1, _JINJA.sub("", source))]
        else:
            texts = list(_comments(source) if TESTS.search(name) else _texts(source))
        yield from _in_text(name, texts)
        if path.suffix == ".py":
            yield from _in_loops(name, source)


def _in_text(name: str, texts: list[tuple[int, str]]) -> Iterator[Found]:
    for avoided in AVOIDED:
        if re.search(avoided.where, name):
            for start, text in texts:
                for match in avoided.pattern.finditer(text):
                    yield Found(name, start + text.count("\n", 0, match.start()), match[0], avoided.instead)


def _texts(source: str) -> Iterator[tuple[int, str]]:
    """Docstrings, messages and comments; each name within a formatted one counts, too."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT):
            yield token.start[0], token.string


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """Docstrings and comments alone."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                yield first.lineno, first.value.value


def _in_loops(name: str, source: str) -> Iterator[Found]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            for target in ast.walk(node.target):
                if isinstance(target, ast.Name) and target.id in NAMES:
                    yield Found(name, target.lineno, f"for {target.id} in", "a name for what it holds")


def main() -> int:
    """Print them; exit code 1 where there are words to replace."""
    words = list(found())
    for word in words:
        print(f"{word.path}:{word.line}: {word.word!r}: write {word.instead}")
    print(f"{len(words)} words to replace")
    return 1 if words else 0


if __name__ == "__main__":
    sys.exit(main())
