"""Runs that the UI starts are executed by workers over Redis; what is terminated ends, and what dies is started again."""

import base64
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from ams_etl.store.database import connect
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.end_to_end.graphql import UserInterface
from ams_etl_tests.end_to_end.published_rows import count
from ams_etl_tests.end_to_end.served import served
from ams_etl_tests.postgres import fresh_database
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.waiting import wait_for
from ams_etl_tests.warm_processes import Process
from ams_etl_tests.workers.agencies import list_agencies, names, sandbox_options
from ams_etl_tests.workers.redis_server import PASSWORD, running_redis

FIRST, SECOND, THIRD, FOURTH = AGENCIES = names(4)


@dataclass
class Machines:
    """A machine with UI and daemon, and two with a worker; each has a home of its own."""

    line: CommandLine
    sandbox: Sandbox
    ui: UserInterface
    connection: psycopg.Connection[Any]
    redis: Path
    workers: dict[str, Process] = field(default_factory=dict)

    def start_worker(self, name: str, slots: int = 2) -> None:
        home = self.line.home.parent / name
        home.mkdir(exist_ok=True)
        (home / "agencies.yaml").write_text((self.line.home / "agencies.yaml").read_text())
        own = CommandLine(home, {**self.line.environment, "AMS_ETL_HOME": str(home)})
        self.workers[name] = own.start("worker", "--name", name, "--slots", str(slots))

    def process(self, run: str) -> psutil.Process | None:
        """The process of a run, if it is there."""
        for worker in self.workers.values():
            with suppress(psutil.NoSuchProcess):
                for child in psutil.Process(worker.pid).children(recursive=True):
                    if run in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE:
                        return child
        return None

    def worker_of(self, run: str) -> str:
        process = self.process(run)
        assert process is not None
        return next(name for name, worker in self.workers.items() if worker.pid == process.ppid())

    def leases(self, agency: str) -> int:
        """How many of its leases are held."""
        return count(
            self.connection, f"select count(*) from ops.leases where holder is not null and agency = '{agency}'"
        )

    def reading(self, agency: str) -> bool:
        """Whether a full sync is in the middle of its customers."""
        return self.leases(agency) > 0 and self.sandbox.stats()["calls"].get("CustomerGetById", 0) > 5

    def launch(self, agency: str, latency_ms: int) -> str:
        """Start a sync and wait until it reads."""
        self.sandbox.faults(latency_ms=latency_ms)
        self.sandbox.ask("reset-stats", {})
        run = self.ui.launch("sync", agency)
        wait_for(lambda: self.reading(agency))
        return run

    def retried(self, run: str) -> str | None:
        row = self.connection.execute(
            "select run_id from run_tags where key = 'dagster/parent_run_id' and value = %s", (run,)
        ).fetchone()
        return None if row is None else str(row[0])

    def is_done_again(self, run: str) -> None:
        """Wait until a run was started again, and expect that to succeed."""
        wait_for(lambda: self.retried(run))
        again = self.retried(run)
        assert again is not None
        assert self.ui.ended(again) == "SUCCESS", self.ui.why(again)


@pytest.fixture(scope="module")
def machines(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: str, migrated_template: str
) -> Iterator[Machines]:
    place = tmp_path_factory.mktemp("machines")
    with ExitStack() as stack:
        broker = stack.enter_context(running_redis(place / "redis"))
        url = stack.enter_context(fresh_database(postgres_server, migrated_template))
        sandbox = stack.enter_context(running_sandbox(size=10, more=sandbox_options(len(AGENCIES), 40)))
        line = command_line(place / "daemon", url, sandbox)
        list_agencies(line.home / "agencies.yaml", len(AGENCIES))
        line.environment["AMS_ETL_CELERY_BROKER"] = broker
        line.run("env")
        address = stack.enter_context(served(line, "--no-follow"))
        connection = stack.enter_context(connect(url))
        found = Machines(line, sandbox, UserInterface(address), connection, place / "redis")
        for name in ("one", "two"):
            found.start_worker(name)
        yield found
        for worker in found.workers.values():
            worker.kill()


def test_a_run_is_executed_by_a_worker(machines: Machines) -> None:
    run = machines.launch(FIRST, latency_ms=100)
    assert machines.worker_of(run) in machines.workers
    assert machines.ui.ended(run) == "SUCCESS", machines.ui.why(run)
    published = f"select count(*) from mart.contacts where agency = '{FIRST}'"
    assert count(machines.connection, published) > 10
    assert machines.leases(FIRST) == 0


def test_what_is_terminated_stops_and_stays_stopped(machines: Machines) -> None:
    """When the run is canceled no call is made and no lease is held any more, and its process goes."""
    run = machines.launch(SECOND, latency_ms=300)
    process = machines.process(run)
    assert process is not None
    machines.ui.terminate(run)
    assert machines.ui.ended(run) == "CANCELED"
    assert machines.leases(SECOND) == 0
    calls = machines.sandbox.stats()["calls"]
    psutil.wait_procs([process], timeout=6)
    assert machines.process(run) is None
    time.sleep(1)
    assert machines.sandbox.stats()["calls"] == calls
    assert machines.retried(run) is None


def test_a_process_that_does_not_heed_the_signal_is_gone_before_its_run_is_canceled(machines: Machines) -> None:
    run = machines.launch(SECOND, latency_ms=300)
    process = machines.process(run)
    assert process is not None
    process.suspend()
    began = time.monotonic()
    machines.ui.terminate(run)
    statuses = []
    while (status := machines.ui.status(run)) != "CANCELED":
        statuses.append((status, machines.process(run) is not None))
        assert time.monotonic() - began < 60, statuses[-1]
        time.sleep(0.05)
    assert machines.process(run) is None
    assert {status for status, _ in statuses} <= {"STARTED", "CANCELING"}


