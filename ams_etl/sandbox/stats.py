"""Counts of what a sandbox was asked."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Stats:
    """Counts since the last reset; the calls in flight are not forgotten by it."""

    calls: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    peak_in_flight: int = 0
    connections: int = 0
    logins: int = 0
    soap_faults: int = 0
    bytes_in: int = 0
    bytes_out: int = 0

    def begin(self, operation: str, size: int) -> None:
        """A call has come."""
        self.calls[operation] += 1
        self.bytes_in += size
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)

    def end(self, size: int, *, is_fault: bool) -> None:
        """A call is answered."""
        self.in_flight -= 1
        self.bytes_out += size
        self.soap_faults += is_fault

    def reset(self) -> None:
        """Count from nothing again."""
        self.calls.clear()
        self.struck.clear()
        self.peak_in_flight = self.in_flight
        self.connections = self.logins = self.soap_faults = self.bytes_in = self.bytes_out = 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON. `faults` counts what was made to go wrong, `soap_faults` the fault answers of any reason."""
        return {
            "calls": dict(self.calls), "total": sum(self.calls.values()), "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight, "connections": self.connections, "logins": self.logins,
            "faults": sum(self.struck.values()), "faults_by_kind": dict(self.struck),
            "soap_faults": self.soap_faults, "bytes_in": self.bytes_in, "bytes_out": self.bytes_out,
        }  # fmt: skip
