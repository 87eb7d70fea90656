"""What the follower takes: from an edit in AMS360 to the mart, from an event to AMS360, bursts, and what it costs at rest.

    python -m benchmarks.follower [edits] [events] [refresh] [burst] [full-sync] [agencies] [idle]

Everything that `ams-etl up` starts is here, on this machine: UI, daemon, inbound service, pages, follower, Postgres, and the sandbox
at 50 ms a call, at most 16 at once. An edit is timed from the moment it is made to the moment its publish is settled, an event from the moment it
is posted to the moment AMS360's answer is stored. `staleness` puts the sensors' way beside it.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
import yaml

from ams_etl.store.database import connect
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.end_to_end.served import free_port, served, take_notifications
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.warm_processes import Process
from ams_etl_tests.writeback.sample_events import event
from benchmarks.own_server import own_server
from benchmarks.staleness import percentile

PARTS = ("edits", "events", "refresh", "burst", "full-sync", "agencies", "idle")
TOKEN = "token-of-the-benchmark-0123456789"
LATENCY_MS = 50
CONCURRENCY = 16
"""Calls in flight at most, as for the agencies of `make demo`; a burst is read no faster than this and the latency allow."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything that `up` starts, for an agency that was synced."""

    line: CommandLine
    sandbox: Sandbox
    connection: psycopg.Connection[Any]
    customers: Sequence[str]
    inbound: int

    def notified(self) -> int:
        """How many notifications were settled by a publish."""
        return self._number("select count(*) from ops.notifications where state = 'done'")

    def delivered(self) -> int:
        """How many writes were delivered."""
        return self._number("select count(*) from ops.writebacks where status = 'delivered'")

    def _number(self, query: str) -> int:
        row = self.connection.execute(query).fetchone()
        return int(row[0]) if row else 0


@contextmanager
def stack(customers: int, *options: str) -> Iterator[Stack]:
    """Start a sandbox, sync it once, and start `up` with a follower."""
    with own_server() as (home, url):
        port = free_port()
        with running_sandbox(size=customers, more=("--ready-file", str(home / "sandbox.json"))) as sandbox:
            line = command_line(home, url, sandbox)
            take_notifications(line)
            path = home / "agencies.yaml"
            written = yaml.safe_load(path.read_text())
            written["agencies"][0]["events"] = {"token_env": "BENCH_TOKEN"}
            written["agencies"][0]["ams360"]["max_concurrency"] = CONCURRENCY
            path.write_text(yaml.safe_dump(written))
            line.environment["BENCH_TOKEN"] = TOKEN
            line.run("sync", "demo")
            ids = [key for key, _ in sandbox.ask("customers")]
            sandbox.faults(latency_ms=LATENCY_MS)
            with (
                served(line, "--sandbox", "--follow", "--inbound-port", str(port), *options),
                connect(url) as connection,
            ):
                time.sleep(20)
                yield Stack(line, sandbox, connection, ids, port)


def edits(on: Stack, count: int = 60, pause: float = 3.0) -> list[float]:
    """Edit customers at random moments; return the seconds from each edit to its settled publish."""
    rng, before, made = random.Random(1), on.notified(), []
    for number in range(count):
        customer = rng.choice(on.customers)
        made.append((customer, datetime.now(UTC)))
        on.sandbox.edit("customers", "update", customer, City=f"Edit {number} {time.time()}")
        time.sleep(rng.uniform(0, pause))
    wait(lambda: on.notified() >= before + count)
    took = []
    for customer, moment in made:
        row = on.connection.execute(
            """select extract(epoch from min(settled_at) - %(moment)s)::float8 from ops.notifications
            where keys ->> 'CustomerId' = %(customer)s and received_at >= %(moment)s""",
            {"customer": customer, "moment": moment},
        ).fetchone()
        took.append(float(row[0]) if row else float("nan"))
    return took


