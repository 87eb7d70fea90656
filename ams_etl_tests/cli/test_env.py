"""`eval "$(ams-etl env)"` gives a shell what Dagster's own commands need."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from dagster import DagsterInvariantViolationError

from ams_etl.dagster_storage import PostgresStorage
from ams_etl.store.database import connect

_ADD_AGENCY = "from dagster import DagsterInstance as I; I.get().add_dynamic_partitions('agency', ['acme'])"
_MATERIALIZE = "dagster asset materialize -m ams_etl.definitions --select ops/writeback_health --partition acme"


def _printed_by_a_shell(home: Path, database: str, commands: str) -> str:
    """Return what commands print in a shell that has what `ams-etl env` says."""
    home.mkdir()
    (home / ".env").write_text("TEST_SECRET_OF_ENV=hidden\n")
    hawksoft = "{agency_id: 7, client_id: etl, client_secret_env: X_Y}"
    (home / "agencies.yaml").write_text(f"agencies:\n  - {{id: acme, name: Acme, hawksoft: {hawksoft}}}\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAGSTER")}
    environment |= {"AMS_ETL_HOME": str(home), "AMS_ETL_DATABASE_URL": database}
    return subprocess.run(
        ["sh", "-c", f'eval "$({sys.executable} -m ams_etl.cli env)"; set -e; {commands}'],
        env=environment, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    ).stdout  # fmt: skip


def test_a_shell_has_dagsters_variables_and_no_secret(tmp_path: Path, database: str) -> None:
    """Whatever is in the path of the home."""
    home = tmp_path / "a home with 'quotes'"
    printed = _printed_by_a_shell(home, database, "env")
    variables = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
    assert variables["DAGSTER_HOME"] == f"{home}/dagster"
    assert variables["AMS_ETL_DAGSTER_URL"].startswith("postgresql+psycopg2://")
    assert variables["PATH"].startswith(str(Path(sys.executable).parent))
    assert (Path(variables["DAGSTER_HOME"]) / "dagster.yaml").exists()
    assert "hidden" not in printed


@pytest.mark.long
def test_dagsters_own_commands_run_in_such_a_shell(tmp_path: Path, database: str) -> None:
    """`dg` lists the assets, and `dagster` materializes one."""
    printed = _printed_by_a_shell(
        tmp_path / "home", database, f'dg list defs --json; python -c "{_ADD_AGENCY}"; {_MATERIALIZE} 2>&1'
    )
    assert '"asset_key": "mart/contacts"' in printed, "dg list defs"
    with connect(database) as connection:
        materialized = connection.execute(
            "select asset_key, partition from public.event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'"
        ).fetchall()
    assert materialized == [('["ops", "writeback_health"]', "acme")], "dagster asset materialize"


def test_without_the_variable_dagsters_commands_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever Dagster loads asks its storage first."""
    monkeypatch.delenv("AMS_ETL_DAGSTER_URL", raising=False)
    with pytest.raises(DagsterInvariantViolationError, match=r'run first: eval "\$\(.venv/bin/ams-etl env\)"'):
        PostgresStorage.config_type()
