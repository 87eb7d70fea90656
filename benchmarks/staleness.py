"""How long an edit in AMS360 takes to the mart, and which stage takes it, with daemon, UI and door on this machine.

    python -m benchmarks.staleness [--edits 30] [--customers 500] [--pause 20] [--latency 50]

Twice in one run: without the follower (sensors and runs), then with it.


Each edit comes at a random moment. Its stages are read from Postgres and from Dagster's event log: the wait for the sensor's
tick (received to claimed), the launch (claimed to the run's process), imports (process to its first event), reading, deriving,
publishing (plan, checks and mart).
"""

import argparse
import os
import random
import statistics
import time
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import psycopg

from ams_etl.store.database import connect
from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.end_to_end.served import free_port, served, take_notifications
from ams_etl_tests.sandbox_process import running_sandbox
from benchmarks.own_server import own_server

STAGES = ("tick", "queue", "process", "imports", "reading", "deriving", "planning", "checks", "publishing")
_EVENTS = """
select l.timestamp at time zone 'utc', l.dagster_event_type, l.step_key, l.event::jsonb ->> 'user_message' from event_logs l
where l.run_id = %s order by l.id"""


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, round(share * (len(values) - 1)))]


def stages(connection: psycopg.Connection[Any], row: tuple[Any, ...]) -> dict[str, float] | None:
    """Seconds by stage of one notification; None where its run left no events."""
    received, claimed, settled, run_id = row
    at: dict[str, datetime] = {}
    for logged, kind, step, message in connection.execute(_EVENTS, (run_id,)):
        moment = logged.replace(tzinfo=UTC)
        if kind in {"PIPELINE_STARTING", "PIPELINE_START"}:
            at.setdefault(kind, moment)
        if kind == "ENGINE_EVENT" and "process for run" in (message or "") and "pid" in (message or ""):
            at.setdefault("process", moment)
        if kind in {"STEP_START", "STEP_SUCCESS"}:
            at[f"{kind} {step}"] = moment
    checks_end = at.get("STEP_START publish_contacts")
    if checks_end is None:
        return None
    points = [
        received, claimed, at["PIPELINE_STARTING"], at.get("process", at["PIPELINE_START"]),
        min(moment for name, moment in at.items() if name.startswith("STEP_START")),
        at["STEP_SUCCESS ams360_customer_records"], at["STEP_SUCCESS stage__contact_candidates"],
        at["STEP_SUCCESS stage__contact_plan"], checks_end, settled,
    ]  # fmt: skip
    return {
        stage: (after - before).total_seconds() for stage, (before, after) in zip(STAGES, pairwise(points), strict=True)
    }


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--edits", type=int, default=30)
    asked.add_argument("--customers", type=int, default=500)
    asked.add_argument("--pause", type=float, default=20, help="seconds between edits at most; half of it on average")
    asked.add_argument("--latency", type=int, default=50, help="milliseconds of each AMS360 call")
    asked.add_argument("--events", action="store_true", help="print the event log of the last run")
    given = asked.parse_args()
    for follow in ("--no-follow", "--follow"):
        _measure(given, follow)


def _measure(given: argparse.Namespace, follow: str) -> None:
    rng = random.Random(1)
    with (
        own_server() as (home, url),
        running_sandbox(size=given.customers, more=("--ready-file", str(home / "sandbox.json"))) as sandbox,
    ):
        line = command_line(home, url, sandbox)
        take_notifications(line)
        line.run("sync", "demo")
        ids = [key for key, _ in sandbox.ask("customers")]
        sandbox.faults(latency_ms=given.latency)
        options = ("--sandbox", follow, "--inbound-port", str(free_port()), "--pages-port", "0")
        with served(line, *options), connect(url) as connection:
            time.sleep(20)
            for number in range(given.edits):
                sandbox.edit("customers", "update", rng.choice(ids), City=f"Edit {number}")
                time.sleep(rng.uniform(0, given.pause))
            print(f"\n{follow}")
            if follow == "--follow":
                _print_followed(connection, given.edits)
            else:
                _print(connection, given.edits, show=given.events)


def _print_followed(connection: psycopg.Connection[Any], edits: int) -> None:
    deadline = time.monotonic() + 120
    whole: list[float] = []
    while time.monotonic() < deadline and len(whole) < edits:
        time.sleep(1)
        whole = [
            row[0]
            for row in connection.execute(
                """select extract(epoch from settled_at - received_at)::float8 from ops.notifications
                where state = 'done'"""
            )
        ]
    rows = connection.execute(
        "select seconds from ops.follower_batches where kind = 'notifications' and error is null"
    ).fetchall()
    load = os.getloadavg()[0]
    print(f"{len(whole)} of {edits} edits, {len(rows)} batches, load {load:.1f}")
    print(f"p50 {percentile(whole, 0.5):.2f} s, p95 {percentile(whole, 0.95):.2f} s, max {max(whole):.2f} s")
    for stage in ("reading", "waiting", "deriving", "planning", "checks", "publishing", "accounts"):
        took = [row[0].get(stage, 0.0) for row in rows]
        print(f"| {stage:<10} | {percentile(took, 0.5):5.2f} | {percentile(took, 0.95):5.2f} |")


def _print(connection: psycopg.Connection[Any], edits: int, *, show: bool) -> None:
    deadline = time.monotonic() + 120
    rows: list[tuple[Any, ...]] = []
    while time.monotonic() < deadline and len(rows) < edits:
        time.sleep(1)
        rows = connection.execute(
            """select n.received_at, b.claimed_at, n.settled_at, (select run_id from run_tags t
                where t.key = 'ams_etl/notifications' and t.value = b.batch_id::text)
            from ops.notifications n join ops.notification_batches b on b.batch_id = n.sync_id
            where n.state = 'done' order by n.received_at"""
        ).fetchall()
    whole = [(settled - received).total_seconds() for received, _, settled, _ in rows]
    runs = len({run for *_, run in rows})
    load = os.getloadavg()[0]
    print(f"{len(rows)} of {edits} edits, {runs} runs, load {load:.1f}")
    print(f"p50 {percentile(whole, 0.5):.1f} s, p95 {percentile(whole, 0.95):.1f} s, max {max(whole):.1f} s")
    parts = [found for row in rows if (found := stages(connection, row))]
    total = sum(statistics.mean(part[stage] for part in parts) for stage in STAGES)
    for stage in STAGES:
        took = [part[stage] for part in parts]
        mean = statistics.mean(took)
        print(f"| {stage:<10} | {percentile(took, 0.5):5.1f} | {percentile(took, 0.95):5.1f} | {mean / total:4.0%} |")
    if show:
        began = None
        for moment, kind, step, message in connection.execute(_EVENTS, (rows[-1][3],)):
            began = began or moment
            print(f"{(moment - began).total_seconds():7.2f} {kind or '':24} {step or '':40} {(message or '')[:90]}")


if __name__ == "__main__":
    main()
