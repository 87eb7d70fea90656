"""`ams-etl users`: connection types are those of the agency's system; whoever left is shown so."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from click.testing import CliRunner
from psycopg.types.json import Jsonb

from ams_etl.cli import cli as command_line
from ams_etl.cli.users import read_csv
from ams_etl.errors import ConfigError
from ams_etl.sync.contacts.user_mappings import UserMapping, list_mappings, store_mappings

_HEAD = "connection_type,employee_code,user_id,user_name\n"


def test_a_connection_type_is_taken_whatever_its_case(tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text(f"{_HEAD}lead attorney,1,lea,Lea\n ORIGINATING ATTORNEY ,2,ola,\n")
    assert read_csv(file, "mycase") == [
        UserMapping("Lead Attorney", "1", "lea", "Lea"), UserMapping("Originating Attorney", "2", "ola", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("system", "kind"), [("mycase", "Executive"), ("ams360", "CSR"), ("hawksoft", "Lead Attorney")]
)
def test_a_connection_type_of_another_system_is_refused(tmp_path: Path, system: Any, kind: str) -> None:
    file = tmp_path / "users.csv"
    file.write_text(f"{_HEAD}{kind},1,lea,Lea\n")
    with pytest.raises(ConfigError, match=f"line 2: '{kind}' is not a connection type of {system}; expected one of"):
        read_csv(file, system)


def test_an_unknown_type_is_not_an_empty_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = {"wsdl": "http://127.0.0.1:9/?wsdl", "agency_no": "5551234-1", "login_id": "x", "password_env": "X"}
    (tmp_path / "agencies.yaml").write_text(
        yaml.safe_dump({"agencies": [{"id": "demo", "name": "D", "ams360": block}]})
    )
    monkeypatch.setenv("AMS_ETL_HOME", str(tmp_path))
    monkeypatch.setenv("AMS_ETL_CONFIG", str(tmp_path / "agencies.yaml"))
    result = CliRunner().invoke(command_line, ["users", "list", "demo", "--type", "Nonsense"])
    assert result.exit_code == 2
    assert "'Nonsense' is not a connection type of ams360; expected one of Executive, Representative" in result.output


def test_mycase_staff_who_are_not_active_are_shown_as_having_left(connection: psycopg.Connection[Any]) -> None:
    for key, active in (("1", False), ("2", True), ("3", "false")):
        connection.execute(
            """insert into raw_mycase.staff (agency, entity_id, payload, content_hash, first_seen_at, last_seen_at)
            values ('firm', %s, %s, '', now(), now())""",
            (key, Jsonb({"id": int(key), "first_name": "Lea", "last_name": key, "active": active})),
        )
    store_mappings(connection, "firm", [UserMapping("Lead Attorney", key, "u") for key in "123"])
    found = {row.employee_code: (row.employee_status, row.employee_name) for row in list_mappings(connection, "firm")}
    assert found == {"1": ("I", "Lea 1"), "2": ("A", "Lea 2"), "3": ("I", "Lea 3")}
