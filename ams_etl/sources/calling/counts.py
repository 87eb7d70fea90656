"""What a client asked for."""

import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class CallCounts:
    """What a client asked for and what it took; `peak_in_flight` never exceeds the concurrency that was set."""

    by_operation: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    logins: int = 0
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
