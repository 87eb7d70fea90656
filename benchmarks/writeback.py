"""How fast writes are delivered, and what a claim costs when many wait.

    python -m benchmarks.writeback [--writes 2000] [--latency-ms 50] [--waiting 100000]

The ideal is calls in flight divided by the latency: nothing else than waiting for AMS360.
"""

import argparse
import statistics
import time
from typing import Any

import psycopg

from ams_etl.store.database import connect
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl.writeback.outbox.outbox import Outbox
from ams_etl_tests.sandbox_process import running_sandbox
from ams_etl_tests.writeback.sample_events import event
from ams_etl_tests.writeback.working_agency import office
from benchmarks.own_server import own_server


def delivery(connection: psycopg.Connection[Any], writes: int, latency_ms: int) -> None:
    """Calls, one to a customer and several to a customer."""
    for customers in (400, 40):
        with running_sandbox(size=customers) as sandbox:
            demo = office(connection, sandbox)
            connection.execute("truncate ops.writebacks, ops.events cascade")
            keys = [row[0] for row in sandbox.ask("customers")]
            began = time.monotonic()
            demo.tell(*[event("call", keys[number % len(keys)]) for number in range(writes)])
            accepted = time.monotonic() - began
            sandbox.faults(latency_ms=latency_ms)
            for concurrency in (8, 16):
                connection.execute(
                    "truncate ops.writebacks; update ops.events set state = 'received', look_again_at = now()"
                )
                began = time.monotonic()
                report = demo.drain(max_concurrency=concurrency)
                seconds = time.monotonic() - began
                assert report.delivery.counts == {"delivered": writes}
                ideal = concurrency / latency_ms * 1000
                print(
                    f"{writes:,} writes to {customers} customers, {latency_ms} ms, {concurrency} in flight: {seconds:.1f} s, "
                    f"{writes / seconds:.0f}/s of {ideal:.0f}/s ideal ({writes / seconds / ideal:.0%}, start-up and planning "
                    f"included); accepting took {accepted:.2f} s"
                )


def claims(connection: psycopg.Connection[Any], waiting: int) -> None:
    """A claim of 50, its release left out, with few and with many that wait: first in their order, and behind others."""
    for count, lanes, what in (
        (100, 100, "all heads"), (waiting, waiting, "all heads"), (waiting, 100, "100 heads, the rest behind them"),
        (waiting, waiting, "all heads, all but 100 put off"),
    ):  # fmt: skip
        connection.execute("truncate ops.writebacks")
        connection.execute(
            """insert into ops.writebacks (agency, kind, operation, lane, request, status, not_before)
            select 'demo', 'note', 'note', (n %% %(lanes)s)::text, '{"CustomerNote": {"NoteText": "x"}}',
                case when n < %(lanes)s then 'pending' else 'waiting' end,
                case when %(put_off)s and n >= 100 then now() + interval '1 hour' else now() end
            from generate_series(0, %(count)s - 1) n""",
            {"lanes": lanes, "count": count, "put_off": "put off" in what},
        )
        connection.execute("vacuum analyze ops.writebacks")
        outbox = Outbox(connection, "demo", "ams360", "bench", 60, frozenset())
        times = []
        for _ in range(2 if count == 100 or "100" in what else 40):
            began = time.perf_counter()
            found = outbox.claim(50)
            times.append((time.perf_counter() - began) * 1000)
            assert len(found) == 50
        print(
            f"claim 50 of {count:,} that wait ({what}): median {statistics.median(times):.1f} ms, worst {max(times):.1f} ms"
        )


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--writes", type=int, default=2000)
    asked.add_argument("--latency-ms", type=int, default=50)
    asked.add_argument("--waiting", type=int, default=100_000)
    given = asked.parse_args()
    with own_server() as (_, url), connect(url) as connection:
        upgrade(connection, sql_folder())
        claims(connection, given.waiting)
        delivery(connection, given.writes, given.latency_ms)


if __name__ == "__main__":
    main()
