"""How many contacts had each status and how many records were left out for each reason, day by day."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal

import psycopg

Figure = Literal["contacts_by_status", "skipped_by_reason"]
_QUERIES: Mapping[Figure, str] = {
    "contacts_by_status": "select status, count(*) from mart.contacts where agency = %(agency)s group by status",
    "skipped_by_reason": "select reason, count(*) from mart.skipped_contacts where agency = %(agency)s group by reason",
}
WEEKS = 12
"""How far back a picture looks."""


def note_counts(
    connection: psycopg.Connection[Any], agency: str, today: date
) -> Mapping[Figure, tuple[dict[str, int], dict[str, int]]]:
    """Count what is published, store it as the counts of the day, and return for each figure the counts now and last time.

    Last time is the publish before this one, or an empty mapping where there was none.
    """
    found: dict[Figure, tuple[dict[str, int], dict[str, int]]] = {}
    with connection.transaction():
        for figure, query in _QUERIES.items():
            place = {"agency": agency, "figure": figure, "day": today}
            before = connection.execute(
                """select label, rows from ops.daily_counts where agency = %(agency)s and figure = %(figure)s and day = (
                    select max(day) from ops.daily_counts where agency = %(agency)s and figure = %(figure)s)""",
                place,
            ).fetchall()
            now = connection.execute(query, {"agency": agency}).fetchall()
            connection.execute(
                "delete from ops.daily_counts where agency = %(agency)s and figure = %(figure)s and day = %(day)s",
                place,
            )
            connection.execute(
                """insert into ops.daily_counts (agency, figure, day, label, rows)
                select %(agency)s, %(figure)s, %(day)s, label, rows from unnest(%(labels)s::text[], %(rows)s::bigint[])
                    as counted (label, rows)""",
                {**place, "labels": [str(label) for label, _ in now], "rows": [count for _, count in now]},
            )
            found[figure] = ({str(label): count for label, count in now}, dict(before))
    return found


def counts_by_day(
    connection: psycopg.Connection[Any], agency: str, figure: Figure, today: date
) -> tuple[Sequence[date], Mapping[str, Sequence[int]]]:
    """Return the days of the last weeks that have counts, and for each label its count on each of them."""
    rows = connection.execute(
        """select day, label, rows from ops.daily_counts
        where agency = %s and figure = %s and day > %s order by day, label""",
        (agency, figure, today - timedelta(weeks=WEEKS)),
    ).fetchall()
    days = sorted({day for day, _, _ in rows})
    counts = {(day, label): count for day, label, count in rows}
    labels = sorted(
        {label for _, label, _ in rows}, key=lambda label: -max(counts.get((day, label), 0) for day in days)
    )
    return days, {label: [counts.get((day, label), 0) for day in days] for label in labels}