def events(on: Stack, count: int = 60, pause: float = 3.0) -> list[float]:
    """Post notes at random moments; return the seconds from each post to AMS360's stored answer."""
    rng, posted = random.Random(2), {}
    customers = [
        row[0]
        for row in on.connection.execute(
            "select distinct customer_id from mart.contact_sources where entity = 'customer' order by 1 limit 200"
        )
    ]
    for number in range(count):
        key = f"note-{number}-{time.time()}"
        body = event("note", rng.choice(customers), idempotency_key=key)
        request = urllib.request.Request(
            f"http://127.0.0.1:{on.inbound}/events/demo",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        posted[key] = datetime.now(UTC)
        urllib.request.urlopen(request, timeout=30).close()
        time.sleep(rng.uniform(0, pause))
    rows: list[tuple[str, datetime]] = []

    def all_delivered() -> bool:
        rows[:] = on.connection.execute(
            """select e.idempotency_key, max(w.settled_at) from ops.events e join ops.writebacks w using (agency, event_id)
            where e.idempotency_key = any(%s) group by 1 having bool_and(w.status = 'delivered')""",
            (list(posted),),
        ).fetchall()
        return len(rows) == count

    wait(all_delivered)
    return [(settled - posted[key]).total_seconds() for key, settled in rows]


def burst(on: Stack, count: int = 2000, among: int = 1000) -> float:
    """Edit without a pause; return the seconds from the last edit until everything is settled."""
    rng, before = random.Random(3), on.notified()
    began = time.monotonic()
    for number in range(count):
        on.sandbox.edit("customers", "update", rng.choice(on.customers[:among]), City=f"Burst {number}")
    last = time.monotonic()
    print(f"  {count} edits made in {last - began:.1f} s")
    try:
        wait(lambda: on.notified() >= before + count)
    except TimeoutError:
        states = on.connection.execute(
            "select state, count(*), min(reason) from ops.notifications group by 1"
        ).fetchall()
        raise TimeoutError(f"not everything was settled in time: {states}") from None
    return time.monotonic() - last


def refresh(on: Stack) -> tuple[list[float], list[float]]:
    """Return the seconds of `ams-etl refresh` and of `ams-etl sync --customer`, as a shell sees them."""
    numbers = [row["CustomerNumber"] for row in on.sandbox.ask("state/customers")[:6]]
    found: tuple[list[float], list[float]] = ([], [])
    for number in numbers:
        for took, command in zip(
            found, (("refresh", "demo", str(number)), ("sync", "demo", "--customer", str(number))), strict=True
        ):
            began = time.monotonic()
            on.line.run(*command)
            took.append(time.monotonic() - began)
    return found


def during_full_sync(on: Stack) -> list[float]:
    """Edit customers while a full sync of the same agency reads."""
    process = on.line.start("sync", "demo", "--fresh")
    time.sleep(15)
    took = edits(on, count=30)
    print(f"  the full sync is still at work: {process.poll() is None}")
    os.killpg(process.pid, 2)
    process.communicate(timeout=60)
    return took


def wait(condition: Any, seconds: float = 600) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("not everything was settled in time")
        time.sleep(0.2)


def line_of(what: str, took: Sequence[float]) -> str:
    """A row of the table in docs/performance.md."""
    ordered = list(took)
    return (
        f"| {what} | {len(ordered)} | {percentile(ordered, 0.5):.2f} | {percentile(ordered, 0.95):.2f} "
        f"| {max(ordered):.2f} | {os.getloadavg()[0]:.1f} |"
    )


def many_agencies(count: int = 100) -> list[float]:
    """Edit one customer of each of many agencies in the same second; one follower serves all of them."""
    from ams_etl.rules.settings import RuleSettings
    from ams_etl.settings import BrakeSettings
    from ams_etl.store.migrations import sql_folder, upgrade
    from ams_etl.sync.contacts.derive import derive_dirty, mark_due
    from ams_etl.sync.contacts.plan import make_plan
    from ams_etl.sync.contacts.publish import publish
    from ams_etl.sync.extract.ams360 import extract
    from ams_etl.sync.extract.reference import extract_reference
    from ams_etl.sync.scope import SyncScope

    with own_server() as (home, url):
        names = [f"agency{number:03}" for number in range(count)]
        more = tuple(
            part for at, name in enumerate(names[1:], 1) for part in ("--agency", f"{name}:{_agency_no(at)}:{at}:10")
        )
        follower: Process | None = None
        try:
            with running_sandbox(size=10, more=more) as sandbox, connect(url) as connection:
                upgrade(connection, sql_folder())
                line = command_line(home, url, sandbox)
                entry = yaml.safe_load((home / "agencies.yaml").read_text())["agencies"][0]
                (home / "agencies.yaml").write_text(
                    yaml.safe_dump(
                        {
                            "agencies": [
                                {
                                    "id": name,
                                    "name": name,
                                    "ams360": {**entry["ams360"], "agency_no": _agency_no(at)},
                                    "writeback": entry["writeback"],
                                }
                                for at, name in enumerate(names)
                            ]
                        }
                    )
                )
                today, settings, edited = datetime.now(UTC).date(), RuleSettings(), {}
                for at, name in enumerate(names):
                    reach = sandbox.connection(agency_no=_agency_no(at))
                    extract_reference(connection, name, reach)
                    extract(connection, name, reach, SyncScope())
                    mark_due(connection, name, settings, today)
                    derive_dirty(connection, name, settings, today)
                    make_plan(connection, name, settings, BrakeSettings(), today)
                    publish(connection, name)
                    row = connection.execute(
                        "select min(customer_id) from mart.contact_sources where agency = %s and entity = 'customer'",
                        (name,),
                    ).fetchone()
                    edited[name] = row[0] if row else ""
                sandbox.faults(latency_ms=LATENCY_MS)
                follower = line.start("follow")
                time.sleep(15)
                moment = datetime.now(UTC)
                cpu = _cpu(psutil.Process(follower.pid))
                with connection.cursor() as cursor:
                    cursor.executemany(
                        """insert into ops.notifications (agency, body, state, object_type, change, keys)
                        values (%s, '', 'pending', 'customer', 'update', jsonb_build_object('CustomerId', %s::text))""",
                        list(edited.items()),
                    )
                done = "select extract(epoch from settled_at - %s)::float8 from ops.notifications where state = 'done'"
                wait(lambda: len(connection.execute(done, (moment,)).fetchall()) == count, seconds=120)
                print(
                    f"  the follower's CPU: {(_cpu(psutil.Process(follower.pid)) - cpu) / count * 1000:.0f} ms a batch"
                )
                return [row[0] for row in connection.execute(done, (moment,))]
        finally:
            if follower is not None:
                os.killpg(follower.pid, 9)
                follower.wait()


def _agency_no(at: int) -> str:
    return f"{5_551_234 + at}-1"


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def idle(seconds: float = 120.0) -> None:
    """Print the CPU and memory of everything that `ams-etl demo` and `up` leave running, by process, with and without a follower."""
    for follow in ("--no-follow", "--follow"):
        home = Path(tempfile.mkdtemp(prefix="follower-"))
        home.chmod(0o711)
        environment = {**os.environ, "AMS_ETL_HOME": str(home)}
        command = [sys.executable, "-m", "ams_etl.cli"]
        subprocess.run(
            [*command, "demo"], env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )
        ports = [part for name in ("--port", "--inbound-port", "--pages-port") for part in (name, str(free_port()))]
        with (home / "up.log").open("w") as log:
            process = subprocess.Popen(
                [*command, "up", "--sandbox", follow, *ports],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            time.sleep(60)
            before = _by_name(home)
            time.sleep(seconds)
            after = _by_name(home)
        finally:
            os.killpg(process.pid, 2)
            process.wait(timeout=60)
            subprocess.run([*command, "db", "stop"], env=environment, check=False, stdout=subprocess.DEVNULL)
        print(f"  {follow}: share of a core, MB")
        whole = 0.0
        for name, (cpu, megabytes) in sorted(after.items()):
            share = (cpu - before.get(name, (cpu, 0.0))[0]) / seconds
            whole += share
            print(f"    {name:<40} {share:6.2%} {megabytes:6.0f}")
        print(f"    {'all':<40} {whole:6.2%} {sum(megabytes for _, megabytes in after.values()):6.0f}")


def _by_name(home: Path) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for process in psutil.process_iter():
        try:
            ours = process.environ().get("AMS_ETL_HOME") == str(home) or str(home) in " ".join(process.cmdline())
            if not ours and not (process.name() == "postgres" and _of_server(process, home)):
                continue
            arguments = [part for part in process.cmdline() if not part.startswith("-")]
            name = (
                "postgres" if process.name() == "postgres" else " ".join(Path(part).name for part in arguments[:4])[:40]
            )
            cpu, memory = found[name]
            found[name] = (cpu + _cpu(process), memory + process.memory_full_info().pss / 1e6)
        except psutil.Error:
            continue
    return dict(found)


def _of_server(process: psutil.Process, home: Path) -> bool:
    return any(str(home) in " ".join(parent.cmdline()) for parent in process.parents())


def main() -> None:
    """Measure what is asked for, or everything, and print a table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parts = set(asked.parse_args().parts or PARTS)
    lines = ["| what | number | p50 | p95 | most | load |", "|---|---|---|---|---|---|"]
    if parts & {"edits", "events", "refresh", "burst"}:
        with stack(1000) as on:
            if "edits" in parts:
                lines.append(line_of("AMS360 edit → mart", edits(on)))
            if "events" in parts:
                lines.append(line_of("platform event → AMS360", events(on)))
            if "refresh" in parts:
                refreshed, synced = refresh(on)
                lines += [line_of("`ams-etl refresh`", refreshed), line_of("`ams-etl sync --customer`", synced)]
            if "burst" in parts:
                lines.append(line_of("2,000 edits at once, after the last", [burst(on)]))
    if "full-sync" in parts:
        with stack(20_000) as on:
            lines.append(line_of("edit → mart while 20,000 customers are read", during_full_sync(on)))
    if "agencies" in parts:
        lines.append(line_of("100 agencies, an edit each in one second", many_agencies()))
    print("\n".join(lines))
    if "idle" in parts:
        idle()


if __name__ == "__main__":
    main()
