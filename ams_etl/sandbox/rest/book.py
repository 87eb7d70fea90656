"""The records of one sandbox, each with the moment of its last change. Deletions are remembered."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

Record = dict[str, Any]


class Book:
    """Records by kind and key (a string), for as long as the process lives.

    Args:
        began_at: the moment at which generated records were last changed, unless said otherwise.
    """

    def __init__(self, began_at: datetime) -> None:
        self._began_at = began_at
        self._records: dict[str, dict[str, Record]] = defaultdict(dict)
        self._changed_at: dict[str, dict[str, datetime]] = defaultdict(dict)
        self._deleted_at: dict[str, dict[str, datetime]] = defaultdict(dict)

    def plant(self, kind: str, key: str, record: Record, at: datetime | None = None) -> None:
        """Add a generated record, changed at `at`."""
        self._records[kind][key] = record
        self._changed_at[kind][key] = at or self._began_at

    def put(self, kind: str, key: str, record: Record) -> datetime:
        """Add or replace a record now, and return the moment."""
        now = datetime.now(UTC)
        self._records[kind][key] = record
        self._changed_at[kind][key] = now
        self._deleted_at[kind].pop(key, None)
        return now

    def touch(self, kind: str, key: str) -> datetime:
        """A record counts as changed now, because something of it that lies elsewhere did."""
        now = datetime.now(UTC)
        self._changed_at[kind][key] = now
        return now

    def remove(self, kind: str, key: str) -> bool:
        """Take a record away and remember when."""
        if self._records[kind].pop(key, None) is None:
            return False
        del self._changed_at[kind][key]
        self._deleted_at[kind][key] = datetime.now(UTC)
        return True

    def get(self, kind: str, key: str) -> Record | None:
        """A record, or None."""
        return self._records[kind].get(key)

    def all_of(self, kind: str) -> dict[str, Record]:
        """Every record of a kind by its key."""
        return self._records[kind]

    def changed_at(self, kind: str, key: str) -> datetime:
        """When a record was last changed."""
        return self._changed_at[kind][key]

    def deleted_since(self, kind: str, moment: datetime | None) -> list[str]:
        """Keys of what was deleted at or after a moment; None: of all."""
        return [key for key, at in self._deleted_at[kind].items() if moment is None or at >= moment]

    def next_id(self, kind: str) -> int:
        """A number that no record of the kind has, or had."""
        known = [int(key) for key in (*self._records[kind], *self._deleted_at[kind]) if key.isdigit()]
        return max(known, default=0) + 1
