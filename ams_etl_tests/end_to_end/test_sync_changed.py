"""`ams-etl sync --changed` asks a system what changed since the last sync, and nothing else."""

from pathlib import Path

import psycopg
import yaml

from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.sandbox_process import running_sandbox


def test_a_sync_of_what_changed(tmp_path: Path, database: str) -> None:
    with running_sandbox(size=1, more=("--hawksoft", "7:360:12")) as sandbox:
        shell = command_line(tmp_path, database, sandbox)
        hawksoft = {"agency_id": 7, "client_id": "etl", "client_secret_env": "TEST_AMS360_PASSWORD"}
        entry = {"id": "hawk", "name": "Hawk", "hawksoft": {**hawksoft, "base": f"{sandbox.url}/hawksoft"}}
        (tmp_path / "agencies.yaml").write_text(yaml.safe_dump({"agencies": [entry]}))
        shell.run("sync", "hawk")
        edit = {"entity": "clients", "op": "update", "key": "2", "fields": {"people": []}}
        sandbox.ask("hawksoft/edit", edit)
        sandbox.ask("hawksoft/reset-stats", {})
        shell.run("sync", "hawk", "--changed")
        calls = sandbox.ask("hawksoft/stats")["calls"]
    assert calls["ChangedClients"] == 2
    with psycopg.connect(database) as connection:
        states = connection.execute("select mode, state from ops.sync_runs order by started_at").fetchall()
    assert [state for _, state in states] == ["published", "published"]
    assert states[0][0] != states[1][0]
    shell.run("sync", "hawk", "--changed", "--fresh", code=2)
