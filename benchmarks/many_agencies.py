"""Hundreds of agencies on one machine: what each tick of each sensor and schedule costs.

    python -m benchmarks.many_agencies ticks [--agencies 500]
    python -m benchmarks.many_agencies week [--agencies 500]
    python -m benchmarks.many_agencies first [--agencies 500] [--customers 200]

`ticks` evaluates every schedule and sensor of the code location against a real Dagster instance in Postgres, at the worst
moment of its day or week: the window has opened for everybody, and every fiftieth agency has something to do.

`week` plays a week in steps of ten minutes: what the sensor of regular work asks for at each is done at once. It counts the runs of each
agency and day, the most that are asked for in one step, and those of schedules that have one run for all agencies.

`first` times `ams-etl sync --new` for all agencies, then `ams-etl sync` for one agency that has as many customers as all of them, each
with a new database, a sandbox of its own that answers at once, and the command in a process of its own.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psutil
import psycopg

from ams_etl.store.database import connect, dagster_url
from ams_etl.store.migrations import sql_folder, upgrade
from benchmarks.own_server import own_server

ZONE = ZoneInfo("America/New_York")
MOMENTS = {
    "weekly_full_resync": datetime(2026, 11, 22, 5, 50, tzinfo=ZONE),
    "daily_sweep": datetime(2026, 11, 23, 21, 50, tzinfo=ZONE),
    "hourly_freshness": datetime(2026, 11, 23, 14, 5, tzinfo=ZONE),
    "daily_benefitpoint_sync": datetime(2026, 11, 23, 7, 50, tzinfo=ZONE),
    "daily_reevaluation": datetime(2026, 11, 23, 0, 15, tzinfo=ZONE),
}
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=ZONE)
STEP_MINUTES = 10
SECONDS_A_REQUEST = 0.018
"""What the daemon takes to record and queue one requested run, measured beside the spike of Dagster 1.13."""


def agencies_file(path: Path, count: int, wsdl: str = "https://ams360.invalid/?wsdl") -> None:
    """Write an agencies.yaml with so many agencies, each with AMS360, BenefitPoint and notifications."""
    path.write_text(
        "agencies:\n"
        + "".join(
            f"""  - id: agency{number:03}
    name: Agency {number}
    ams360: {{wsdl: "{wsdl}", agency_no: {5_000_000 + number}-1, login_id: etl, password_env: BENCH_PASSWORD}}
    benefitpoint: {{wsdl: "https://x/?wsdl", login_wsdl: "https://x/?wsdl", username: etl, password_env: BENCH_PASSWORD}}
    notifications: {{authentication_code_env: BENCH_CODE, version: "2.0"}}
    settings: {{prospects: {{within_days: 365}}, tags: [carrier]}}
