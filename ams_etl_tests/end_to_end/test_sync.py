"""`ams-etl sync` through the real Dagster, Postgres and SOAP."""

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
from dagster._core.test_utils import create_run_for_test

from ams_etl.cli.instance import dagster_instance, prepare
from ams_etl.defs.dead_runs import end, end_dead_runs
from ams_etl.defs.resources import Warehouse
from ams_etl.store.database import connect
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.end_to_end.published_rows import count, published
from ams_etl_tests.sandbox_process import running_sandbox


def test_a_sync_killed_half_way_goes_on_and_ends_as_an_undisturbed_one(
    tmp_path: Path, database: str, postgres_server: str
) -> None:
    """Kill -9, then the same command: nothing lost, nothing doubled, and what was read is not read again.

    Dagster takes the killed run for running until the sensor finds that its process gave no sign of life.
    """
    with running_sandbox(size=400) as sandbox:
        disturbed = command_line(tmp_path / "a", database, sandbox)
        sandbox.ask("faults", {"latency_ms": 15})
        process = disturbed.start("sync", "demo")
        with connect(database) as connection:
            deadline = time.monotonic() + 120
            while count(connection, "select count(*) from ops.sync_customers where read_at is not null") < 200:
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline
                time.sleep(0.02)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            read_before = count(connection, "select count(*) from ops.sync_customers where read_at is not null")
            assert count(connection, "select count(*) from mart.contacts") == 0
            the_sensor_ends_the_run_once_it_is_silent(disturbed, connection)
            sandbox.ask("faults", {"latency_ms": 0})
            sandbox.ask("reset-stats", {})
            printed = disturbed.run("sync", "demo")
            calls = sandbox.ask("stats")["calls"]
            assert calls["CustomerGetById"] == 400 - read_before
            assert "CustomerGetListByNamePrefix" not in calls
            assert count(connection, "select count(*) from ops.sync_runs where mode = 'full'") == 1
            assert re.search(r"contacts: [1-9]\d* inserted, 0 updated, 0 deleted", printed)

            printed = disturbed.run("sync", "demo")
            assert "contacts: 0 inserted, 0 updated, 0 deleted" in printed

            with connect(postgres_server) as admin:
                admin.execute("create database undisturbed")
            other = postgres_server.rsplit("/", 1)[0] + "/undisturbed"
            command_line(tmp_path / "b", other, sandbox).run("sync", "demo")
            with connect(other) as undisturbed:
                assert published(connection) == published(undisturbed)
                secrets = count(
                    undisturbed,
                    """select count(*) from raw_ams360.customer_dependents
                    where payload ? 'SSN' or payload ? 'DriversLicense'""",
                )
                assert secrets == 0


def the_sensor_ends_the_run_once_it_is_silent(line: CommandLine, connection: psycopg.Connection[Any]) -> None:
    os.environ.update(line.environment)
    prepare()
    with dagster_instance() as instance:

        def after_a_tick() -> tuple[str | None, dg.DagsterRunStatus]:
            skipped = end_dead_runs(dg.build_sensor_context(instance=instance), warehouse=Warehouse())
            assert isinstance(skipped, dg.SkipReason)
            (run,) = instance.get_runs()
            return skipped.skip_message, run.status

        (run_id,) = instance.get_run_ids()
        assert after_a_tick() == ("every run lives", dg.DagsterRunStatus.STARTED)
        connection.execute("update ops.run_heartbeats set beat_at = beat_at - interval '45 seconds'")
        assert after_a_tick() == (f"dead: {run_id}", dg.DagsterRunStatus.FAILURE)
        assert after_a_tick() == ("every run lives", dg.DagsterRunStatus.FAILURE)
    assert count(connection, "select count(*) from ops.run_heartbeats") == 0


def test_a_silent_run_that_was_told_to_stop_ends_as_canceled() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        runs = {
            status: create_run_for_test(instance, status=status)
            for status in (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.SUCCESS)
        }
        dead = end(instance, [run.run_id for run in runs.values()])
        ended = {status: instance.get_run_by_id(run.run_id) for status, run in runs.items()}
    assert len(dead) == 2
    assert {before: run.status.value for before, run in ended.items() if run is not None} == {
        dg.DagsterRunStatus.STARTED: "FAILURE",
        dg.DagsterRunStatus.CANCELING: "CANCELED",
        dg.DagsterRunStatus.SUCCESS: "SUCCESS",
    }


