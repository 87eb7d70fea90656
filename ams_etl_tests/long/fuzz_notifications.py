"""Bodies that nobody meant, by the hundred thousand: no exception, bounded memory, bounded time.

    python -m ams_etl_tests.long.fuzz_notifications [--bodies 100000] [--seed 1]

Each body is redacted, read and answered as the service does it. A reader that failed inside counts as an exception.
"""

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from ams_etl.inbound.notifications.answers import success
from ams_etl.inbound.notifications.classify import ParkedNotification, understand
from ams_etl.inbound.notifications.mapping import load_mapping
from ams_etl.inbound.notifications.redaction import Gate
from ams_etl_tests.inbound.mutations import mutate
from ams_etl_tests.inbound.service_process import CODE

_WARM_UP = 5_000


def main() -> None:
    """Fuzz and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--bodies", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    mapping = load_mapping("2.0")
    gate = Gate(CODE, mapping.authentication_code)
    process = psutil.Process()
    outcomes: Counter[str] = Counter()
    spent = longest = 0.0
    settled = highest = 0
    total = 0
    for number in range(arguments.bodies):
        body = mutate(rng)
        total += len(body)
        began = time.perf_counter()
        redacted = gate.redact(body)
        parts = understand(redacted.body, "text/xml", mapping)
        success(body)
        took = time.perf_counter() - began
        spent, longest = spent + took, max(longest, took)
        first = parts[0]
        if isinstance(first, ParkedNotification):
            outcomes["failed inside" if first.reason.startswith("the reader failed") else "parked"] += 1
        else:
            outcomes["understood"] += 1
        if number == min(_WARM_UP, arguments.bodies // 2):
            settled = highest = process.memory_info().rss
        elif number % 1000 == 0:
            highest = max(highest, process.memory_info().rss)
    grown = (process.memory_info().rss - settled) / 1e6
    print(
        f"{arguments.bodies:,} bodies, {total / 1e6:,.0f} MB: "
        + ", ".join(f"{n:,} {what}" for what, n in outcomes.items())
    )
    print(f"{spent:.1f} s, {spent / arguments.bodies * 1e6:.0f} us a body, longest {longest * 1e3:.1f} ms")
    print(
        f"memory after warm-up {settled / 1e6:.0f} MB, highest {highest / 1e6:.0f} MB, grown by {grown:+.1f} MB at the end"
    )
    if outcomes["failed inside"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
