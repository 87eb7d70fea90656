"""Take the rows of a list apart: those that have their key, and those that are rejected because they do not."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ams_etl.sources.calling.answers import Rejected
from ams_etl.sources.calling.source_record import SourceRecord


def whole_number(value: Any) -> int | None:
    """Return a number that a service may also write as text or with a fraction of zero; None where it is not one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) else None


def keyed_rows(
    kind: str, rows: Iterable[Any], key: str, customer_of: Callable[[Mapping[str, Any], str], str | None]
) -> tuple[list[SourceRecord], list[Rejected]]:
    """Return the rows by their key, and why others have none.

    Args:
        kind: what a row is, for the reason.
        rows: as the service sends them.
        key: the member that identifies a row; it becomes a whole number in the row, too.
        customer_of: which customer a row with this key belongs to.
    """
    found: dict[str, SourceRecord] = {}
    rejected: list[Rejected] = []
    disputed: set[str] = set()
    for place, row in enumerate(rows, 1):
        number = whole_number(row.get(key)) if isinstance(row, dict) else None
        if number is None:
            reason = f"{key} is not a number" if isinstance(row, dict) else "not an object"
            rejected.append(Rejected(kind, None, f"row {place}: {reason}"))
        else:
            row[key] = number
            record = SourceRecord(str(number), customer_of(row, str(number)), row)
            if found.setdefault(record.entity_id, record) != record:
                disputed.add(record.entity_id)
    rejected += [Rejected(kind, entity_id, f"{key} occurs twice with different contents") for entity_id in disputed]
    return [record for record in found.values() if record.entity_id not in disputed], rejected
