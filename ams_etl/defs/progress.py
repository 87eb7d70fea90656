"""Progress of long work, in the run's log."""

import time
from collections.abc import Callable
from logging import Logger

EVERY_SECONDS = 5.0


def run_log_progress(log: Logger) -> Callable[[str, int, int | None], None]:
    """A progress callback `(stage, done, total)` that logs at most every few seconds, and the end of each stage."""
    started = time.monotonic()
    last = {"at": started, "stage": ""}

    def report(stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        finished = total is not None and done >= total
        if not finished and now - float(last["at"]) < EVERY_SECONDS:
            return
        last["at"] = now
        of = "" if total is None else f" of {total:,}"
        log.info("%s: %s%s (%.0f s)", stage, f"{done:,}", of, now - started)

    return report
