"""Every command that lists people counts itself in the access log, whether there was anybody or not."""

from contextlib import suppress
from pathlib import Path

import pytest

from ams_etl.cli import main
from ams_etl.store.database import connect
from ams_etl_tests.cli.test_odd_arguments import AGENCIES

COMMANDS = {
    "merges list": ("merges", "acme", "list", "--json"),
    "links list": ("links", "acme", "list", "--json"),
    "names list": ("names", "list", "acme", "--json"),
    "consent list": ("consent", "list", "acme", "--json"),
    "writeback list": ("writeback", "list", "acme", "--json"),
}


def test_each_is_counted(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "agencies.yaml").write_text(AGENCIES)
    monkeypatch.setenv("AMS_ETL_HOME", str(tmp_path))
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", database)
    for arguments in COMMANDS.values():
        with suppress(SystemExit):
            main(list(arguments))
    with connect(database) as connection:
        counted = connection.execute("select what, way, sum(reads) from ops.accesses group by 1, 2").fetchall()
    assert {what: (way, reads) for what, way, reads in counted} == dict.fromkeys(COMMANDS, ("command", 1))
