"""`ams_etl` as one code location among others: somebody else's Dagster, with its own storage and its own dagster.yaml."""

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg

from ams_etl.store.database import connect
from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.sandbox_process import running_sandbox

TOOL = str(Path(sys.executable).parent / "dagster")
THEIRS = """telemetry: {enabled: false}
concurrency: {runs: {max_concurrent_runs: 2}}
"""


def test_a_sync_runs_in_a_foreign_instance(tmp_path: Path, database: str) -> None:
    """Their storage (SQLite here), launcher and coordinator; our data in our database; their dagster.yaml as it was."""
    home, theirs = tmp_path / "home", tmp_path / "their_dagster"
    theirs.mkdir()
    (theirs / "dagster.yaml").write_text(THEIRS)
    with running_sandbox(size=30) as sandbox:
        line = command_line(home, database, sandbox)
        line.environment["DAGSTER_HOME"] = str(theirs)
        line.run("db", "upgrade")
        with dg.DagsterInstance.from_config(str(theirs)) as instance:
            instance.add_dynamic_partitions("agency", ["demo"])
        tags = {"dagster/partition": "demo", "team": "another"}
        command = [TOOL, "job", "execute", "-m", "ams_etl.definitions", "-j", "sync", "--tags", json.dumps(tags)]
        done = subprocess.run(command, env=line.environment, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    with dg.DagsterInstance.from_config(str(theirs)) as instance:
        (run,) = instance.get_runs()
        assert (run.job_name, run.status) == ("sync", dg.DagsterRunStatus.SUCCESS)
        assert instance.get_materialized_partitions(dg.AssetKey(["mart", "contacts"])) == {"demo"}
    with connect(database) as connection:
        found = connection.execute("select count(*) from mart.contacts").fetchone()
        assert found is not None
        assert found[0] > 0
        dagsters = connection.execute("select to_regclass('public.event_logs')").fetchone()
        assert dagsters == (None,), "Dagster's tables are in their storage"
    assert (theirs / "dagster.yaml").read_text() == THEIRS
