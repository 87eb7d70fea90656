"""Limit sign-in attempts from one address, whatever names they try."""

import threading
import time
from collections import OrderedDict

MOST_ATTEMPTS = 20
WINDOW_SECONDS = 60.0
MOST_ADDRESSES = 10_000


class Throttle:
    """Counts attempts per address in windows of a minute; in memory, so that a flood writes nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def admits(self, address: str) -> bool:
        """Count an attempt and return whether the address may make it."""
        now = time.monotonic()
        with self._lock:
            began, count = self._windows.pop(address, (now, 0))
            if now - began > WINDOW_SECONDS:
                began, count = now, 0
            self._windows[address] = (began, count + 1)
            if len(self._windows) > MOST_ADDRESSES:
                self._windows.popitem(last=False)
        return count < MOST_ATTEMPTS
