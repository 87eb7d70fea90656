"""Tell Postgres' planner how large tables have become: until then it plans for the empty tables of before a first load."""

from collections.abc import Sequence

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

LARGE = 5_000
"""Rows that a load brings before it is worth reading samples of the tables."""


def analyze(connection: psycopg.Connection[object], tables: Sequence[str]) -> None:
    """Read samples of these tables (`schema.table`), for some tenths of a second each.

    Autovacuum does the same, a minute later at best. Inside a transaction nothing is done: the lock on each table would make
    whoever else analyzes it wait until the end.
    """
    if connection.info.transaction_status is not TransactionStatus.IDLE:
        return
    names = sql.SQL(", ").join(sql.Identifier(*table.split(".")) for table in tables)
    connection.execute(sql.SQL("analyze {}").format(names))
