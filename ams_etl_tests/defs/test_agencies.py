"""Partitions tell the truth: agencies come and go with the file, and assets of other systems are done at once."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from click.testing import CliRunner

from ams_etl.cli import cli
from ams_etl.definitions import defs
from ams_etl.defs.agencies.applicable import REASON, inapplicable_tables
from ams_etl.defs.agencies.assets import AGENCIES_KEY
from ams_etl.defs.agencies.sensors import describe_agencies, follow_agencies_file
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.defs.writeback.assets import writeback_health
from ams_etl.settings import load_agencies

HAWKSOFT = {
    "id": "hawk", "name": "Hawk Insurance",
    "hawksoft": {"agency_id": 7, "client_id": "etl", "client_secret_env": "TEST_SECRET", "base": "http://127.0.0.1:9"},
}  # fmt: skip
AMS360: dict[str, Any] = {
    "id": "acme", "name": "Acme Insurance",
    "ams360": {"wsdl": "http://127.0.0.1:9/?wsdl", "agency_no": "1234567-1", "login_id": "etl",
               "password_env": "TEST_SECRET"},
}  # fmt: skip
OTHERS_JOBS = {"sync": None, "writeback": None, "benefitpoint_sync": "raw_benefitpoint", "mycase_sync": "raw_mycase"}
"""Jobs of systems that the agency does not have -> the part that differs from job to job; None is all of it."""


@pytest.fixture
def file(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AMS_ETL_HOME", str(tmp_path))
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", database)
    monkeypatch.setenv("TEST_SECRET", "sandbox")
    return write(tmp_path / "agencies.yaml", HAWKSOFT, AMS360)


def write(path: Path, *agencies: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump({"agencies": list(agencies)}))
    return path


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def followed(instance: dg.DagsterInstance) -> set[str]:
    """Evaluate the sensor, apply what it asks for, and return the partitions."""
    found = follow_agencies_file(dg.build_sensor_context(instance=instance, resources={"agencies": AgenciesFile()}))
    for request in getattr(found, "dynamic_partitions_requests", None) or ():
        if isinstance(request, dg.AddDynamicPartitionsRequest):
            instance.add_dynamic_partitions("agency", list(request.partition_keys))
        else:
            for key in request.partition_keys:
                instance.delete_dynamic_partition("agency", key)
    return set(instance.get_dynamic_partitions("agency"))


def described(instance: dg.DagsterInstance, cursor: str | None) -> str:
    found: Any = describe_agencies(
        dg.build_sensor_context(
            instance=instance, cursor=cursor, resources={"agencies": AgenciesFile(), "warehouse": Warehouse()}
        )
    )
    assert isinstance(found.cursor, str)
    return found.cursor


def test_an_entry_with_a_mistake_keeps_its_partition_and_stops_nobody(file: Path, instance: dg.DagsterInstance) -> None:
    """It is no agency that left; the others go on, and the asset and the doctor say so."""
    assert followed(instance) == {"hawk", "acme"}
    write(file, HAWKSOFT, {**AMS360, "ams360": {**AMS360["ams360"], "agency_no": "12"}})
    assert followed(instance) == {"hawk", "acme"}
    described(instance, None)
    event = instance.get_latest_materialization_event(AGENCIES_KEY)
    assert event is not None
    assert event.asset_materialization is not None
    table = str(event.asset_materialization.metadata["agencies"].value)
    assert "| acme |  |  |  | left out: its entry has mistakes" in table
    assert "inactive" not in table
    printed = CliRunner().invoke(cli, ["doctor"])
    assert printed.exit_code == 1
    assert re.search(r"WRONG .*agencies\.acme\.ams360\.agency_no", printed.output)
    assert "hawk" in printed.output
    write(file, HAWKSOFT)
    assert followed(instance) == {"hawk"}


def test_agencies_get_and_lose_their_partition_with_the_file(file: Path, instance: dg.DagsterInstance) -> None:
    """One that left keeps its partition while a run uses it."""
    assert followed(instance) == {"hawk", "acme"}
    write(file, AMS360)
    run = instance.create_run_for_job(
        defs().resolve_job_def("rederive"), tags={"dagster/partition": "hawk"}, status=dg.DagsterRunStatus.STARTED
    )
    assert followed(instance) == {"hawk", "acme"}
    instance.report_run_failed(run)
    assert followed(instance) == {"acme"}
    file.write_text("agencies: [")
    assert followed(instance) == {"acme"}


def test_other_systems_assets_are_marked_once_with_the_reason(file: Path, instance: dg.DagsterInstance) -> None:
    followed(instance)
    cursor = described(instance, None)
    for agency in load_agencies(file).all:
        expected = inapplicable_tables(agency)
        assert expected
        for table, reason in expected.items():
            key = dg.AssetKey(table.split("."))
            assert instance.get_materialized_partitions(key) >= {agency.id}
            record = instance.fetch_materializations(dg.AssetRecordsFilter(key, asset_partitions=[agency.id]), limit=9)
            assert len(record.records) == 1
            materialization = record.records[0].asset_materialization
            assert materialization is not None
            assert materialization.metadata[REASON].value == reason
    assert not instance.get_materialized_partitions(dg.AssetKey(["raw_hawksoft", "clients"])) - {"acme"}
    assert described(instance, cursor) == cursor
    listing = instance.get_latest_materialization_event(AGENCIES_KEY)
    assert listing is not None
    assert listing.asset_materialization is not None
    assert listing.asset_materialization.metadata["active"].value == 2
    assert json.loads(cursor)["hawk"] == "hawksoft"


def test_jobs_of_other_systems_end_green_for_an_agency(file: Path, instance: dg.DagsterInstance) -> None:
    """So does a backfill of all agencies: it is these jobs, one partition at a time. Its own system is not asked."""
    followed(instance)
    for name, part in OTHERS_JOBS.items():
        job = defs().resolve_job_def(name)
        keys = [key for key in job.asset_layer.executable_asset_keys if part in {None, key.path[0]}]
        result = job.execute_in_process(
            instance=instance, partition_key="hawk", raise_on_error=False, asset_selection=keys
        )
        assert result.success, name
    assert "hawk" in instance.get_materialized_partitions(dg.AssetKey(["raw_ams360", "customers"]))


def test_a_run_without_an_agency_says_what_to_choose(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Launchpad launches a partitioned job without a partition, after a warning that is easily overlooked."""
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", database)
    with dg.instance_for_test() as instance:
        result = dg.materialize(
            [writeback_health],
            instance=instance,
            resources={"warehouse": Warehouse(), "agencies": AgenciesFile()},
            raise_on_error=False,
        )
    failure = result.failure_data_for_node("ops__writeback_health")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert failure.user_failure_data.description == (
        "This run has no agency: choose one in the Launchpad's field Partition and launch it again."
    )
