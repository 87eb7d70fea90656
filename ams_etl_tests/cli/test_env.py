"""`eval "$(ams-etl env)"` gives a shell what Dagster's own commands need."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from ams_etl.store.database import connect
from ams_etl_tests import warm_processes
from ams_etl_tests.end_to_end.served import free_port

ROOT = Path(__file__).parents[2]
MATERIALIZE = "dagster asset materialize -m ams_etl.definitions --select ops/writeback_health --partition acme"
COMMANDS = {
    "dg check defs": "All definitions loaded successfully",
    "dg list defs --json": '"asset_key": "mart/contacts"',
    "dagster definitions validate": "All code locations passed validation",
}
"""Command -> what it prints when it did its work."""
_MODULES = {"dg": "ams_etl_tests.cli.dg_command", "dagster": "dagster"}


def _home(folder: Path, database: str) -> dict[str, str]:
    """Write an agencies file, and return the environment of a shell that does not know Dagster's variables."""
    folder.mkdir()
    (folder / ".env").write_text("TEST_SECRET_OF_ENV=hidden\n")
    hawksoft = "{agency_id: 7, client_id: etl, client_secret_env: X_Y}"
    (folder / "agencies.yaml").write_text(f"agencies:\n  - {{id: acme, name: Acme, hawksoft: {hawksoft}}}\n")
    unknown = ("DAGSTER_HOME", "AMS_ETL_DAGSTER_URL")
    kept = {name: value for name, value in os.environ.items() if name not in unknown}
    return {**kept, "AMS_ETL_HOME": str(folder), "AMS_ETL_DATABASE_URL": database}


def _variables(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment after `eval "$(ams-etl env)"`."""
    code, printed = warm_processes.run("ams_etl.cli", "env", environment=environment, seconds=120)
    assert code == 0, printed
    lines = [line.removeprefix("export ").split("=", 1) for line in printed.splitlines() if line.startswith("export ")]
    return {**environment, **{name: shlex.split(value)[0] for name, value in lines}}


def test_a_shell_has_dagsters_variables_and_no_secret(tmp_path: Path, database: str) -> None:
    """Whatever is in the path of the home."""
    home = tmp_path / "a home with 'quotes'"
    printed = subprocess.run(
        ["sh", "-c", f'eval "$({sys.executable} -m ams_etl.cli env)"; env'],
        env=_home(home, database), capture_output=True, text=True, check=True, cwd=ROOT,
    ).stdout  # fmt: skip
    variables = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
    assert variables["DAGSTER_HOME"] == f"{home}/dagster"
    assert variables["AMS_ETL_DAGSTER_URL"].startswith("postgresql+psycopg2://")
    assert variables["PATH"].startswith(str(Path(sys.executable).parent))
    assert (Path(variables["DAGSTER_HOME"]) / "dagster.yaml").exists()
    assert "hidden" not in printed


def test_dagsters_own_commands_run_after_it(tmp_path: Path, database: str) -> None:
    """They check and list the definitions, and also a new installation's agencies have their partitions."""
    environment = _variables(_home(tmp_path / "home", database))
    for command, expected in COMMANDS.items():
        assert expected in _printed_by(command, environment), command
    with connect(database) as connection:
        assert connection.execute("select partition from public.dynamic_partitions").fetchall() == [("acme",)]


@pytest.mark.long
def test_an_asset_of_an_agency_is_materialized_after_it(tmp_path: Path, database: str) -> None:
    """By the first command in a new installation."""
    _printed_by(MATERIALIZE, _variables(_home(tmp_path / "home", database)))
    with connect(database) as connection:
        materialized = connection.execute(
            "select asset_key, partition from public.event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'"
        ).fetchall()
    assert materialized == [('["ops", "writeback_health"]', "acme")]


def _printed_by(command: str, environment: dict[str, str], code: int = 0) -> str:
    program, *arguments = shlex.split(command)
    returned, printed = warm_processes.run(_MODULES[program], *arguments, environment=environment, seconds=240)
    assert returned == code, (command, printed)
    return printed


@pytest.mark.parametrize("command", [*COMMANDS, MATERIALIZE, "dagster dev", "dg dev"])
def test_without_it_they_say_what_to_do_and_show_no_stack_trace(tmp_path: Path, database: str, command: str) -> None:
    """Whatever Dagster loads asks its storage first."""
    printed = _printed_by(command, _home(tmp_path / "home", database), code=1)
    assert 'run first: eval "$(.venv/bin/ams-etl env)"' in printed.strip().splitlines()[-1]
    assert "Traceback" not in printed


@pytest.mark.long
@pytest.mark.parametrize("command", ["dagster dev", "dg dev"])
def test_the_development_server_shows_the_code_location(tmp_path: Path, database: str, command: str) -> None:
    """As a Dagster user types it in the checkout."""
    environment = _variables(_home(tmp_path / "home", database))
    port = free_port()
    with _running(f"{command} --port {port}", environment, tmp_path / "log") as process:
        entries: list[dict[str, str]] = []
        while not entries:
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.5)
            entries = _locations(port)
    assert entries == [{"name": "ams_etl", "loadStatus": "LOADED"}]


@contextmanager
def _running(command: str, environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            shlex.split(command), env=environment, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            # As Ctrl-C does: it ends its web server, daemon and code server with it.
            process.terminate()
            process.wait(60)


def _locations(port: int) -> list[dict[str, str]]:
    query = "{workspaceOrError {... on Workspace {locationEntries {name loadStatus}}}}"
    try:
        answer = requests.post(f"http://127.0.0.1:{port}/graphql", json={"query": query}, timeout=10)
    except requests.ConnectionError:
        return []
    found = json.loads(answer.text)["data"]["workspaceOrError"]["locationEntries"]
    return [entry for entry in found if entry["loadStatus"] != "LOADING"]