@pytest.mark.long
def test_a_run_whose_process_is_killed_is_started_again_at_once(machines: Machines) -> None:
    run = machines.launch(THIRD, latency_ms=300)
    process = machines.process(run)
    assert process is not None
    process.kill()
    assert machines.ui.ended(run, 10) == "FAILURE"
    machines.sandbox.faults(latency_ms=0)
    # It waits until the lease of the killed process expires.
    machines.is_done_again(run)


def test_a_run_whose_worker_dies_is_failed_and_started_again_elsewhere(machines: Machines) -> None:
    run = machines.launch(FOURTH, latency_ms=300)
    dead = machines.worker_of(run)
    process = machines.process(run)
    assert process is not None
    os.kill(machines.workers[dead].pid, signal.SIGKILL)
    machines.workers.pop(dead).wait(timeout=10)
    psutil.wait_procs([process], timeout=2)
    assert not process.is_running(), "it outlived the worker, which alone could have ended it"
    # As if the silences that count as death were over; test_killed_host.py waits for them.
    machines.connection.execute(
        "update ops.run_heartbeats set beat_at = beat_at - interval '1 minute' where run_id = %s", (run,)
    )
    machines.connection.execute("update ops.leases set expires_at = clock_timestamp() where agency = %s", (FOURTH,))
    assert machines.ui.ended(run, 60) == "FAILURE"
    machines.sandbox.faults(latency_ms=0)
    machines.is_done_again(run)
    assert machines.leases(FOURTH) == 0


@pytest.mark.long
def test_a_run_that_was_canceled_before_a_worker_took_it_is_not_begun(machines: Machines) -> None:
    """Dagster cancels what only starts by force alone."""
    for worker in machines.workers.values():
        worker.kill()
        worker.wait(timeout=10)
    machines.workers.clear()
    run = machines.ui.launch("sync", FIRST)
    wait_for(lambda: machines.ui.status(run) == "STARTING")
    machines.ui.terminate(run, force=True)
    assert machines.ui.status(run) == "CANCELED"
    machines.start_worker("three")
    following = machines.ui.launch("sync", FIRST)
    assert machines.ui.ended(following) == "SUCCESS", machines.ui.why(following)
    assert machines.ui.status(run) == "CANCELED"
    assert count(machines.connection, f"select count(*) from ops.sync_runs where run_id = '{run}'") == 0
    assert count(machines.connection, f"select count(*) from ops.sync_runs where run_id = '{following}'") == 1


@pytest.mark.long
def test_a_worker_that_is_stopped_finishes_its_runs_unless_it_is_asked_twice(machines: Machines) -> None:
    run = machines.launch(SECOND, latency_ms=300)
    (worker,) = machines.workers.values()
    worker.send_signal(signal.SIGTERM)
    time.sleep(2)
    assert machines.process(run) is not None
    worker.send_signal(signal.SIGTERM)
    assert machines.ui.ended(run, 15) == "FAILURE"
    assert worker.wait(timeout=15) == 0
    machines.workers.clear()
    machines.start_worker("four")
    machines.sandbox.faults(latency_ms=0)
    wait_for(lambda: machines.retried(run))


def test_the_broker_s_password_is_in_no_file(machines: Machines) -> None:
    """dagster-celery's own command leaves it below DAGSTER_HOME. Nor has any worker begun a Postgres of its own."""
    place: Path = machines.line.home.parent
    for file in place.rglob("*"):
        if file.is_file() and "redis" not in file.relative_to(place).parts[0]:
            assert PASSWORD.encode() not in file.read_bytes(), file
            assert file.name != "PG_VERSION", file


def test_redis_holds_ids_of_runs_alone(machines: Machines) -> None:
    """Its append-only file has every message that was ever sent."""
    sent = b"".join(file.read_bytes() for file in machines.redis.rglob("*") if file.is_file())
    messages = [json.loads(base64.b64decode(body)) for body in re.findall(rb'"body": "([A-Za-z0-9+/=]+)"', sent)]
    runs = {run["runId"] for run in machines.ui.runs()}
    arguments = [message[1] for message in messages if isinstance(message, list)]
    assert len(arguments) >= 4
    assert all(given.keys() == {"run_id"} and given["run_id"] in runs for given in arguments), arguments
    password = urlsplit(machines.line.environment["AMS_ETL_DATABASE_URL"]).password
    assert password
    assert password.encode() not in sent


@pytest.mark.long
def test_redis_may_be_away(machines: Machines) -> None:
    """What is at work goes on to its end, what is to be launched waits in Dagster's queue; nothing fails."""
    port = urlsplit(machines.line.environment["AMS_ETL_CELERY_BROKER"]).port
    assert port is not None
    run = machines.launch(FIRST, latency_ms=300)
    (server,) = (
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "redis-server" and f":{port}" in " ".join(process.info["cmdline"])
    )
    server.kill()
    waiting = machines.ui.launch("sync", SECOND)
    machines.sandbox.faults(latency_ms=0)
    assert machines.ui.ended(run) == "SUCCESS", machines.ui.why(run)
    assert machines.ui.status(waiting) in {"QUEUED", "STARTING"}
    with running_redis(machines.redis, port=port):
        assert machines.ui.ended(waiting) == "SUCCESS", machines.ui.why(waiting)
        assert "2 slots" in machines.line.run("doctor", FIRST)
