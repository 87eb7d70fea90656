"""What the last publish wrote into the change feed: rows by entity and operation, and which fields updates changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

NEWEST = 20_000
"""Rows of the feed that are read: a first publish has hundreds of thousands, and each of them is an insert."""
_LAST = """with newest as (
    select seq, entity, op, before, after, at, run_id from mart.changes where agency = %(agency)s
    order by seq desc limit %(newest)s),
last as (select run_id, at from newest order by seq desc limit 1)
"""
_BY_OP = f"""{_LAST}
select entity, op, count(*), min(newest.at) from newest, last
where newest.run_id is not distinct from last.run_id and newest.at >= last.at - interval '1 hour'
group by entity, op order by 3 desc, 1, 2"""
_BY_FIELD = f"""{_LAST}
select entity, field, count(*) from newest, last,
    lateral (select coalesce(b.key, a.key) as field from jsonb_each(before) b full join jsonb_each(after) a on a.key = b.key
        where a.value is distinct from b.value) changed
where op = 'update' and newest.run_id is not distinct from last.run_id and newest.at >= last.at - interval '1 hour'
group by entity, field order by 3 desc, 1, 2"""


@dataclass(frozen=True, slots=True)
class LastPublish:
    """Counts of the newest publish; `at` is None where nothing was ever published."""

    at: datetime | None
    by_op: list[tuple[str, str, int]]
    by_field: list[tuple[str, str, int]]


def last_publish(connection: psycopg.Connection[Any], agency: str) -> LastPublish:
    """Return what the last publish of an agency changed, of at most the newest 20,000 rows."""
    place = {"agency": agency, "newest": NEWEST}
    by_op = connection.execute(_BY_OP, place).fetchall()
    by_field = connection.execute(_BY_FIELD, place).fetchall()
    return LastPublish(
        min((at for *_, at in by_op), default=None),
        [(entity, op, count) for entity, op, count, _ in by_op],
        [(entity, field, count) for entity, field, count in by_field],
    )
