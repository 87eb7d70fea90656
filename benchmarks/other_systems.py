"""Read, derive and publish an agency of each of the systems that say what changed.

    python -m benchmarks.other_systems [--customers 5000] [--latency 0]

The sandboxes run on the same machine and take their share of it; `--latency` (ms) makes every call wait as a distant one
would. MyCase's limit of calls a second is lifted: what is measured is ours.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import psycopg

from ams_etl.rules.settings import Ownership, RuleSettings, SourceSystem
from ams_etl.settings import BrakeSettings
from ams_etl.store.database import connect
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl.sync.contacts.derive import derive_dirty, mark_due
from ams_etl.sync.contacts.plan import make_plan
from ams_etl.sync.contacts.publish import publish
from ams_etl.sync.extract.extractor import Opening
from ams_etl.sync.extract.hawksoft import open_hawksoft_extractor
from ams_etl.sync.extract.mycase import mycase_opening
from ams_etl.sync.extract.qq_catalyst import open_qq_catalyst_extractor
from ams_etl.sync.extract.run_extractor import extract_source
from ams_etl.sync.scope import SyncScope
from ams_etl_tests.other_systems import grant, hawksoft_at, mycase_at, qq_catalyst_at, tokens_at
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from benchmarks.own_server import own_server

TODAY = date(2026, 11, 21)


@contextmanager
def _stand_ins(size: int) -> Iterator[Sandbox]:
    flags = ("--hawksoft", f"7:360:{size}", "--qq-catalyst", f"360:{size}", "--mycase", f"360:{size}")
    with running_sandbox(size=1, more=flags) as running:
        yield running


def _openings(sandbox: Sandbox, url: str) -> dict[SourceSystem, Opening]:
    tokens = tokens_at(url, "mycase")
    asyncio.run(grant(sandbox, tokens))
    sandbox.ask("mycase/faults", {"calls_per_second": 10**6})
    return {
        "hawksoft": lambda: open_hawksoft_extractor(hawksoft_at(sandbox)),
        "qq_catalyst": lambda: open_qq_catalyst_extractor(qq_catalyst_at(sandbox, max_concurrency=16)),
        "mycase": mycase_opening(mycase_at(sandbox, calls_per_second=None), tokens),
    }


_EDITED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "hawksoft": ("clients", "clientNumber", {"details": {"producer": "NEW"}}),
    "qq_catalyst": ("contacts", "EntityID", {"Email": "new@example.com"}),
    "mycase": ("clients", "id", {"email": "new@example.com"}),
}


def _edit(sandbox: Sandbox, system: str) -> int:
    """Change every hundredth client; how many these were."""
    entity, member, fields = _EDITED[system]
    keys = [str(row[member]) for row in sandbox.ask(f"{system}/state/{entity}")][::100]
    for key in keys:
        sandbox.ask(f"{system}/edit", {"entity": entity, "op": "update", "key": key, "fields": fields})
    return len(keys)


def _measure(
    connection: psycopg.Connection[Any], sandbox: Sandbox, system: SourceSystem, opening: Opening, size: int
) -> str:
    roles = ("lead_attorney", "lead_attorney") if system == "mycase" else ("producer", "csr")
    settings = RuleSettings(source_system=system, ownership=Ownership(*roles))  # type: ignore[arg-type]
    no_brake = BrakeSettings(max_deleted_share=1, max_owner_change_share=1)

    def timed(work: Any) -> float:
        began = time.monotonic()
        work()
        return time.monotonic() - began

    calls: list[int] = []

    def extract(*, full: bool) -> None:
        report = extract_source(connection, system, opening, SyncScope(), system=system, overlap=timedelta(), full=full)
        calls.append(report.calls)

    def derive() -> None:
        mark_due(connection, system, settings, TODAY)
        derive_dirty(connection, system, settings, TODAY)

    def release() -> None:
        make_plan(connection, system, settings, no_brake, TODAY)
        publish(connection, system)

    first, derived, released = timed(lambda: extract(full=True)), timed(derive), timed(release)
    second, unchanged = timed(lambda: extract(full=True)), timed(lambda: extract(full=False))
    edited = _edit(sandbox, system)
    changed, derived_again = timed(lambda: extract(full=False)), timed(derive)
    return (
        f"{system:12} read {first:6.1f} s ({size / first:6,.0f}/s, {calls[0]:,} calls)   again {second:6.1f} s   "
        f"nothing changed {unchanged:5.2f} s ({calls[2]} calls)   derive {derived:5.1f} s ({size / derived:6,.0f}/s)   "
        f"plan and publish {released:5.1f} s   {edited} edited: read {changed:5.2f} s ({calls[3]} calls), "
        f"derive {derived_again:5.2f} s"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=5000)
    parser.add_argument("--latency", type=float, default=0)
    arguments = parser.parse_args()
    with own_server() as (_, url), _stand_ins(arguments.customers) as sandbox, connect(url) as connection:
        upgrade(connection, sql_folder())
        openings = _openings(sandbox, url)
        for system, opening in openings.items():
            sandbox.ask(f"{system}/faults", {"latency_ms": arguments.latency})
            print(_measure(connection, sandbox, system, opening, arguments.customers), flush=True)


if __name__ == "__main__":
    main()
