"""A large storm: events, lost replies, 503s, dead tickets and kills; then AMS360 against the outbox, write by write.

    python -m ams_etl_tests.long.writeback_storm [--events 10000] [--kills 12] [--seed 1]

Ends with code 1 when a write is missing, doubled or out of order, or uncertain without cause.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from ams_etl.store.database import connect
from ams_etl.store.embedded import running_server, stop
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl_tests.sandbox_process import running_sandbox
from ams_etl_tests.writeback.storm import storm
from ams_etl_tests.writeback.working_agency import office


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--events", type=int, default=10_000)
    asked.add_argument("--customers", type=int, default=500)
    asked.add_argument("--kills", type=int, default=12)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--rates", type=float, default=0.03)
    given = asked.parse_args()
    home = Path(tempfile.mkdtemp(prefix="storm-"))
    url = running_server(home)
    try:
        with connect(url) as connection, running_sandbox(size=given.customers) as sandbox:
            upgrade(connection, sql_folder())
            found = storm(
                office(connection, sandbox),
                url,
                events=given.events,
                kills=given.kills,
                seed=given.seed,
                rates=given.rates,
            )
    finally:
        stop(home)
    lost = found.struck.get("lost", 0)
    print(f"{found.events:,} events, {found.writes:,} writes in {found.seconds:.0f} s, {found.kills} kills")
    print(f"faults that struck: {', '.join(f'{kind} {count:,}' for kind, count in sorted(found.struck.items()))}")
    print(f"tries beyond the first: {found.retries:,}")
    print(
        f"uncertain: {found.uncertain_lost} lost their reply ({lost} replies were lost), {found.uncertain_killed} "
        f"lost their deliverer; {found.uncertain_there} of them are in AMS360"
    )
    print(f"missing, doubled, out of order or wrong otherwise: {len(found.wrong)}")
    for difference in found.wrong[:20]:
        print(f"  {difference}")
    exact = found.uncertain_lost <= lost <= found.uncertain_lost + found.uncertain_killed
    sys.exit(bool(found.wrong) or not exact)


if __name__ == "__main__":
    main()