def test_a_plan_changes_nothing_is_applied_once_and_refused_when_the_data_moved_on(
    tmp_path: Path, database: str
) -> None:
    """What was reviewed is what is published, or nothing is."""
    with running_sandbox(size=60) as sandbox, connect(database) as connection:
        line = command_line(tmp_path, database, sandbox)
        printed = line.run("sync", "demo", "--plan")
        plan = re.search(r"--apply ([0-9a-f-]{36})", printed)
        assert plan is not None
        assert count(connection, "select count(*) from mart.contacts") == 0
        planned = re.search(r"plan \S+: (\d+) to insert, 0 to update, 0 to delete", printed)
        assert planned is not None

        line.run("sync", "demo", "--apply", plan[1])
        assert count(connection, "select count(*) from mart.contacts") == int(planned[1])
        assert "there is no plan for demo" in line.run("sync", "demo", "--apply", plan[1], code=1)

        (key, _), *_ = sandbox.ask("customers")
        sandbox.edit(
            "customers", "update", key, FirmName="Renamed LLC", LastName=None, IsCommercial=True, IsActive=True
        )
        shown = line.run("sync", "demo", "--plan", "--customer", key)
        stale = re.search(r"--apply ([0-9a-f-]{36})", shown)
        assert stale is not None
        assert "Renamed LLC" in shown or "to insert" in shown
        connection.execute("insert into stage.dirty_customers (agency, customer_id) values ('demo', %s)", (key,))
        assert "moved on" in line.run("sync", "demo", "--apply", stale[1], code=1)


def test_the_brake_stops_a_publish_until_a_person_lets_it_through(tmp_path: Path, database: str) -> None:
    """An agency that lost most of its customers overnight is more likely a mistake than the truth."""
    with running_sandbox(size=80) as sandbox, connect(database) as connection:
        line = command_line(tmp_path, database, sandbox)
        line.run("sync", "demo")
        before = published(connection)
        for key, _ in sandbox.ask("customers")[:50]:
            sandbox.edit("customers", "delete", key)
        printed = line.run("sync", "demo", code=1)
        assert re.search(r"this would delete \d+ of \d+ contacts \(brake.max_deleted_share allows 10%\)", printed)
        assert published(connection) == before
        letting = re.search(r"--apply ([0-9a-f-]{36})", printed)
        assert letting is not None
        line.run("sync", "demo", "--apply", letting[1])
        live = count(connection, "select count(*) from raw_ams360.customers where deleted_at is null")
        assert live == 30
        assert published(connection) != before


def test_bad_data_fails_a_blocking_check_and_the_publish_stops(tmp_path: Path, database: str) -> None:
    """A name that a person gave cannot make anybody be greeted as deceased; the check names the contact by id alone."""
    with running_sandbox(size=30) as sandbox, connect(database) as connection:
        line = command_line(tmp_path, database, sandbox)
        line.run("sync", "demo")
        before = published(connection)
        contact_id = connection.execute(
            "select contact_id from mart.contacts where nickname is null order by 1 limit 1"
        ).fetchone()[0]  # type: ignore[index]
        connection.execute(
            "insert into ops.name_overrides (agency, contact_id, first_name) values ('demo', %s, '(Deceased) Ann')",
            (contact_id,),
        )
        printed = line.run("sync", "demo", code=1)
        assert "the publish was stopped: every_planned_contact_meets_the_requirements" in printed
        assert str(contact_id) in printed
        assert "Ann" not in printed
        assert published(connection) == before
        connection.execute("update ops.name_overrides set first_name = 'Ann'")
        assert "contacts: 0 inserted, 1 updated, 0 deleted" in line.run("sync", "demo")


def test_what_goes_wrong_is_one_line_that_says_what_to_do(tmp_path: Path, database: str) -> None:
    """Wrong password, denied right, wrong WSDL, unreachable server: no traceback, and raw as before."""
    with running_sandbox(size=30) as sandbox, connect(database) as connection:
        wrong = command_line(tmp_path, database, sandbox, password="s3cret-and-wrong")
        printed = wrong.run("sync", "demo", code=1)
        assert "refuses the login 'etl' of agency 5551234-1" in printed
        assert "password_env" in printed
        assert "s3cret" not in printed
        assert "Traceback" not in printed

        line = command_line(tmp_path, database, sandbox)
        sandbox.ask("faults", {"denied": ["CustomerDependentGetList"]})
        printed = line.run("sync", "demo", code=1)
        assert "CustomerDependentGetList" in printed
        assert "Administration > Web Service API" in printed
        sandbox.ask("faults", {"denied": []})
        assert count(connection, "select count(*) from raw_ams360.customers") == 0

        line = command_line(tmp_path, database, sandbox, wsdl=f"{sandbox.url}/sandbox/stats")
        assert "not a WSDL" in line.run("sync", "demo", code=1)
        line = command_line(tmp_path, database, sandbox, wsdl="http://127.0.0.1:9/x?wsdl")
        # A sync would try again for minutes before it says so.
        printed = line.run("doctor", "demo", code=1)
        assert "127.0.0.1:9" in printed
        assert "Traceback" not in printed
