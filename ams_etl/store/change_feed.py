"""The change feed's order: within an agency, seq rises in the order in which publishes commit."""

from typing import Any

import psycopg


def hold_feed(connection: psycopg.Connection[Any], agency: str) -> None:
    """Let no other publish of this agency write to `mart.changes` until this transaction ends.

    Contacts are published under another lock than accounts and policies. Without one they share, a lower seq could become
    visible after a higher one, and a consumer that keeps the highest would miss it. Take it last, before the first insert.
    """
    connection.execute("select pg_advisory_xact_lock(hashtextextended('feed:' || %s, 0))", (agency,))
