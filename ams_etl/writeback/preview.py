"""What would be written: the records as AMS360 would get them, with nothing sent and nothing kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.settings import Agency
from ams_etl.writeback.ams360_target import OPERATIONS
from ams_etl.writeback.expand import expand_events


@dataclass(frozen=True, slots=True)
class PlannedRecord:
    """One write: AMS360's operation, and its arguments by AMS360's own names."""

    writeback_id: UUID
    kind: str
    operation: str
    customer_id: str | None
    arguments: dict[str, Any]
    remark: str | None


_REMARKS = {
    "customer": "after a search for duplicates; one that is there has its CustomerType raised at most",
    "update_customer": "the whole Customer is read and written back, with these members changed",
    "complete_suspense": "the suspense is read and written back, with IsCompleted set",
}


def planned_records(connection: psycopg.Connection[Any], agency: Agency, zone: tzinfo) -> Iterator[PlannedRecord]:
    """Everything that waits, and what the events that are due would add; the database is left as it was."""
    for writeback_id, kind, operation, customer_id, request in _rows(connection, agency, zone):
        arguments: dict[str, Any] = {name: value for name, value in request.items() if isinstance(value, dict)}
        for record in arguments.values():
            if operation not in {"customer", "complete_suspense"}:
                record["CustomerId"] = customer_id
        files = request.get("attachments")
        remark = f"with {len(files)} files, uploaded before" if files else _REMARKS.get(operation)
        yield PlannedRecord(writeback_id, kind, OPERATIONS.get(operation, operation), customer_id, arguments, remark)


def _rows(connection: psycopg.Connection[Any], agency: Agency, zone: tzinfo) -> list[Any]:
    with connection.transaction(force_rollback=True):
        expand_events(connection, agency, zone)
        return connection.execute(
            """select writeback_id, kind, operation, customer_id, request from ops.writebacks
            where agency = %s and system = 'ams360' and status in ('waiting', 'pending') order by position""",
            (agency.id,),
        ).fetchall()
