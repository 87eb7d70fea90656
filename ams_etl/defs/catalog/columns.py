"""Columns of the assets' tables, as Postgres has them: `columns.json` is written from its comments, and a test compares.

Definitions load in the process of every step, where nothing may ask Postgres.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files

import dagster as dg

from ams_etl.defs.catalog.lineage import MEMBERS, rules_of_column

FILE = "columns.json"


def _read() -> Mapping[str, Sequence[Sequence[str]]]:
    content = files("ams_etl.defs.catalog").joinpath(FILE).read_text(encoding="utf-8")
    columns: Mapping[str, Sequence[Sequence[str]]] = json.loads(content)
    return columns


COLUMNS = _read()
"""Table -> (name, type, comment) of each column."""


def column_schema(table: str) -> dg.TableSchema | None:
    """Return a table's columns with types, comments and rules, and of a raw table the members that rules read."""
    if table not in COLUMNS:
        return None
    columns = [
        dg.TableColumn(name, kind, _with_rules(comment, rules_of_column(table, name)))
        for name, kind, comment in COLUMNS[table]
    ]
    members = [
        dg.TableColumn(f"payload.{member}", "member of payload", _with_rules("As received.", rules))
        for member, rules in MEMBERS.get(table, {}).items()
    ]
    return dg.TableSchema([*columns, *members])


def _with_rules(comment: str, rules: Sequence[str]) -> str:
    return f"{comment.rstrip('.')}. Rules: {', '.join(rules)}." if rules else comment
