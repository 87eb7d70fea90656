"""Take the rows of a list apart: those that have their key, and those that are rejected because they do not."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ams_etl.sources.calling.answers import LONGEST_TEXT, Rejected
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


def too_long(value: Any, member: str = "a value") -> str | None:
    """Return which member of a record holds more text than any field is meant to, or None; the text itself is not shown."""
    if isinstance(value, str):
        return (
            f"{member} holds {len(value):,} characters; at most {LONGEST_TEXT:,}" if len(value) > LONGEST_TEXT else None
        )
    if isinstance(value, list):
        return next((why for item in value if (why := too_long(item, member))), None)
    if isinstance(value, dict):
        return next(
            (why for name, item in value.items() if (why := too_long(name, "a name") or too_long(item, name))), None
        )
    return None


def keyed_rows(
    kind: str, rows: Iterable[Any], key: str, customer_of: Callable[[Mapping[str, Any], str], str | None]
) -> tuple[list[SourceRecord], list[Rejected]]:
    """Return the rows by their key, and why others are rejected: they have none, or a value that is too long.

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
        elif (why := too_long(row)) is not None:
            rejected.append(Rejected(kind, str(number), why))
        else:
            row[key] = number
            record = SourceRecord(str(number), customer_of(row, str(number)), row)
            if found.setdefault(record.entity_id, record) != record:
                disputed.add(record.entity_id)
    rejected += [Rejected(kind, entity_id, f"{key} occurs twice with different contents") for entity_id in disputed]
    return [record for record in found.values() if record.entity_id not in disputed], rejected
