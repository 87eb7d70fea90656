"""The sensors beside a follower: they leave it its work while it lives, take over when it is gone, and report what it did."""

from pathlib import Path

import dagster as dg
import psycopg
import pytest
import yaml

from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.store.signs_of_life.followers import FollowerBatch, beat, hand_over, leave, record
from ams_etl.writeback.events.accept import accept_events
from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.end_to_end.served import take_notifications
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.writeback.sample_events import event

# Dagster says so of checks with partitions, which the code location uses on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:Specifying a partitions_def", "ignore:Parameter `partitions_def`")


@pytest.fixture(autouse=True)
def followed(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process in the environment of an agency with notifications; no AMS360 is asked."""
    line = command_line(tmp_path, database, Sandbox("http://127.0.0.1:9", "http://127.0.0.1:9/?wsdl"))
    take_notifications(line)
    assert yaml.safe_load((tmp_path / "agencies.yaml").read_text())["agencies"][0]["notifications"]
    for name in ("AMS_ETL_HOME", "AMS_ETL_DATABASE_URL", "TEST_AMS360_PASSWORD", "TEST_CODE"):
        monkeypatch.setenv(name, line.environment[name])
    for name in ("WAIT_SECONDS", "FOLLOWED_SECONDS"):
        monkeypatch.setattr(f"ams_etl.defs.notifications.sensors.{name}", 0.0)


def asked_for(instance: dg.DagsterInstance) -> list[str]:
    """Which sensors ask for a run."""
    from ams_etl.defs.notifications.sensors import follow_notifications
    from ams_etl.defs.writeback.sensors import deliver_writebacks

    answers = {
        sensor.name: sensor(dg.build_sensor_context(instance=instance), warehouse=Warehouse(), agencies=AgenciesFile())
        for sensor in (follow_notifications, deliver_writebacks)
    }
    return [name for name, answer in answers.items() if isinstance(answer, dg.SensorResult) and answer.run_requests]


def test_the_sensors_work_only_where_no_follower_does(connection: psycopg.Connection[object]) -> None:
    """A dead one, one that left, and an agency that it leaves to a run."""
    connection.execute(
        """insert into ops.notifications (agency, state, object_type, change, keys)
        values ('demo', 'pending', 'customer', 'update', '{"CustomerId": "1"}')"""
    )
    accept_events(connection, "demo", [event("note", "00000000-0000-0000-0000-000000000001")])
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("agency", ["demo"])
        beat(connection, "one")
        assert asked_for(instance) == []
        hand_over(connection, "demo", "a batch failed 2 times")
        assert asked_for(instance) == ["follow_notifications"]
        connection.execute("update ops.notifications set sync_id = null")
        connection.execute("update ops.notification_batches set closed_at = now()")
        leave(connection, "one")
        assert asked_for(instance) == ["follow_notifications", "deliver_writebacks"]


def test_the_catalog_learns_in_few_events_what_the_follower_did(connection: psycopg.Connection[object]) -> None:
    """After half an hour, all of it in one; at once where somebody waits or something failed."""
    from ams_etl.defs.follow.sensors import report_followed

    def reported() -> list[tuple[str, str, object]]:
        answer = report_followed(dg.build_sensor_context(), warehouse=Warehouse())
        events = answer.asset_events if isinstance(answer, dg.SensorResult) else []
        return sorted(
            (type(event).__name__, event.asset_key.to_user_string(), event.metadata["batches"].value)
            for event in events
            if not isinstance(event, dg.AssetCheckEvaluation)
        )

    for number in range(3):
        record(connection, FollowerBatch("demo", "notifications", customers=number, changes=1, lag_seconds=0.5))
    assert reported() == []
    connection.execute("update ops.follower_batches set at = at - interval '31 minutes' where batch = 1")
    assert reported() == [
        ("AssetMaterialization", "mart/contacts", 3), ("AssetMaterialization", "raw_ams360/customers", 3),
    ]  # fmt: skip
    assert reported() == []
    record(connection, FollowerBatch("demo", "writeback", error="AMS360 does not answer", urgent=True))
    assert reported() == [("AssetObservation", "ops/writebacks", 1)]
