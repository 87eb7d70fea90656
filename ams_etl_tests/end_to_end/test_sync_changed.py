"""`ams-etl sync --changed` asks each of the other systems what changed since the last sync, and nothing else."""

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.other_systems import KEY, grant, tokens_at
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox

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
def test_a_sync_of_what_changed(tmp_path: Path, database: str, system: str) -> None:
    edit, calls = ONE_CHANGE[system]
    with running_sandbox(size=1, more=(f"--{system.replace('_', '-')}", *FLAGS[system])) as sandbox:
        shell = command_line(tmp_path, database, sandbox)
        shell.environment["TEST_KEY"] = KEY
        entry = {"id": "other", "name": "Other", system: settings_of(system, sandbox)}
        (tmp_path / "agencies.yaml").write_text(yaml.safe_dump({"agencies": [entry]}))
        if system == "mycase":
            asyncio.run(grant(sandbox, tokens_at(database, "other")))
        shell.run("sync", "other")
        if system != "hawksoft":
            [key] = [row[0] for row in rows(database, f"select min(entity_id) from raw_{system}.{edit['entity']}")]
            edit = {**edit, "op": "update", "key": key}
        sandbox.ask(f"{system}/edit", edit)
        everything = sandbox.ask(f"{system}/stats")["bytes_out"]
        sandbox.ask(f"{system}/reset-stats", {})
        shell.run("sync", "other", "--changed")
        stats = sandbox.ask(f"{system}/stats")
    asked = stats["calls"]
    assert stats["bytes_out"] < everything / 2, "unchanged records were given, too"
    assert {operation: asked.get(operation) for operation in calls} == calls
    runs = rows(database, "select mode, state from ops.sync_runs order by started_at")
    assert [state for _, state in runs] == ["published", "published"]
    assert runs[0][0] != runs[1][0]
    if system == "hawksoft":
        assert asked["ChangedClients"] == 2
        shell.run("sync", "other", "--changed", "--fresh", code=2)
    else:
        assert rows(database, "select count(*) from mart.contacts where city = 'Newtown'") == [(1,)]


def rows(database: str, query: str) -> list[tuple[Any, ...]]:
    """Ask the database."""
    with psycopg.connect(database) as connection:
        return connection.execute(query).fetchall()
