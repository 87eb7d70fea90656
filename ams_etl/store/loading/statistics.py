"""Tell Postgres' planner how large tables have become: until then it plans for the empty tables of before a first load.

It may then compare each of 200,000 rows with every other one, which takes hours. Autovacuum tells it as well, a minute later at
best, and a load of a million rows from a fast source does not take so long.
"""

from collections.abc import Sequence

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

LARGE = 5_000
"""Rows that a load brings before it is worth reading samples of the tables."""


def analyze(connection: psycopg.Connection[object], tables: Sequence[str]) -> None:
    """Read samples of these tables (`schema.table`), for some tenths of a second each.

    Inside a transaction nothing is done: the lock on each table would make whoever else analyzes it wait until the end.
    """
    if connection.info.transaction_status is not TransactionStatus.IDLE:
        return
    names = sql.SQL(", ").join(sql.Identifier(*table.split(".")) for table in tables)
    connection.execute(sql.SQL("analyze {}").format(names))


class Growth:
    """Analyzes the tables that a long load fills, some four times for a million rows, so that no batch costs more than the first.

    Args:
        connection: the one that loads.
        tables: `schema.table`.
    """

    def __init__(self, connection: psycopg.Connection[object], tables: Sequence[str]) -> None:
        self._connection, self._tables = connection, tables
        self._next = LARGE

    def reached(self, rows: int) -> None:
        """Take note of how many rows the load has brought so far; call it outside the load's transactions."""
        if rows >= self._next:
            analyze(self._connection, self._tables)
            self._next = 4 * rows
