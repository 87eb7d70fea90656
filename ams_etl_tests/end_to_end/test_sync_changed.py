"""`ams-etl sync --changed` asks each of the other systems what changed since the last sync, and nothing else."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from ams_etl.settings import load_agencies
from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.other_systems import KEY, grant, tokens_at
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.sync.other_systems.other_system_run import Run

FLAGS = {"hawksoft": ("7:360:12",), "qq_catalyst": ("360:12",), "mycase": ("360:12",)}
SECRET = "TEST_AMS360_PASSWORD"
ONE_CHANGE: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    # The edit, and the calls that it is worth: the rest of the clients is not read again.
    "hawksoft": ({"entity": "clients", "op": "update", "key": "2", "fields": {"people": []}}, {"Clients": 1}),
    "qq_catalyst": ({"entity": "contacts", "fields": {"City": "Newtown"}}, {"AccountInfo": 1}),
    "mycase": ({"entity": "clients", "fields": {"address": {"city": "Newtown"}}}, {"Clients": 1, "Cases": 1}),
}


def settings_of(system: str, sandbox: Sandbox) -> dict[str, Any]:
    """What the agencies file says of a system's connection."""
    base = f"{sandbox.url}/{system}"
    settings: dict[str, dict[str, Any]] = {
        "hawksoft": {"agency_id": 7, "client_id": "etl", "client_secret_env": SECRET, "base": base},
        "qq_catalyst": {"username": "etl", "password_env": SECRET, "client_id": "vendor", "client_secret_env": SECRET,
                        "base": f"{base}/v1", "login_base": base},
        "mycase": {"client_id": "etl", "client_secret_env": SECRET, "token_key_env": "TEST_KEY",
                   "redirect_uri": "https://etl.example.com/callback", "base": f"{base}/v1", "login_base": base,
                   "overlap_minutes": 0},
    }  # fmt: skip
    return settings[system]


@pytest.mark.parametrize("system", FLAGS)
def test_a_sync_of_what_changed(
    tmp_path: Path, database: str, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    """The full sync before it is made in this process; the mart ends as a rebuild from raw would have it."""
    edit, calls = ONE_CHANGE[system]
    with running_sandbox(size=1, more=(f"--{system.replace('_', '-')}", *FLAGS[system])) as sandbox:
        shell = command_line(tmp_path, database, sandbox)
        shell.environment["TEST_KEY"] = KEY
        for name in (SECRET, "TEST_KEY"):
            monkeypatch.setenv(name, shell.environment[name])
        entry = {"id": "other", "name": "Other", system: settings_of(system, sandbox)}
        (tmp_path / "agencies.yaml").write_text(yaml.safe_dump({"agencies": [entry]}))
        if system == "mycase":
            asyncio.run(grant(sandbox, tokens_at(database, "other")))
        run = Run(load_agencies(tmp_path / "agencies.yaml"), "other", connection, database)
        run.today = datetime.now(UTC).date()
        run.extract()
        run.refresh()
        if system != "hawksoft":
            edit = {**edit, "op": "update", "key": run.one(f"select min(entity_id) from raw_{system}.{edit['entity']}")}
        sandbox.ask(f"{system}/edit", edit)
        everything = sandbox.ask(f"{system}/stats")["bytes_out"]
        sandbox.ask(f"{system}/reset-stats", {})
        before = run.mart()
        shell.run("sync", "other", "--changed")
        stats = sandbox.ask(f"{system}/stats")
    asked = stats["calls"]
    assert stats["bytes_out"] < everything / 2, "unchanged records were given, too"
    assert {operation: asked.get(operation) for operation in calls} == calls
    runs = connection.execute("select mode, state from ops.sync_runs order by started_at").fetchall()
    assert runs[1][1] == "published"
    assert runs[0][0] != runs[1][0]
    assert run.mart() == run.rebuilt() != before
    if system == "hawksoft":
        assert asked["ChangedClients"] == 2
        shell.run("sync", "other", "--changed", "--fresh", code=2)
    else:
        assert run.one("select count(*) from mart.contacts where city = 'Newtown'") == 1
