"""Whatever job runs, Terminate, Ctrl-C and SIGTERM end it CANCELED within seconds, and the same command goes on afterwards.

The systems answer so slowly that every job is stopped among its calls.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import yaml

from ams_etl.cli.demo_agencies import grant_demo_access, other_demo_agencies, other_demo_secrets
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect
from ams_etl.writeback.events.accept import accept_events
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.end_to_end.graphql import UserInterface
from ams_etl_tests.end_to_end.published_rows import count
from ams_etl_tests.end_to_end.served import served
from ams_etl_tests.postgres import fresh_database
from ams_etl_tests.sandbox.rest import OTHERS
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.writeback.sample_events import event

LATENCY_MS = 700
MOST_SECONDS = 5.0
HELD = "select holder, subject from ops.leases where holder is not null"
CLAIMED = "select count(*) from ops.writebacks where status in ('claimed', 'delivering')"
CODES = {"SIGINT": 130, "SIGTERM": 143}


@dataclass(frozen=True, slots=True)
class Job:
    """A job as a person starts it, and when it is in the middle of its work."""

    command: tuple[str, ...]
    system: str
    calls: int
    """So many calls, and it is."""
    name: str
    """In Dagster."""

    def __str__(self) -> str:
        return " ".join(self.command)


JOBS = [
    Job(("sync", "demo"), "ams360", 20, "sync"),
    Job(("sync", "demo", "--fresh"), "ams360", 2, "sync"),
    Job(("sync", "demo", "--plan"), "ams360", 20, "sync_plan"),
    Job(("sync", "demo", "--changed"), "ams360", 3, "sync"),
    Job(("sync", "demo", "--benefitpoint"), "benefitpoint", 4, "benefitpoint_sync"),
    Job(("sync", "demo", "--benefitpoint", "--fresh"), "benefitpoint", 12, "benefitpoint_sync"),
    Job(("writeback", "demo"), "ams360", 5, "writeback"),
    Job(("sync", "demo_hawksoft"), "hawksoft", 3, "hawksoft_sync"),
    Job(("sync", "demo_qq"), "qq_catalyst", 5, "qq_catalyst_sync"),
    Job(("sync", "demo_mycase"), "mycase", 3, "mycase_sync"),
    Job(("sync", "demo_mycase", "--plan"), "mycase", 3, "mycase_sync_plan"),
    Job(("sync", "--new"), "ams360", 20, "first_syncs"),
]
IN_EVERY_RUN = [("sync demo", "SIGINT"), ("sync demo --benefitpoint --fresh", "SIGTERM"), ("writeback demo", "SIGINT"),
                ("sync demo_hawksoft", "SIGTERM"), ("sync --new", "SIGINT")]  # fmt: skip
"""What `make test` stops; the others are long tests."""


@dataclass(frozen=True, slots=True)
class Office:
    """Agencies of all systems, whose systems answer late."""

    line: CommandLine
    sandbox: Sandbox
    connection: psycopg.Connection[Any]

    def systems(self) -> dict[str, Callable[..., Any]]:
        """How to ask the sandbox of each system."""
        asked: dict[str, Callable[..., Any]] = {
            "ams360": self.sandbox.ask,
            "benefitpoint": self.sandbox.benefitpoint.ask,
        }
        for name in ("hawksoft", "qq_catalyst", "mycase"):
            asked[name] = lambda path, body=None, name=name: self.sandbox.ask(f"{name}/{path}", body)
        return asked

    def answer_late(self, milliseconds: int) -> None:
        for ask in self.systems().values():
            ask("faults", {"latency_ms": milliseconds})

    def calls(self) -> dict[str, int]:
        return {name: int(ask("stats")["total"]) for name, ask in self.systems().items()}

    def begin(self, job: Job) -> None:
        """Let it have work, whose calls are counted from nothing."""
        if job.name == "writeback":
            keys = [key for key, _ in self.sandbox.ask("customers")][:40]
            accept_events(self.connection, "demo", [event("note", key) for key in keys])
        if job.name == "first_syncs":
            self.connection.execute("delete from ops.sync_runs")
        self.answer_late(LATENCY_MS)
        for ask in self.systems().values():
            ask("reset-stats", {})

    def wait_until_in_the_middle(self, job: Job) -> None:
        deadline = time.monotonic() + 120
        while self.calls()[job.system] < job.calls:
            assert time.monotonic() < deadline, self.calls()
            time.sleep(0.02)

    def check_that_it_is_over(self) -> None:
        """Nothing is called, held, claimed or begun by anybody."""
        calls, runs = self.calls(), self.runs()
        assert self.connection.execute(HELD).fetchall() == []
        assert count(self.connection, CLAIMED) == 0
        time.sleep(2 * LATENCY_MS / 1000)
        assert self.calls() == calls
        assert [ask("stats")["in_flight"] for ask in self.systems().values()] == [0] * len(calls)
        assert self.runs() == runs

    def runs(self) -> list[tuple[str, str]]:
        """The runs' ids and their statuses, the newest first."""
        return [
            (str(run_id), str(status))
            for run_id, status in self.connection.execute("select run_id, status from public.runs order by id desc")
        ]

    def events_of(self, run_id: str) -> set[str]:
        return {
            str(kind)
            for (kind,) in self.connection.execute(
                "select dagster_event_type from public.event_logs where run_id = %s", (run_id,)
            )
        }


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, postgres_server: str, migrated_template: str) -> Iterator[Office]:
    home = tmp_path_factory.mktemp("stopping")
    with (
        fresh_database(postgres_server, migrated_template) as url,
        running_sandbox(size=60, more=("--benefitpoint", *OTHERS)) as sandbox,
        pytest.MonkeyPatch.context() as environment,
        connect(url) as connection,
    ):
        line = command_line(home, url, sandbox)
        path = home / "agencies.yaml"
        document = yaml.safe_load(path.read_text())
        document["agencies"] += other_demo_agencies(sandbox.url)
        path.write_text(yaml.safe_dump(document))
        for name, value in other_demo_secrets().items():
            environment.setenv(name, value)
            line.environment[name] = value
        agencies = load_agencies(path)
        grant_demo_access(connection, agencies, agencies.get("demo_mycase"), url)
        yield Office(line, sandbox, connection)


