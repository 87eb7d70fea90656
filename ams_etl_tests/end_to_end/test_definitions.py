"""Dagster takes the whole of the definitions, as its daemon and UI load them: a job that runs alone proves less."""

import dagster as dg
import pytest


def test_the_daemon_and_the_ui_can_load_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """No two jobs, ops or assets of one name; every dependency, schedule and sensor is there."""
    monkeypatch.setenv("AMS_ETL_DAGSTER_URL", "postgresql://unused")
    from ams_etl.definitions import defs

    # In an instance of its own: Dagster asks the last one that this process entered, which another test may have dropped.
    with dg.DagsterInstance.ephemeral():
        loaded = defs()
        dg.Definitions.validate_loadable(loaded)
        names = {job.name for job in loaded.get_repository_def().get_all_jobs()}
    assert {"sync", "benefitpoint_sync", "publish_plan", "publish_account_changes", "writeback", "rederive"} <= names
