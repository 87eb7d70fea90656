"""`eval "$(ams-etl env)"` gives a shell what Dagster's own commands need."""

import os
import subprocess
import sys
from pathlib import Path


def test_a_shell_has_dagsters_variables_and_no_secret(tmp_path: Path, database: str) -> None:
    """Whatever is in the path of the home."""
    home = tmp_path / "a home with 'quotes'"
    home.mkdir()
    (home / ".env").write_text("TEST_SECRET_OF_ENV=hidden\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAGSTER")}
    environment |= {"AMS_ETL_HOME": str(home), "AMS_ETL_DATABASE_URL": database}
    printed = subprocess.run(
        ["sh", "-c", f'eval "$({sys.executable} -m ams_etl.cli env)"; env'],
        env=environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    variables = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
    assert variables["DAGSTER_HOME"] == f"{home}/dagster"
    assert variables["AMS_ETL_DAGSTER_URL"].startswith("postgresql+psycopg2://")
    assert variables["PATH"].startswith(str(Path(sys.executable).parent))
    assert (Path(variables["DAGSTER_HOME"]) / "dagster.yaml").exists()
    assert "hidden" not in printed
