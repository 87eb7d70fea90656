"""A run that was killed together with its code server does not look alive for hours."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ams_etl_tests.end_to_end.served import free_port


@dg.job
def nothing() -> None:
    """Runs of it are only recorded."""


@pytest.mark.parametrize(
    ("server", "status"),
    [({"host": "localhost", "port": free_port()}, "FAILED"), (None, "RUNNING")],
    ids=["its server is gone", "no server started it"],
)
def test_monitoring_learns_whether_a_run_lives(tmp_path: Path, server: dict[str, Any] | None, status: str) -> None:
    """Asked of an address where nobody listens; a run of the command line is not the daemon's to judge."""
    (tmp_path / "dagster.yaml").write_text(
        "run_launcher: {module: ams_etl.defs.run_launcher, class: WatchfulRunLauncher}\n"
    )
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        tags = {".dagster/grpc_info": json.dumps(server)} if server else {}
        run = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED, tags=tags)
        launcher = instance.run_launcher
        assert launcher.supports_check_run_worker_health
        assert launcher.check_run_worker_health(run).status.value == status
