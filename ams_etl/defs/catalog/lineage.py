"""Which members of which raw table make each column of the mart, and by which rules.

`lineage.json` maps column -> raw table -> member -> rule ids. A test compares it with what the rules say of themselves.
"""

import json
from collections.abc import Mapping
from importlib.resources import files

import dagster as dg

Rules = tuple[str, ...]


def _read() -> Mapping[str, Mapping[str, Mapping[str, list[str]]]]:
    content = files("ams_etl.defs.catalog").joinpath("lineage.json").read_text(encoding="utf-8")
    lineage: Mapping[str, Mapping[str, Mapping[str, list[str]]]] = json.loads(content)
    return lineage


LINEAGE = _read()
"""Column of the mart (`mart.contacts.city`) -> raw table -> member of its payload -> rule ids."""


def _members() -> dict[str, dict[str, Rules]]:
    members: dict[str, dict[str, Rules]] = {}
    for tables in LINEAGE.values():
        for table, rules_by_member in tables.items():
            for member, rules in rules_by_member.items():
                known = members.setdefault(table, {})
                known[member] = tuple(sorted({*known.get(member, ()), *rules}))
    return {table: dict(sorted(known.items())) for table, known in members.items()}


MEMBERS = _members()
"""Raw table -> member of its payload that some rule reads -> those rules' ids."""


def rules_of_column(table: str, column: str) -> Rules:
    """Return the ids of the rules that decide a column of the mart."""
    tables = LINEAGE.get(f"{table}.{column}", {})
    return tuple(sorted({rule for members in tables.values() for rules in members.values() for rule in rules}))


def column_lineage(table: str) -> dg.TableColumnLineage | None:
    """Return where the columns of a table of the mart come from; None for a table of which nothing is known."""
    prefix = f"{table}."
    deps = {
        column.removeprefix(prefix): [
            dg.TableColumnDep(asset_key=dg.AssetKey(raw.split(".")), column_name=f"payload.{member}")
            for raw, members in tables.items()
            for member in members
        ]
        for column, tables in LINEAGE.items()
        if column.startswith(prefix)
    }
    return dg.TableColumnLineage(deps) if deps else None