def stop_the_command(office: Office, job: Job, way: str) -> None:
    office.begin(job)
    command = office.line.start(*job.command)
    office.wait_until_in_the_middle(job)
    os.kill(command.pid, getattr(signal, way))
    asked = time.monotonic()
    printed, _ = command.communicate(timeout=60)
    seconds = time.monotonic() - asked
    assert command.returncode == CODES[way], printed
    assert seconds < MOST_SECONDS, printed
    run_id, status = office.runs()[0]
    assert status == "CANCELED", printed
    assert {"PIPELINE_CANCELED", "PIPELINE_FAILURE"} & office.events_of(run_id) == {"PIPELINE_CANCELED"}
    said = [text for text in printed.splitlines() if text.startswith("ams-etl: ")]
    assert len(said) == 1, printed
    assert f"stopped: run {run_id} is canceled; " in said[0]
    assert ("ams-etl writeback demo" if job.name == "writeback" else "the same command") in said[0]
    assert "Traceback" not in printed
    office.check_that_it_is_over()


@pytest.mark.parametrize(("said", "way"), IN_EVERY_RUN)
def test_a_command_that_is_stopped_ends_its_run_canceled(office: Office, said: str, way: str) -> None:
    """By Ctrl-C and by SIGTERM: exit code, one sentence, no call, no lease, no other run."""
    stop_the_command(office, next(job for job in JOBS if str(job) == said), way)


@pytest.mark.long
@pytest.mark.parametrize("way", CODES)
@pytest.mark.parametrize("job", JOBS, ids=str)
def test_every_command_that_is_stopped_goes_on_with_the_same_command(office: Office, job: Job, way: str) -> None:
    """As the sentence says."""
    stop_the_command(office, job, way)
    office.answer_late(0)
    office.line.run(*job.command)
    assert office.runs()[0][1] == "SUCCESS"
    if job.name == "writeback":
        assert count(office.connection, "select count(*) from ops.writebacks where status <> 'delivered'") == 0


@pytest.fixture(scope="module")
def ui(office: Office) -> Iterator[UserInterface]:
    with served(office.line, "--no-follow") as address:
        interface = UserInterface(address)
        interface.stop_sensors()
        for run in interface.runs():
            interface.ended(run["runId"])
        yield interface


@pytest.mark.long
@pytest.mark.parametrize("job", list({job.name: job for job in reversed(JOBS)}.values()), ids=str)
def test_every_run_that_is_terminated_in_the_ui_is_canceled(office: Office, ui: UserInterface, job: Job) -> None:
    office.begin(job)
    run = ui.launch(job.name, None if job.name == "first_syncs" else job.command[1])
    office.wait_until_in_the_middle(job)
    ui.terminate(run)
    asked = time.monotonic()
    assert ui.ended(run) == "CANCELED", ui.why(run)
    assert time.monotonic() - asked < MOST_SECONDS
    office.check_that_it_is_over()
