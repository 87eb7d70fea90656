"""Dagster's own tables stay bounded, and no partition looks as if it had never been materialized."""

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ams_etl.defs.retention.dagster_tables import delete_leftovers
from ams_etl.defs.retention.old_runs import REPOSITORY_TAG, delete_old_runs
from ams_etl.store.database import connect, dagster_url

pytestmark = pytest.mark.filterwarnings("ignore:Specifying a partitions_def", "ignore:Parameter `partitions_def`")
KEY = dg.AssetKey("piece")
PARTITIONS = dg.StaticPartitionsDefinition(["a", "b"])


@dg.asset(key=KEY, partitions_def=PARTITIONS)
def piece() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 1})


@dg.asset
def whole() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 1})


with warnings.catch_warnings():
    warnings.simplefilter("ignore", dg.PreviewWarning)

    @dg.asset_check(asset=KEY, partitions_def=PARTITIONS)
    def is_good() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)


@pytest.fixture
def instance(database: str, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    storage = {"postgres": {"postgres_url": dagster_url(database)}}
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides={"storage": storage}) as made:
        yield made


def run(instance: dg.DagsterInstance, partition: str | None, label: str = "ours", *, checked: bool = True) -> str:
    parts = [whole] if partition is None else [piece, is_good] if checked else [piece]
    return dg.materialize(parts, instance=instance, partition_key=partition, tags={REPOSITORY_TAG: label}).run_id


def test_old_runs_go_but_for_the_newest_state_of_each_partition_and_check(
    instance: dg.DagsterInstance, database: str
) -> None:
    """Also the run whose check is the newest though a later run materialized; other code locations' runs are left alone."""
    repository = dg.Definitions(assets=[piece, whole], asset_checks=[is_good]).get_repository_def()
    gone = {run(instance, "a"), run(instance, "b"), run(instance, "a"), run(instance, None)}
    checked, unchecked = run(instance, "a"), run(instance, "a", checked=False)
    foreign = run(instance, "b", "another team's")
    stays = {checked, unchecked, foreign, run(instance, "b"), run(instance, None)}
    before = instance.get_latest_storage_id_by_partition(KEY, dg.DagsterEventType.ASSET_MATERIALIZATION)
    later = datetime.now(UTC) + timedelta(seconds=1)
    long_ago = later - timedelta(days=1)
    assert delete_old_runs(instance, repository, "ours", succeeded_before=long_ago, failed_before=later) == (0, 0)

    counts = delete_old_runs(instance, repository, "ours", succeeded_before=later, failed_before=later)

    assert counts == (len(gone), len(stays - {foreign}))
    assert set(instance.get_run_ids()) == stays
    after = instance.get_latest_storage_id_by_partition(KEY, dg.DagsterEventType.ASSET_MATERIALIZATION)
    assert after == before
    assert instance.get_materialized_partitions(KEY) == {"a", "b"}
    assert instance.get_latest_materialization_event(dg.AssetKey("whole"))
    with connect(database) as connection:
        assert connection.execute(
            "select count(*) from event_logs where run_id = any(%s)", (list(gone),)
        ).fetchone() == (0,)
        assert delete_leftovers(instance, repository, long_ago) == (0, 0)
        found = delete_leftovers(instance, repository, later)
        assert found is not None
        assert found[0] > 0
        newest = connection.execute(
            """select count(*), count(distinct partition), count(*) filter (where exists (
                select from runs r where r.run_id = c.run_id)) from asset_check_executions c"""
        ).fetchone()
    assert newest is not None
    assert newest[1] == 2
    assert newest[0] == newest[2], "a check row is left whose run is gone"
    assert delete_old_runs(instance, repository, "ours", succeeded_before=later, failed_before=later)[0] == 0


def test_events_without_a_run_keep_the_newest_of_each_partition(instance: dg.DagsterInstance) -> None:
    """`delete_run("")` would delete them all."""
    repository = dg.Definitions(assets=[piece]).get_repository_def()
    for _ in range(3):
        for partition in ("a", "b"):
            instance.report_runless_asset_event(dg.AssetMaterialization(KEY, partition=partition))
            instance.report_runless_asset_event(dg.AssetObservation(KEY, partition=partition))
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert delete_leftovers(instance, repository, later) == (0, 8)
    assert instance.get_materialized_partitions(KEY) == {"a", "b"}
    assert delete_leftovers(instance, repository, later) == (0, 0)


def test_an_unreviewed_version_of_dagster_deletes_nothing(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tables may have another meaning."""
    monkeypatch.setattr(dg, "__version__", "1.14.0")
    repository = dg.Definitions(assets=[piece]).get_repository_def()
    assert delete_leftovers(instance, repository, datetime.now(UTC)) is None


def test_the_job_cleans_up_and_measures(
    instance: dg.DagsterInstance, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run for all agencies, and a check against the limit of agencies.yaml."""
    from ams_etl.definitions import defs

    config = tmp_path / "agencies.yaml"
    config.write_text(
        """agencies:
  - {id: acme, name: Acme, ams360: {wsdl: "https://x/?wsdl", agency_no: 5551234-1, login_id: etl, password_env: X_Y}}
retention: {changes_days: 10, max_database_gb: 0.000001}
"""
    )
    monkeypatch.setenv("AMS_ETL_CONFIG", str(config))
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", database)
    with connect(database) as connection:
        connection.execute(
            """insert into mart.changes (agency, entity, entity_id, op, at)
            select 'acme', 'contact', n::text, 'insert', now() - n * interval '1 day' from generate_series(1, 30) n"""
        )
        job = defs().resolve_job_def("retention")
        result = job.execute_in_process(instance=instance, tags={REPOSITORY_TAG: "ours"})
        assert result.success
        left = connection.execute("select count(*) from mart.changes").fetchone()
        assert left == (9,)
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.check_name, evaluation.passed) == ("database_is_within_its_limit", False)
