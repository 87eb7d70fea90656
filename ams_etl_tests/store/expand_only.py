"""What a migration takes away from the version of ams_etl that still runs while it is applied."""

import re

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_QUOTED = re.compile(r"(\$\w*\$).*?\1|'(?:[^']|'')*'", re.DOTALL)
_CREATED = re.compile(
    r"\bcreate (?:or replace )?(?:unlogged )?(?:table|view|materialized view) (?:if not exists )?([\w.]+)"
)
_TABLE = re.compile(
    r"^(?:alter table (?:if exists |only )*|create unique index (?:concurrently )?(?:if not exists )?\w+ on )([\w.]+)"
)
_DROPPED_CONSTRAINT = re.compile(r"\bdrop constraint (?:if exists )?(\w+)")
_ADDED_CONSTRAINT = re.compile(r"\badd constraint (\w+)")
_DROP = re.compile(r"^drop (table|view|materialized view|schema|sequence|type|domain|function|procedure|role)\b")
_ADDED_COLUMN = re.compile(r"\badd column (?:if not exists )?\w+((?:\([^)]*\)|[^,;(])*)")
_IN_ALTER = (
    (re.compile(r"\brename\b"), "renames what an older version uses"),
    (re.compile(r"\bdrop column\b"), "drops a column"),
    (re.compile(r"\bset not null\b"), "forbids null, which an older version may write"),
    (re.compile(r"\balter (?:column )?\w+ (?:set data )?type\b"), "changes the type of a column"),
    (re.compile(r"\bdrop default\b"), "drops a default that an older version relies on"),
)


def taken_away(migration: str) -> list[str]:
    """Return what a migration does that a version from before it may not survive, one sentence each.

    Tables and views that the same file creates are new, so nobody uses them yet. What functions do is not read, nor whether an
    update changes the meaning of values.
    """
    plain = _QUOTED.sub("''", _COMMENT.sub(" ", migration)).lower()
    statements = [" ".join(statement.split()) for statement in plain.split(";")]
    created = {name for statement in statements for name in _CREATED.findall(statement)}
    loosened = {name for statement in statements for name in _DROPPED_CONSTRAINT.findall(statement)}
    return [
        f"{reason}: {statement[:100]}"
        for statement in statements
        if not ((table := _TABLE.match(statement)) and table[1] in created)
        for reason in _reasons(statement, loosened)
    ]


def _reasons(statement: str, loosened: set[str]) -> list[str]:
    if dropped := _DROP.match(statement):
        return [f"drops a {dropped[1]}"]
    if statement.startswith("create unique index"):
        return ["refuses rows that an older version may write"]
    if not statement.startswith("alter "):
        return []
    reasons = [reason for pattern, reason in _IN_ALTER if pattern.search(statement)]
    reasons += [
        "adds a column that an older version leaves out, without a default"
        for definition in _ADDED_COLUMN.findall(statement)
        if "not null" in definition and " default " not in definition and "generated" not in definition
    ]
    # One that the same file dropped is a check that now allows more.
    if set(_ADDED_CONSTRAINT.findall(statement)) - loosened:
        reasons.append("refuses rows that an older version may write")
    return reasons
