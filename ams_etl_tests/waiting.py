"""Wait for what another process does."""

import time
import urllib.request
from collections.abc import Callable


def wait_for(condition: Callable[[], object], seconds: float = 120, state: Callable[[], object] = str) -> None:
    """Wait until the condition holds, and fail after so many seconds with what `state` returns."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, state()
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether something answers at an HTTP address."""
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except OSError:
        return False
    return True
