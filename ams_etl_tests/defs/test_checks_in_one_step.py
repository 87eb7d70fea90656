"""Checks that share a step: one that raises leaves the others their results, and each can be run alone."""

import warnings
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ams_etl.defs.checks_in_one_step import Check, in_one_step
from ams_etl.defs.partitions import agency_partitions
from ams_etl.defs.resources import AgenciesFile, Warehouse

TABLE = dg.AssetKey(["mart", "contacts"])


def _says(*, passed: bool) -> Any:
    return lambda agency, _warehouse, _agencies: dg.AssetCheckResult(passed=passed, metadata={"agency": agency})


def _raises(*_: Any) -> dg.AssetCheckResult:
    raise RuntimeError("the table is gone")


CHECKS = [
    Check(TABLE, "holds", "", _says(passed=True)),
    Check(TABLE, "raises", "", _raises),
    Check(TABLE, "fails", "", _says(passed=False)),
]


def _run(*chosen: str) -> dg.ExecuteInProcessResult:
    @dg.asset(key=TABLE, partitions_def=agency_partitions)
    def table() -> None:
        """A table."""

    with warnings.catch_warnings(), dg.DagsterInstance.ephemeral() as instance:
        # Partitions of checks are in preview in Dagster 1.13.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        instance.add_dynamic_partitions("agency", ["acme"])
        selection = dg.AssetSelection.checks(*(dg.AssetCheckKey(TABLE, name) for name in chosen))
        job = dg.Definitions(
            assets=[table],
            asset_checks=[in_one_step("checks", CHECKS)],
            jobs=[dg.define_asset_job("job", selection=selection)],
            resources={"warehouse": Warehouse(), "agencies": AgenciesFile()},
        ).resolve_job_def("job")
        return job.execute_in_process(instance=instance, tags={"dagster/partition": "acme"}, raise_on_error=False)


@pytest.mark.parametrize(
    ("chosen", "results", "success"),
    [
        (("holds", "raises", "fails"), {"holds": True, "fails": False}, False),
        (("holds", "fails"), {"holds": True, "fails": False}, True),
        (("fails",), {"fails": False}, True),
    ],
)
def test_each_check_has_its_result_whatever_the_others_do(
    chosen: tuple[str, ...], results: dict[str, bool], success: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMS_ETL_HOME", str(tmp_path))
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    ran = _run(*chosen)
    found = ran.get_asset_check_evaluations()
    assert {evaluation.check_name: evaluation.passed for evaluation in found} == results
    assert {str(evaluation.metadata["agency"].value) for evaluation in found} == {"acme"}
    assert ran.success == success
    if not success:
        assert any("the table is gone" in str(event.event_specific_data) for event in ran.all_events)
