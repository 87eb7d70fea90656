"""One large agency in one run, from the sandbox to the mart: how long each stage takes, and how its process's memory grows.

    python -m benchmarks.large_agency [--customers 200000]

`ams-etl sync` runs as a user starts it, once with everything new and once more with nothing changed. Its memory is read
every second: the rows say how much it was at a quarter, half, three quarters and the end of each stage, as the sync's own progress
tells them. The baseline is what a sync of 2,000 customers needs.
"""

import argparse
import re
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from ams_etl.store.database import connect
from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.sandbox_process import running_sandbox
from benchmarks.own_server import own_server

SMALL = 2_000
_PROGRESS = re.compile(r"(?P<stage>[a-z ]+?):? (?P<done>[\d,]+)(?: of [\d,]+)?")


@dataclass
class Watched:
    """What was seen of one sync: seconds, its processor time, peak memory, and memory by stage."""

    seconds: float = 0.0
    own_cpu: float = 0.0
    peak: float = 0.0
    stages: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))


def watched_sync(arguments: list[str], environment: dict[str, str], log: Path) -> Watched:
    """Run a command to its end and read its memory every second; its output goes to a file.

    Raises:
        AssertionError: it failed.
    """
    found, began = Watched(), time.monotonic()
    with log.open("w") as output:
        process = psutil.Popen(arguments, env=environment, stdout=output, stderr=subprocess.STDOUT)
        while process.poll() is None:
            try:
                memory, times = process.memory_info().rss / 1e6, process.cpu_times()
            except psutil.NoSuchProcess:
                break
            found.own_cpu, found.peak = times.user + times.system, max(found.peak, memory)
            stage = _stage(log)
            if stage:
                found.stages[stage].append((time.monotonic() - began, memory))
            time.sleep(1)
    found.seconds = time.monotonic() - began
    assert process.wait() == 0, log.read_text()[-2000:]
    return found


def _stage(log: Path) -> str | None:
    """The stage of the last line of progress."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4000))
        text = file.read().decode(errors="replace")
    lines = [match["stage"].strip() for match in _PROGRESS.finditer(text)]
    return lines[-1] if lines else None


def measure(customers: int, *, again: bool) -> None:
    """Print one agency's rows."""
    with own_server() as (home, url), running_sandbox(size=customers) as sandbox:
        line = command_line(home, url, sandbox)
        command = [sys.executable, "-m", "ams_etl.cli", "sync", "demo"]
        for name in ("first", "again")[: 2 if again else 1]:
            seen = watched_sync(command, line.environment, home / "log.txt")
            with connect(url) as connection:
                contacts = connection.execute("select count(*) from mart.contacts").fetchone()
            print(
                f"| {customers:,} | {name} | {seen.seconds:.0f} s | {customers / seen.seconds:,.0f} customers/s | "
                f"CPU {seen.own_cpu:.0f} s | peak {seen.peak:.0f} MB | {contacts[0] if contacts else 0:,} contacts |",
                flush=True,
            )
            for stage, samples in seen.stages.items():
                quarters = [samples[min(len(samples) - 1, len(samples) * part // 4)][1] for part in range(5)]
                lasted = samples[-1][0] - samples[0][0]
                print(
                    f"|  | {stage} | {lasted:.0f} s | {' → '.join(f'{memory:.0f}' for memory in quarters)} MB |",
                    flush=True,
                )


def main() -> None:
    """Measure a small agency and a large one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=200_000)
    given = parser.parse_args()
    measure(SMALL, again=False)
    measure(given.customers, again=True)


if __name__ == "__main__":
    main()
