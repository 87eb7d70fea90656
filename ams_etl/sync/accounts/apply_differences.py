"""Bring rows of a mart table to what they ought to be, with each difference in the change feed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.store.change_feed import hold_feed
from ams_etl.store.loading.copy import copy_rows
from ams_etl.sync.change_counts import PublishCounts

Document = Mapping[str, Any]
"""A row as JSON values: dates as ISO text, numbers as they are."""
_Change = tuple[str, UUID, Document | None, Document | None]
_STAGED = {"place": "int4", "op": "text", "id": "uuid", "before": "jsonb", "after": "jsonb"}


@dataclass(frozen=True, slots=True)
class MartTable:
    """A table whose rows have an id, columns, created_at and updated_at."""

    name: str
    entity: str
    key: str
    columns: tuple[str, ...]

    def read(
        self, connection: psycopg.Connection[Any], agency: str, condition: str, values: Mapping[str, Any]
    ) -> dict[UUID, Document]:
        """The rows of an agency that a condition in SQL finds, by id."""
        rows = connection.execute(
            f"""select {self.key}, to_jsonb(t) - array['agency', '{self.key}', 'created_at', 'updated_at']
            from mart.{self.name} t where agency = %(agency)s and ({condition})""",
            {"agency": agency, **values},
        )
        return dict(rows.fetchall())


def apply_differences(
    connection: psycopg.Connection[Any],
    agency: str,
    table: MartTable,
    before: Mapping[UUID, Document],
    after: Mapping[UUID, Document],
    run_id: str | None,
) -> PublishCounts:
    """Write what differs between the rows that there are and the rows that ought to be, inside a transaction.

    Args:
        connection: inside the caller's transaction.
        agency: the agency id.
        table: which.
        before: rows as `MartTable.read` returns them; of these, those that `after` lacks are deleted.
        after: rows as they ought to be, all columns given.
        run_id: the Dagster run, for `mart.changes`.
    """
    counts = {"insert": 0, "update": 0, "delete": 0}
    changes: list[_Change] = [("delete", key, before[key], None) for key in before.keys() - after.keys()]
    for key, document in after.items():
        old = before.get(key)
        if old is None or dict(old) != dict(document):
            changes.append(("insert" if old is None else "update", key, old, document))
    # Deletions first, and by id: the feed is the same every time.
    changes.sort(key=lambda change: (change[0] != "delete", change[1].int))
    for op, _, _, _ in changes:
        counts[op] += 1
    if changes:
        _write(connection, agency, table, changes, run_id)
    return PublishCounts(counts["insert"], counts["update"], counts["delete"])


def add_rows(
    connection: psycopg.Connection[Any],
    agency: str,
    table: MartTable,
    rows: Mapping[UUID, Document],
    run_id: str | None,
) -> PublishCounts:
    """Write rows of records that no row holds yet, a part of them at a time; a large agency's first sync is nothing else.

    Args:
        connection: inside the caller's transaction.
        agency: the agency id.
        table: which.
        rows: all columns given.
        run_id: the Dagster run, for `mart.changes`.
    """
    there = table.read(connection, agency, f"{table.key} = any(%(ids)s)", {"ids": list(rows)})
    return apply_differences(connection, agency, table, there, rows, run_id)


def _write(
    connection: psycopg.Connection[Any], agency: str, table: MartTable, changes: Sequence[_Change], run_id: str | None
) -> None:
    connection.execute(
        """create temp table if not exists staged_differences (place integer, op text, id uuid, before jsonb, after jsonb)
        on commit delete rows"""
    )
    connection.execute("delete from staged_differences")
    rows = ((place, op, key, _json(old), _json(new)) for place, (op, key, old, new) in enumerate(changes))
    copy_rows(connection, "staged_differences", _STAGED, rows)
    scope = {"agency": agency, "run_id": run_id, "entity": table.entity}
    names = ", ".join(table.columns)
    connection.execute(
        f"""delete from mart.{table.name} t using staged_differences c
        where t.agency = %(agency)s and t.{table.key} = c.id and c.op = 'delete'""",
        scope,
    )
    connection.execute(
        f"""insert into mart.{table.name} (agency, {table.key}, {names}, created_at, updated_at)
        select %(agency)s, c.id, {", ".join(f"r.{name}" for name in table.columns)}, now(), now()
        from staged_differences c cross join lateral jsonb_populate_record(null::mart.{table.name}, c.after) r
        where c.op <> 'delete'
        on conflict (agency, {table.key}) do update set updated_at = excluded.updated_at,
            {", ".join(f"{name} = excluded.{name}" for name in table.columns)}""",
        scope,
    )
    hold_feed(connection, agency)
    connection.execute(
        """insert into mart.changes (agency, entity, entity_id, op, before, after, run_id, at)
        select %(agency)s, %(entity)s, id::text, op, before, after, %(run_id)s, statement_timestamp()
        from staged_differences order by place""",
        scope,
    )


def _json(document: Document | None) -> bytes | None:
    return None if document is None else json.dumps(document).encode()
