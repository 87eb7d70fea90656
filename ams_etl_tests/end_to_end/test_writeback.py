"""`ams-etl writeback` and its sensor, through the real Dagster, Postgres and SOAP."""

import os
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect
from ams_etl.writeback.events.accept import accept_events
from ams_etl.writeback.outbox.outbox import Outbox
from ams_etl.writeback.planning.expand import expand_events
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.writeback.sample_events import event

# Dagster says so of checks with partitions, which the code location uses on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:Specifying a partitions_def", "ignore:Parameter `partitions_def`")


@pytest.fixture
def desk(tmp_path: Path, database: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """A command line, and this process in the same environment."""
    made = command_line(tmp_path, database, sandbox)
    for name in ("AMS_ETL_HOME", "AMS_ETL_DATABASE_URL", "TEST_AMS360_PASSWORD"):
        monkeypatch.setenv(name, made.environment[name])
    return made


def run_keys(instance: dg.DagsterInstance) -> list[str | None]:
    """The runs that the sensor asks for."""
    from ams_etl.defs.writeback.sensors import deliver_writebacks

    answer = deliver_writebacks(
        dg.build_sensor_context(instance=instance), warehouse=Warehouse(), agencies=AgenciesFile()
    )
    return [entry.run_key for entry in answer.run_requests or []] if isinstance(answer, dg.SensorResult) else []


def test_a_plan_sends_nothing_a_run_delivers_and_a_person_decides(
    desk: CommandLine, database: str, sandbox: Sandbox
) -> None:
    """What the plan prints is what AMS360 gets; what is uncertain is listed and settled by its id."""
    key = sandbox.ask("customers")[0][0]
    with connect(database) as connection:
        accept_events(connection, "demo", [event("note", key), event("meeting", key)])
        printed = desk.run("writeback", "demo", "--plan")
        assert "CustomerNoteInsert" in printed
        assert '"NoteText": "Note by Ann Lee\\nPrefers mornings.\\nLink: https://platform.example/c/1"' in printed
        assert sandbox.ask("writes") == []
        assert connection.execute("select count(*) from ops.writebacks").fetchone() == (0,)
        sandbox.faults(lost={"next": 1, "operations": ["CustomerActivityInsert"]})
        printed = desk.run("writeback", "demo")
        assert "1 are uncertain" in printed
        assert len(sandbox.ask("writes")) == 2
        row = connection.execute("select writeback_id::text from ops.writebacks where status = 'uncertain'").fetchone()
        assert row is not None
        assert row[0] in desk.run("writeback", "list", "demo")
        desk.run("writeback", "resolve", "demo", row[0], "--delivered")
        assert connection.execute("select distinct status from ops.writebacks").fetchall() == [("delivered",)]
        assert "no uncertain writeback" in desk.run("writeback", "resolve", "demo", row[0], "--again", code=1)


def test_what_waits_for_the_claim_of_a_killed_delivery_is_printed(
    desk: CommandLine, database: str, sandbox: Sandbox
) -> None:
    """The run ends well and sends none of those writes: it says how many writes wait for which claim, until when."""
    key = sandbox.ask("customers")[0][0]
    with connect(database) as connection:
        accept_events(connection, "demo", [event("note", key), event("note", key)])
        expand_events(connection, load_agencies(desk.home / "agencies.yaml").get("demo"), ZoneInfo("UTC"))
        killed = Outbox(connection, "demo", "ams360", "host/1/killed", 180.0, frozenset())
        [claimed] = killed.claim(10)
        killed.begin([claimed.writeback_id])  # What was only claimed is taken over at once.
        until = connection.execute(
            "select claim_expires_at from ops.writebacks where claimed_by is not null"
        ).fetchone()
        printed = " ".join(desk.run("writeback", "demo").split())
        assert until is not None
        assert f"2 writes to ams360 wait for the claim of host/1/killed until {until[0]:%H:%M:%S}" in printed
        assert "it was killed and the next delivery after that takes them over" in printed
        assert sandbox.ask("writes") == []


def test_the_sensor_starts_one_run_for_what_is_due_and_none_beside_it(desk: CommandLine, database: str) -> None:
    """The key is what is due: the same backlog makes the same key, a run under way makes no key."""
    from ams_etl.definitions import defs

    assert os.environ["AMS_ETL_HOME"] == str(desk.home)
    with connect(database) as connection, dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("agency", ["demo"])

        assert run_keys(instance) == []
        accept_events(connection, "demo", [event("note", "00000000-0000-0000-0000-000000000001")])
        first = run_keys(instance)
        assert len(first) == 1
        assert run_keys(instance) == first
        accept_events(connection, "demo", [event("note", "00000000-0000-0000-0000-000000000001")])
        assert run_keys(instance) != first
        job = defs().resolve_job_def("writeback")
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags={"ams_etl/writeback": "demo"})
        assert run_keys(instance) == []


def test_the_sensor_wakes_for_what_is_due_in_benefitpoint_alone(desk: CommandLine, database: str) -> None:
    """AMS360's outbox is empty: a run starts for BenefitPoint's, again when more is due, and not for what waits."""
    assert desk.home.exists()
    with connect(database) as connection, dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("agency", ["demo"])

        insert = """insert into ops.writebacks (agency, system, kind, operation, lane, request, status, not_before)
            values ('demo', 'benefitpoint', 'contact_created', 'account', %s, '{}', 'pending', now() + %s::interval)"""
        connection.execute(insert, ("a", "1 hour"))
        assert run_keys(instance) == []
        connection.execute(insert, ("b", "0"))
        first = run_keys(instance)
        assert len(first) == 1
        assert run_keys(instance) == first
        connection.execute(insert, ("c", "0"))
        assert run_keys(instance) != first
        connection.execute("update ops.writebacks set status = 'delivered' where lane <> 'a'")
        assert run_keys(instance) == []


def test_the_checks_tell_of_what_waits_fails_and_is_undecided(desk: CommandLine, database: str) -> None:
    """Each by the agency's own limits, with ids to look for."""
    from ams_etl.defs.writeback.assets import writeback_health
    from ams_etl.defs.writeback.checks import writeback_checks

    assert desk.home.exists()

    def failing() -> set[str]:
        with dg.instance_for_test() as instance:
            instance.add_dynamic_partitions("agency", ["demo"])
            result = dg.materialize(
                [writeback_health, writeback_checks], partition_key="demo", instance=instance,
                resources={"warehouse": Warehouse(), "agencies": AgenciesFile()},
            )  # fmt: skip
            (made,) = result.asset_materializations_for_node("ops__writeback_health")
            assert str(made.metadata["last_24_hours"].value).startswith(
                "![Delivered in each of the last 24 hours (UTC)](data:"
            )
            return {
                evaluation.check_name for evaluation in result.get_asset_check_evaluations() if not evaluation.passed
            }

    with connect(database) as connection:
        insert = """insert into ops.writebacks (agency, kind, operation, lane, request, status, created_at, settled_at)
            values ('demo', 'note', 'note', %s, '{}', %s, now() - interval '2 hours', %s)"""
        connection.execute(insert, ("a", "delivered", "now"))
        assert failing() == set()
        connection.execute(insert, ("b", "pending", None))
        assert failing() == {"no_write_waits_too_long"}
        connection.execute(insert, ("c", "uncertain", "now"))
        connection.execute(insert, ("d", "failed", "now"))
        assert failing() == {"no_write_waits_too_long", "no_write_is_uncertain", "few_writes_fail"}
