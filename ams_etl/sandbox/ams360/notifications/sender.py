"""Sends an agency's notifications over HTTP from a thread of its own, with AMS360's retry habits.

`single`: two tries, then the notification is gone. `blocking`: the oldest first, up to nine tries over two weeks while
all others wait, then the recipient is switched off and everything that waits is deleted. `compress` divides the waits.
Losses, duplicates and reordering come from a seeded generator, and every lost notification is listed.
"""

import heapq
import http.client
import random
import threading
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from ams_etl.sandbox.ams360.agency import Agency, Record
from ams_etl.sandbox.ams360.notifications.assumed_formats import FORMATS
from ams_etl.sandbox.ams360.notifications.changes import Change, change_of

SINGLE_WAITS = (300.0,)
BLOCKING_WAITS = tuple(14 * 86400 * 2**place / 255 for place in range(8))
"""Seconds between the tries: the second doubles from one try to the next, two weeks in all."""
_WAITS = {"single": SINGLE_WAITS, "blocking": BLOCKING_WAITS}
_OVERTAKEN_SECONDS = 0.05


@dataclass(slots=True)
class Delivery:
    """How notifications are sent; without an address none is."""

    url: str | None = None
    code: str = ""
    version: str = "2.0"
    retry: str = "single"
    compress: float = 1.0
    """The waits between tries are divided by it."""
    timeout_seconds: float = 30.0
    lose: float = 0.0
    """The share that is never sent."""
    double: float = 0.0
    """The share that is sent twice."""
    reorder: float = 0.0
    """The share that later ones overtake."""
    seed: int = 0

    def check(self) -> None:
        """Raise ValueError where a value makes no sense."""
        shares = (self.lose, self.double, self.reorder)
        if self.version not in FORMATS or self.retry not in _WAITS or any(not 0 <= share <= 1 for share in shares):
            raise ValueError("version is 1, 2.0 or 3, retry single or blocking, and shares lie between 0 and 1")
        if self.compress <= 0 or self.timeout_seconds <= 0 or (self.url and not urlsplit(self.url).hostname):
            raise ValueError("compress and timeout_seconds are above 0, and url is an http address")


@dataclass(slots=True, order=True)
class _Waiting:
    due: float
    number: int
    change: Change = field(compare=False)
    tries: int = field(default=0, compare=False)


