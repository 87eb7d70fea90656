"""The files of runs on several machines: an instance like that of one machine but for what it says, and a worker's unit."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._core.instance.config import dagster_instance_config  # how Dagster itself reads it; there is no public way

from ams_etl.cli import cli as command_line
from ams_etl_tests.deploy.test_systemd import INSTALLED, parse, read

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "celery"
UNIT = FOLDER / "ams-etl-worker.service"


def instance(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(path.read_text())
    return read


def test_the_instance_is_that_of_one_machine_but_for_what_it_says() -> None:
    one, several = instance(ROOT / "dagster.yaml"), instance(FOLDER / "dagster.yaml")
    assert several.pop("run_launcher")["module"] == "ams_etl.workers.launcher"
    assert several.pop("compute_logs")["class"] == "NoOpComputeLogManager"
    coordinator = several["run_coordinator"]["config"]
    for name in ("max_user_code_failure_retries", "user_code_failure_retry_delay"):
        assert coordinator.pop(name) > 0
    assert several["run_monitoring"].pop("start_timeout_seconds") > one["run_monitoring"].pop("start_timeout_seconds")
    assert several == one


def test_dagster_takes_the_file(tmp_path: Path) -> None:
    shutil.copyfile(FOLDER / "dagster.yaml", tmp_path / "dagster.yaml")
    read, _ = dagster_instance_config(str(tmp_path))
    assert read["run_launcher"]["class"] == "WorkerRunLauncher"


def test_the_unit_starts_what_there_is_and_lets_runs_end() -> None:
    service = read(UNIT)["Service"]
    program, *arguments = service["ExecStart"].split()
    assert program == f"{INSTALLED}ams-etl"
    parse(command_line, arguments)
    finish_within = int(arguments[arguments.index("--finish-within") + 1])
    assert service["KillMode"] == "mixed", "TERM to the whole group would interrupt the runs at once"
    assert int(service["TimeoutStopSec"]) > finish_within + 30
    assert service["User"] == "ams-etl"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_finds_no_mistake(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(INSTALLED, f"{Path(sys.executable).parent}/"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_the_example_names_every_variable_of_one_machine_and_the_broker() -> None:
    def names(path: Path) -> set[str]:
        return {line.partition("=")[0] for line in path.read_text().splitlines() if line and not line.startswith("#")}

    assert names(FOLDER / "environment.example") - names(ROOT / "deploy/systemd/environment.example") == {
        "AMS_ETL_CELERY_BROKER"
    }


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
def test_redis_takes_its_file(tmp_path: Path) -> None:
    """It prints what it does not know and ends; one that knows all goes on until it is ended."""
    given = tmp_path / "redis.conf"
    given.write_text((FOLDER / "redis.conf").read_text().replace("/var/lib/redis", str(tmp_path)))
    process = subprocess.Popen(
        ["redis-server", given, "--port", "0", "--unixsocket", tmp_path / "socket"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if "ready to accept connections" in line.lower():
            break
    process.terminate()
    process.wait(timeout=20)
    assert "accept connections" in printed, printed
