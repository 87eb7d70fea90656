"""What a client asked for."""

import logging
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ams_etl.sources.calling.answers import Repaired

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class CallCounts:
    """What a client asked for and what it took; `peak_in_flight` never exceeds the concurrency that was set."""

    by_operation: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    logins: int = 0
    repaired: int = 0
    """Records read without characters that neither XML nor Postgres can hold."""
    bytes_in: int = 0
    peak_in_flight: int = 0
    began_at: float = field(default_factory=time.monotonic)

    @property
    def total(self) -> int:
        """All calls, retries included."""
        return sum(self.by_operation.values())

    @property
    def seconds(self) -> float:
        """How long the client has been open."""
        return time.monotonic() - self.began_at

    def note_repaired(self, operation: str, records: Iterable[Repaired]) -> None:
        """Count repaired records and name each in the log, by its id."""
        for record in records:
            self.repaired += 1
            _log.warning(
                "%s: left %d forbidden characters out of %s %s",
                operation, record.characters, record.kind, record.entity_id or "without an id",
            )  # fmt: skip