"""
            for number in range(count)
        )
    )


@contextmanager
def machine(agencies: int) -> Iterator[str]:
    """A home with a server, the schema, a Dagster instance and a partition per agency; the URL of its database."""
    with own_server() as (home, server):
        with connect(server) as connection:
            connection.execute("create database many")
        url = server.rsplit("/", 1)[0] + "/many"
        with connect(url) as connection:
            upgrade(connection, sql_folder())
        dagster_home = home / "dagster"
        dagster_home.mkdir(exist_ok=True)
        shutil.copyfile("dagster.yaml", dagster_home / "dagster.yaml")
        agencies_file(home / "agencies.yaml", agencies)
        os.environ |= {
            "AMS_ETL_HOME": str(home), "AMS_ETL_DATABASE_URL": url, "AMS_ETL_CONFIG": str(home / "agencies.yaml"),
            "DAGSTER_HOME": str(dagster_home), "AMS_ETL_DAGSTER_URL": dagster_url(url), "BENCH_PASSWORD": "sandbox",
            "BENCH_CODE": "code",
        }  # fmt: skip
        yield url


def ticks(agencies: int) -> None:
    """Time each schedule and sensor, and count the runs that it asks for."""
    import dagster as dg
    from dagster._core.definitions.partitions.context import partition_loading_context

    from ams_etl.definitions import defs
    from ams_etl.defs.resources import AgenciesFile, Warehouse

    with machine(agencies) as url, dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions("agency", [f"agency{number:03}" for number in range(agencies)])
        _give_work(url, agencies)
        repository = defs().get_repository_def()
        resources = {"agencies": AgenciesFile(), "warehouse": Warehouse()}
        _line("schedule or sensor", "runs", "evaluate, s", "own CPU, s", "with queueing, s")
        definitions: list[dg.ScheduleDefinition | dg.SensorDefinition] = [
            *repository.schedule_defs, *repository.sensor_defs,
        ]  # fmt: skip
        for definition in definitions:
            needed = {name: resources[name] for name in definition.required_resource_keys}
            if isinstance(definition, dg.ScheduleDefinition):
                moment = MOMENTS.get(definition.name, NOON)
                context: Any = dg.build_schedule_context(
                    instance=instance, scheduled_execution_time=moment, resources=needed, repository_def=repository
                )
            elif type(definition) is dg.SensorDefinition:
                context = dg.build_sensor_context(
                    instance=instance, resources=needed, repository_def=repository, definitions=None
                )
            else:
                continue
            began, cpu = time.perf_counter(), time.process_time()
            # The daemon sets this; `evaluate_tick` alone does not.
            with context, partition_loading_context(dynamic_partitions_store=instance):
                data = definition.evaluate_tick(context)
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
            runs = len(data.run_requests or [])
            queued = seconds + runs * SECONDS_A_REQUEST
            _line(definition.name, str(runs), f"{seconds:.2f}", f"{cpu:.2f}", f"{queued:.1f}")


def week(agencies: int) -> None:
    """Count the runs that a week's regular work asks for."""
    import dagster as dg

    from ams_etl.definitions import defs
    from ams_etl.defs.due.regular_work import AgencyWork, agency_work
    from ams_etl.defs.due.sensors import to_ask
    from ams_etl.settings import load_agencies

    with machine(agencies) as url, dg.DagsterInstance.get() as instance, connect(url) as connection:
        instance.add_dynamic_partitions("agency", [f"agency{number:03}" for number in range(agencies)])
        read = load_agencies()
        began = datetime(2026, 11, 23, tzinfo=ZONE)
        before = began - timedelta(minutes=1)
        connection.execute(
            """insert into ops.sync_runs (agency, sync_id, mode, state, started_at, extracted_at, published_at)
            select a, gen_random_uuid(), 'full', 'published', %(at)s, %(at)s, %(at)s from unnest(%(agencies)s::text[]) a""",
            {"at": before, "agencies": [agency.id for agency in read.all]},
        )
        connection.execute(
            """insert into ops.benefitpoint_cursors (agency, changes_since, full_at, synced_at)
            select agency, started_at, started_at, started_at from ops.sync_runs"""
        )
        runs: Counter[tuple[str, int]] = Counter()
        kinds: Counter[str] = Counter()
        most, seconds, steps = 0, 0.0, 0
        for minute in range(0, 7 * 24 * 60, STEP_MINUTES):
            now = began + timedelta(minutes=minute)
            asked = 0
            # The sensor's ticks of these minutes, until one asks for nothing.
            for _ in range(STEP_MINUTES):
                started = time.perf_counter()
                rows: list[AgencyWork] = to_ask(instance, agency_work(connection, read, now), now, None)
                seconds += time.perf_counter() - started
                steps += 1
                asked += len(rows)
                for row in rows:
                    runs[row.agency, minute // (24 * 60)] += 1
                    kinds[row.work.kind] += 1
                    _done(connection, row.agency, row.work.kind, now)
                if not rows:
                    break
            most = max(most, asked)
        repository = defs().get_repository_def()
        for_all = {
            schedule.name: schedule.cron_schedule
            for schedule in repository.schedule_defs
            if schedule.name.startswith(("daily_re", "hourly"))
        }
    print(f"runs of one agency in one day: at most {max(runs.values())}, on average {runs.total() / agencies / 7:.2f}")
    print(f"runs of the week by kind: {dict(kinds)}; asked for in ten minutes: at most {most}")
    print(f"schedules with one run for all agencies: {for_all}")
    print(f"a tick of the sensor took {seconds / steps:.2f} s")


def first(agencies: int, customers: int) -> None:
    """Compare the first sync of all agencies in one run with that of one agency of the same size."""
    several = _first_sync({f"agency{number:03}": customers for number in range(agencies)}, ("--new",))
    one = _first_sync({"agency000": agencies * customers}, ("agency000",))
    columns = ("", "seconds", "our CPU, s", "Postgres, s", "calls", "calls a customer")
    print("| " + " | ".join(columns) + " |")
    for title, found in (
        (f"{agencies} agencies x {customers} customers", several),
        (f"1 x {agencies * customers}", one),
    ):
        calls = found["calls"]
        print(
            f"| {title} | {found['seconds']:.1f} | {found['cpu']:.1f} | {found['postgres']:.1f} | {calls:,.0f} "
            f"| {calls / agencies / customers:.2f} |"
        )
    print(
        f"ratio of the times: {several['seconds'] / one['seconds']:.2f}; of our CPU: {several['cpu'] / one['cpu']:.2f}",
        flush=True,
    )


def _first_sync(sizes: dict[str, int], arguments: tuple[str, ...]) -> dict[str, float]:
    """Run `ams-etl sync` with a new server and sandbox; its seconds, our CPU, that of Postgres, and the calls."""
    from ams_etl_tests.sandbox_process import running_sandbox

    numbers = {name: f"{5_000_000 + place}-1" for place, name in enumerate(sizes)}
    more = [part for name, size in sizes.items() for part in ("--agency", f"{name}:{numbers[name]}:7:{size}")]
    with running_sandbox(size=1, more=tuple(more)) as sandbox, machine(len(sizes)) as url:
        config = Path(os.environ["AMS_ETL_CONFIG"])
        entries = [
            f"  - {{id: {name}, name: {name}, ams360: {{wsdl: '{sandbox.wsdl}', agency_no: {number}, login_id: etl, "
            "password_env: BENCH_PASSWORD, max_concurrency: 8}}"
            for name, number in numbers.items()
        ]
        config.write_text("agencies:\n" + "\n".join(entries) + "\n")
        subprocess.run([sys.executable, "-m", "ams_etl.cli", "db", "upgrade"], check=True, capture_output=True)
        sandbox.ask("reset-stats", {})
        before, began = _postgres_cpu(url), time.monotonic()
        command = [sys.executable, "-m", "ams_etl.cli", "sync", *arguments, "--json"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
        calls = float(sandbox.stats()["total"])
        return {
            "seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime, "postgres": _postgres_cpu(url) - before,
            "calls": calls,
        }  # fmt: skip


def _postgres_cpu(url: str) -> float:
    """Return the CPU seconds of a server's processes, ended ones included."""
    with connect(url) as connection:
        row = connection.execute("select pg_read_file('postmaster.pid')").fetchone()
    server = psutil.Process(int(str(row[0]).split()[0])) if row else psutil.Process()
    total = 0.0
    for process in (server, *server.children()):
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
            if process == server:
                total += times.children_user + times.children_system
    return total


def _done(connection: psycopg.Connection[Any], agency: str, kind: str, now: datetime) -> None:
    if kind == "benefitpoint":
        connection.execute("update ops.benefitpoint_cursors set synced_at = %s where agency = %s", (now, agency))
        return
    connection.execute(
        """insert into ops.sync_runs (agency, sync_id, mode, state, started_at, extracted_at, published_at)
        values (%(agency)s, gen_random_uuid(), %(mode)s, 'published', %(at)s, %(at)s, %(at)s)""",
        {"agency": agency, "mode": "full" if kind == "weekly_resync" else "sweep", "at": now},
    )


def _give_work(url: str, agencies: int) -> None:
    """Every fiftieth agency has a notification that waits and an event that was not read yet."""
    with connect(url) as connection:
        for number in range(0, agencies, 50):
            connection.execute(
                """insert into ops.notifications (agency, state, object_type, change, keys)
                values (%s, 'pending', 'customer', 'update', '{"CustomerId": "1"}')""",
                (f"agency{number:03}",),
            )
            connection.execute(
                "insert into ops.events (agency, kind, payload) values (%s, 'note', '{}')", (f"agency{number:03}",)
            )


def _line(*cells: str) -> None:
    print(
        "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(cells, (30, 6, 12, 12, 16), strict=True)) + " |",
        flush=True,
    )


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", choices=["ticks", "week", "first"])
    parser.add_argument("--agencies", type=int, default=500)
    parser.add_argument("--customers", type=int, default=200, help="of each agency; only for `first`")
    given = parser.parse_args()
    if given.part == "first":
        first(given.agencies, given.customers)
        return
    {"ticks": ticks, "week": week}[given.part](given.agencies)


if __name__ == "__main__":
    main()
