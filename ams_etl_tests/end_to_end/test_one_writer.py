"""One writer per agency however it is started, and Terminate that stops: `ams-etl up`, its UI, the command line, a sensor."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ams_etl.store.database import connect
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.end_to_end.graphql import UserInterface
from ams_etl_tests.end_to_end.published_rows import count, published
from ams_etl_tests.end_to_end.served import free_port, served, take_notifications
from ams_etl_tests.postgres import fresh_database
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.waiting import wait_for

OVERLAPPING = """select count(*) from ops.sync_runs a join ops.sync_runs b using (agency)
where a.mode = 'full' and b.mode = 'full' and a.sync_id <> b.sync_id
    and a.started_at < b.extracted_at and b.started_at < a.extracted_at"""
HELD = "select count(*) from ops.leases where holder is not null"


@dataclass(frozen=True, slots=True)
class Office:
    """An agency that was synced once, with everything running."""

    line: CommandLine
    sandbox: Sandbox
    ui: UserInterface
    connection: psycopg.Connection[Any]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, postgres_server: str, migrated_template: str) -> Iterator[Office]:
    home = tmp_path_factory.mktemp("office")
    with (
        fresh_database(postgres_server, migrated_template) as url,
        running_sandbox(size=60, more=("--ready-file", str(home / "sandbox.json"))) as sandbox,
    ):
        line = command_line(home, url, sandbox)
        take_notifications(line)
        line.run("sync", "demo")
        with served(line, "--sandbox", "--inbound-port", str(free_port())) as address, connect(url) as connection:
            yield Office(line, sandbox, UserInterface(address), connection)


@pytest.mark.long
def test_five_ways_at_once(office: Office, postgres_server: str, tmp_path: Path) -> None:
    """Two clicks, two commands and a notification: one reads at a time, all end well, the mart equals a rebuild."""
    ids = [key for key, _ in office.sandbox.ask("customers")]
    for number, customer in enumerate(ids[:10]):
        office.sandbox.edit("customers", "update", customer, City=f"City {number}")
    runs = [office.ui.launch("sync", "demo") for _ in range(2)]
    commands = [office.line.start("sync", "demo") for _ in range(2)]
    office.sandbox.edit("customers", "update", ids[20], City="Told of")
    for command in commands:
        printed, _ = command.communicate(timeout=240)
        assert command.returncode == 0, printed
    for run in runs:
        assert office.ui.ended(run) == "SUCCESS", office.ui.why(run)
    wait_for(lambda: not count(office.connection, "select count(*) from ops.notifications where state = 'pending'"))
    assert count(office.connection, "select count(*) from ops.sync_runs where mode = 'full'") == 5
    assert count(office.connection, OVERLAPPING) == 0
    assert count(office.connection, HELD) == 0
    with connect(postgres_server) as admin:
        admin.execute("create database rebuilt")
    other = postgres_server.rsplit("/", 1)[0] + "/rebuilt"
    command_line(tmp_path, other, office.sandbox).run("sync", "demo")
    with connect(other) as rebuilt:
        assert published(office.connection) == published(rebuilt)


def reading(office: Office) -> bool:
    """Whether a full sync is in the middle of its customers."""
    read = "select count(*) from ops.leases where subject = 'full_read' and holder is not null"
    return bool(count(office.connection, read)) and office.sandbox.ask("stats")["calls"].get("CustomerGetById", 0) > 5


def stopped(office: Office) -> None:
    """Nothing is called, held or retried any more, and the next sync ends what was begun."""
    calls = office.sandbox.ask("stats")["calls"]
    assert calls["CustomerGetById"] < 60
    wait_for(lambda: not count(office.connection, HELD))
    known = len(office.ui.runs())
    time.sleep(3)
    assert office.sandbox.ask("stats")["calls"] == calls
    assert len(office.ui.runs()) == known
    office.sandbox.ask("faults", {"latency_ms": 0})
    office.line.run("sync", "demo")
    assert (
        count(office.connection, "select count(*) from ops.sync_runs where mode = 'full' and state <> 'published'") == 0
    )


@pytest.mark.long
@pytest.mark.parametrize("way", ["terminate", "interrupt", "sigterm"])
def test_what_is_stopped_stops(office: Office, way: str) -> None:
    """From the UI, by Ctrl-C and by SIGTERM: no call goes on, no retry starts, the lease is free, the next sync resumes."""
    office.sandbox.ask("faults", {"latency_ms": 300})
    office.sandbox.ask("reset-stats", {})
    if way == "terminate":
        run = office.ui.launch("sync", "demo")
        wait_for(lambda: reading(office))
        office.ui.terminate(run)
        asked = time.monotonic()
        assert office.ui.ended(run) == "CANCELED"
    else:
        command = office.line.start("sync", "demo")
        wait_for(lambda: reading(office))
        os.kill(command.pid, signal.SIGINT if way == "interrupt" else signal.SIGTERM)
        asked = time.monotonic()
        printed, _ = command.communicate(timeout=60)
        assert command.returncode == (130 if way == "interrupt" else 143), printed
        assert "Traceback" not in printed, printed
        assert office.ui.runs()[0]["status"] == "CANCELED"
    print(f"{way}: {time.monotonic() - asked:.1f} s")
    stopped(office)