class NotificationSender:
    """Watches one agency; sends once it is given an address.

    Args:
        agency: whose edits raise notifications.
    """

    def __init__(self, agency: Agency) -> None:
        self._agency = agency
        self._lock = threading.Condition()
        self._ready: deque[_Waiting] = deque()
        self._later: list[_Waiting] = []
        self._blocking: _Waiting | None = None
        """The oldest one, tried in vain; nothing else is sent before it."""
        self._in_hand: _Waiting | None = None
        self._delivery = Delivery()
        self._rng = random.Random(0)  # noqa: S311
        self._thread: threading.Thread | None = None
        self._is_on = False
        self._generation = 0
        self._connection: http.client.HTTPConnection | None = None
        self._forget()
        agency.watchers.append(self._watch)

    def configure(self, **given: Any) -> None:
        """Set the members in the request and keep the others. Reset counts and chances, drop what waits, switch on.

        Raises:
            ValueError, TypeError: a value or a name that makes no sense; nothing is changed.
        """
        known = {member.name for member in fields(Delivery)}
        if given.keys() - known:
            raise TypeError(", ".join(sorted(given.keys() - known)))
        changed = Delivery(**{**asdict(self._delivery), **given})
        changed.check()
        with self._lock:
            self._delivery = changed
            self._rng = random.Random(changed.seed)  # noqa: S311
            self._forget()
            self._is_on = changed.url is not None
            self._generation += 1
            if self._is_on and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="notifications", daemon=True)
                self._thread.start()
            self._lock.notify()

    def as_dict(self) -> dict[str, Any]:
        """Settings and counts for JSON; `unsent` names what was lost, given up or deleted."""
        with self._lock:
            settings = asdict(self._delivery)
            settings["code"] = "***" if settings["code"] else ""
            return {
                **settings, "is_on": self._is_on, "waiting": len(self._waiting()) + (self._in_hand is not None),
                **{name: self._counts[name] for name in _COUNTED}, "statuses": dict(self._statuses),
                "unsent": [{**change.as_dict(), "why": why} for change, why in self._unsent],
            }  # fmt: skip

    def _forget(self) -> None:
        self._ready, self._later, self._blocking = deque(), [], None
        self._number = 0
        self._counts: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._unsent: list[tuple[Change, str]] = []

    def _watch(self, kind: str, before: Record | None, after: Record | None) -> None:
        if not self._is_on:
            return
        change = change_of(self._agency.agency_no, kind, before, after)
        if change is None:
            return
        with self._lock:
            self._counts["raised"] += 1
            if self._rng.random() < self._delivery.lose:
                self._counts["lost"] += 1
                self._unsent.append((change, "lost"))
                return
            copies = 1
            if self._rng.random() < self._delivery.double:
                self._counts["doubled"] += 1
                copies = 2
            due = time.monotonic()
            if self._rng.random() < self._delivery.reorder:
                self._counts["reordered"] += 1
                due += _OVERTAKEN_SECONDS
            for _ in range(copies):
                self._number += 1
                waiting = _Waiting(due, self._number, change)
                if due > time.monotonic():
                    heapq.heappush(self._later, waiting)
                else:
                    self._ready.append(waiting)
            self._lock.notify()

    def _run(self) -> None:
        while True:
            with self._lock:
                taken = self._next()
                if taken is None:
                    continue
                self._in_hand, generation, delivery = taken, self._generation, self._delivery
            status = self._send(taken.change, delivery)
            with self._lock:
                self._in_hand = None
                if generation == self._generation:
                    self._settle(taken, status)

    def _waiting(self) -> list[_Waiting]:
        return [*([self._blocking] if self._blocking else []), *self._ready, *self._later]

    def _next(self) -> _Waiting | None:
        """Take the next notification that is due, or wait and return None, since the settings may have changed."""
        now = time.monotonic()
        if self._blocking is not None:
            taken = self._blocking
            if taken.due > now:
                self._lock.wait(taken.due - now)
                return None
            self._blocking = None
            return taken
        while self._later and self._later[0].due <= now:
            self._ready.append(heapq.heappop(self._later))
        if self._ready:
            return self._ready.popleft()
        self._lock.wait(self._later[0].due - now if self._later else None)
        return None

    def _settle(self, taken: _Waiting, status: str) -> None:
        self._counts["tries"] += 1
        self._statuses[status] += 1
        if status.startswith("2"):
            self._counts["delivered"] += 1
            return
        waits = _WAITS[self._delivery.retry]
        taken.tries += 1
        if taken.tries <= len(waits):
            taken.due = time.monotonic() + waits[taken.tries - 1] / self._delivery.compress
            if self._delivery.retry == "blocking":
                self._blocking = taken
            else:
                heapq.heappush(self._later, taken)
            return
        self._counts["gave_up"] += 1
        self._unsent.append((taken.change, "gave up"))
        if self._delivery.retry == "blocking":
            self._is_on = False
            waiting = self._waiting()
            self._counts["deleted"] += len(waiting)
            self._unsent += [(delivery.change, "deleted") for delivery in waiting]
            self._ready, self._later, self._blocking = deque(), [], None

    def _send(self, change: Change, delivery: Delivery) -> str:
        """Return the status of the answer, or why no answer came."""
        content_type, write = FORMATS[delivery.version]
        parts = urlsplit(delivery.url or "")
        connection = self._connection
        if connection is None or (connection.host, connection.port) != (parts.hostname, parts.port or 80):
            kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
            connection = self._connection = kind(parts.hostname or "", parts.port, timeout=delivery.timeout_seconds)
        try:
            connection.request("POST", parts.path or "/", write(change, delivery.code), {"Content-Type": content_type})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self._connection = None
            return type(error).__name__
        return str(answer.status)


_COUNTED = ("raised", "delivered", "tries", "lost", "doubled", "reordered", "gave_up", "deleted")
