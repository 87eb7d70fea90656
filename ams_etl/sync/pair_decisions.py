"""What users decide about two source records: that they are one person or account, or that they are not."""

from typing import Any, Literal

import psycopg

from ams_etl.store.agency_db import scalar
from ams_etl.store.merge import RawTable

Decision = Literal["confirmed", "refused"]


def is_gone(connection: psycopg.Connection[Any], table: RawTable, agency: str, entity_id: str) -> bool | None:
    """Return whether the source deleted a record; None: it never had one of that id."""
    gone: bool | None = scalar(
        connection,
        f"select deleted_at is not null from {table.qualified} where agency = %s and entity_id = %s",
        (agency, entity_id),
    )
    return gone
