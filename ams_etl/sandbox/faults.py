"""What can be made to go wrong, and what was asked: switches and counts of one stand-in."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ams_etl.sandbox.http import Response


@dataclass(slots=True)
class Faults:
    """The switches; every one is off at first. Rates are shares of calls, `next_*` counts calls to come."""

    latency_ms: float = 0
    unavailable_rate: float = 0
    next_unavailable: int = 0
    drop_rate: float = 0
    next_drop: int = 0
    next_cut: int = 0
    only: list[str] = field(default_factory=list)
    """Operations that the switches above are for; empty: all but Login."""

    def strike(self, operation: str, rng: random.Random) -> Response | None:
        """What goes wrong with this call, or None; a call may be answered with `cut` by the caller."""
        if (self.only and operation not in self.only) or (not self.only and operation == "Login"):
            return None
        if self.next_unavailable > 0:
            self.next_unavailable -= 1
            return Response(503, b"Service Unavailable", "text/plain")
        if self.next_drop > 0:
            self.next_drop -= 1
            return Response(500, drop=True)
        if self.unavailable_rate and rng.random() < self.unavailable_rate:
            return Response(503, b"Service Unavailable", "text/plain")
        if self.drop_rate and rng.random() < self.drop_rate:
            return Response(500, drop=True)
        return None

    def cut_next(self, operation: str) -> bool:
        """Whether this answer is sent by half."""
        if self.next_cut > 0 and operation != "Login" and (not self.only or operation in self.only):
            self.next_cut -= 1
            return True
        return False

    def switch(self, settings: dict[str, Any]) -> None:
        """Set switches by name.

        Raises:
            KeyError: no such switch.
        """
        for name, value in settings.items():
            if name not in Faults.__slots__:
                raise KeyError(name)
            setattr(self, name, value)


@dataclass(slots=True)
class Stats:
    """What the stand-in was asked since the last reset."""

    calls: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    peak_in_flight: int = 0
    connections: int = 0
    faults: int = 0
    bytes_out: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "calls": dict(self.calls), "total": sum(self.calls.values()), "peak_in_flight": self.peak_in_flight,
            "connections": self.connections, "faults": self.faults, "bytes_out": self.bytes_out,
        }  # fmt: skip
