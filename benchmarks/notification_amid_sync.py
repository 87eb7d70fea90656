"""Whether a notified change is published while a full sync of the same agency still reads, and after how long.

    python -m benchmarks.notification_amid_sync [--customers 20000] [--edits 10] [--latency 10] [--no-follow]

`ams-etl up` runs UI, daemon, inbound service and follower (without it: sensors and runs). The agency is synced once; then
`ams-etl sync` reads everything again at a latency that makes it last minutes, and customers are edited meanwhile. For each
edit: seconds until `mart.contacts` has it, and how many customers the sync had read by then.
"""

import argparse
import os
import signal
import time
from typing import Any

import psycopg

from ams_etl.store.database import connect
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.end_to_end.served import free_port, served, take_notifications
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from benchmarks.own_server import own_server

_READ = """select count(c.read_at) from ops.sync_runs r left join ops.sync_customers c using (sync_id)
where r.mode = 'full' and r.extracted_at is null and r.state <> 'published'"""
_OPEN = "select count(*) from ops.sync_runs where mode = 'full' and extracted_at is null"


def number(connection: psycopg.Connection[Any], query: str, *values: object) -> int:
    row = connection.execute(query, values).fetchone()
    return int(row[0]) if row else 0


def measure(
    line: CommandLine, sandbox: Sandbox, connection: psycopg.Connection[Any], given: argparse.Namespace
) -> None:
    ids = [
        row[0]
        for row in connection.execute(
            """select s.customer_id from mart.contact_sources s join mart.contacts c using (agency, contact_id)
            where c.city is not null group by 1 order by 1 limit %s""",
            (given.edits * 50,),
        )
    ][::50]
    sandbox.faults(latency_ms=given.latency)
    began = time.monotonic()
    command = line.start("sync", "demo")
    try:
        while number(connection, _OPEN) == 0 or number(connection, _READ) < given.customers // 20:
            assert command.poll() is None, command.communicate()[0]
            time.sleep(0.1)
        waits = []
        for edit, customer in enumerate(ids):
            city = f"Notified {edit}"
            sandbox.edit("customers", "update", customer, City=city)
            asked = time.monotonic()
            while not number(connection, "select count(*) from mart.contacts where city = %s", city):
                assert time.monotonic() - asked < 300, "the edit was not published"
                time.sleep(0.02)
            waits.append(time.monotonic() - asked)
            reads = number(connection, _OPEN)
            print(f"edit {edit}: published after {waits[-1]:.2f} s; the sync {'reads on' if reads else 'HAS ENDED'}, "
                  f"{number(connection, _READ)} of {given.customers} customers read", flush=True)  # fmt: skip
            time.sleep(2)
        waits.sort()
        print(f"median {waits[len(waits) // 2]:.2f} s, most {waits[-1]:.2f} s, load {os.getloadavg()[0]:.1f}")
        printed, _ = command.communicate(timeout=3600)
        assert command.returncode == 0, printed
        print(f"the whole sync took {time.monotonic() - began:.0f} s")
        kept = number(connection, "select count(*) from mart.contacts where city like 'Notified %%'")
        print(f"{kept} contacts have an edited city after the sync; at least {len(ids)} expected")
    finally:
        if command.poll() is None:
            os.killpg(command.pid, signal.SIGKILL)


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--customers", type=int, default=20000)
    asked.add_argument("--edits", type=int, default=10)
    asked.add_argument("--latency", type=int, default=10, help="milliseconds of each AMS360 call")
    asked.add_argument("--no-follow", action="store_true", help="sensors and runs instead of the follower")
    given = asked.parse_args()
    with own_server() as (home, url):
        more = ("--ready-file", str(home / "sandbox.json"))
        with running_sandbox(size=given.customers, more=more) as sandbox:
            line = command_line(home, url, sandbox)
            take_notifications(line)
            began = time.monotonic()
            first = line.start("sync", "demo")
            printed, _ = first.communicate(timeout=7200)
            assert first.returncode == 0, printed
            print(f"first sync, no latency: {time.monotonic() - began:.0f} s", flush=True)
            follow = "--no-follow" if given.no_follow else "--follow"
            options = ("--sandbox", follow, "--inbound-port", str(free_port()))
            with served(line, *options), connect(url) as connection:
                time.sleep(15)
                measure(line, sandbox, connection, given)


if __name__ == "__main__":
    main()
