"""Records that a source no longer has keep their row in raw, marked deleted."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import psycopg

from ams_etl.store.agency_db import column
from ams_etl.store.loading.copy import copy_rows
from ams_etl.store.merge import RawTable


def mark_deleted(
    connection: psycopg.Connection[Any], table: RawTable, agency: str, entity_ids: Iterable[str], *, seen_at: datetime
) -> list[str]:
    """Mark these records deleted, and give the ids of those that were not yet.

    Call it in the transaction that marks their customers dirty.
    """
    return column(
        connection,
        f"""update {table.qualified} set deleted_at = %s
            where agency = %s and entity_id = any(%s) and deleted_at is null returning entity_id""",
        (seen_at, agency, list(entity_ids)),
    )


def mark_missing(
    connection: psycopg.Connection[Any], table: RawTable, agency: str, seen: Iterable[str], *, seen_at: datetime
) -> list[str]:
    """Mark what a complete listing lacks as deleted, and give the ids.

    Args:
        connection: inside the transaction that marks the customers dirty.
        table: whose records were listed.
        agency: the agency id.
        seen: every id of the listing.
        seen_at: when it was made.
    """
    connection.execute("create temp table if not exists seen_records (entity_id text) on commit delete rows")
    connection.execute("delete from seen_records")
    copy_rows(connection, "seen_records", {"entity_id": "text"}, ((entity_id,) for entity_id in seen))
    connection.execute("analyze seen_records")
    return column(
        connection,
        f"""update {table.qualified} t set deleted_at = %s where agency = %s and deleted_at is null
                and not exists (select from seen_records s where s.entity_id = t.entity_id) returning entity_id""",
        (seen_at, agency),
    )
