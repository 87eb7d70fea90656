"""Progress of long work, in the run's log and on the terminal."""

import logging
import time
from collections.abc import Callable

_log = logging.getLogger(__name__)
EVERY_SECONDS = 5.0


def run_log_progress() -> Callable[[str, int, int | None], None]:
    """A progress callback `(stage, done, total)` that logs at most every few seconds, and the end of each stage."""
    started = last = time.monotonic()

    def report(stage: str, done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        finished = total is None or done >= total
        if not done or (not finished and now - last < EVERY_SECONDS):
            return
        last = now
        of = "" if total is None else f" of {total:,}"
        _log.info("%s: %s%s (%.0f s)", stage, f"{done:,}", of, now - started)

    return report
