"""What an administrator enters in AMS360: complete, least, and without the secret unless it is asked for."""

import ast
from pathlib import Path

import pytest
from click.testing import CliRunner

import ams_etl
from ams_etl.cli import cli
from ams_etl.sync.notifications.setup import OPERATIONS, least_rights, needed_right
from ams_etl_tests.inbound.service_process import CODE, environment, write_agencies

ROOMS = ("sources/ams360.py", "sync", "writeback", "defs")


def operations_in_the_code() -> set[str]:
    """Every name in the rooms that call AMS360 which is an operation of its contract, those composed in place too."""
    root = Path(ams_etl.__file__).parent
    wsdl = (root / "sandbox" / "ams360" / "WSAPIService.wsdl").read_text("utf-8")
    files = [
        file for room in ROOMS for file in ([root / room] if room.endswith(".py") else (root / room).rglob("*.py"))
    ]
    names = set()
    for file in files:
        if file == root / "sync" / "notifications" / "setup.py":
            continue  # names all of them to say which right each needs
        nodes = list(ast.walk(ast.parse(file.read_text("utf-8"))))
        said = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        ends = [node.values[-1] for node in nodes if isinstance(node, ast.JoinedStr)]
        tails = {end.value for end in ends if isinstance(end, ast.Constant) and isinstance(end.value, str)}
        names |= said | {f"{head}{tail}" for head in said if head.isidentifier() for tail in tails}
    return {name for name in names if f'operation name="{name}"' in wsdl}


def test_the_rights_are_those_of_the_operations_that_the_code_names() -> None:
    """Whoever calls another operation must say which feature needs it."""
    named = operations_in_the_code()
    assert "CustomerGetById" in named
    assert {operation for several in OPERATIONS.values() for operation in several} == named - {"Login"}


def test_an_operation_s_name_tells_the_right_that_it_needs() -> None:
    assert needed_right("CustomerGetListByNamePrefix") == ("Customer", "retrieve")
    assert needed_right("GLBranchGetListAll") == ("GLBranch", "retrieve")
    assert needed_right("CustomerActivityInsert") == ("CustomerActivity", "insert")
    rights = least_rights(["read customers, contacts and policies"])
    assert {right for entity, right in rights if entity == "Policy"} == {"retrieve"}


def test_setup_prints_the_form_and_reveals_the_code_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_agencies(tmp_path)
    for name, value in environment(tmp_path, None).items():
        monkeypatch.setenv(name, value)
    shown = CliRunner().invoke(cli, ["notifications", "setup", "demo"])
    assert shown.exit_code == 0, shown.output
    assert CODE not in shown.output
    for said in (
        "AmsEtlNotificationClientService", "https://hooks.example.com/ams/notifications/demo/<the value of DEMO_CODE>",
        "Single Retry", "2.0", "Customer Contact",
    ):  # fmt: skip
        assert said in shown.output
    revealed = CliRunner().invoke(cli, ["notifications", "setup", "demo", "--reveal"])
    assert f"https://hooks.example.com/ams/notifications/demo/{CODE}" in revealed.output

    monkeypatch.setenv("DEMO_CODE", "short")
    refused = CliRunner().invoke(cli, ["notifications", "setup", "demo", "--reveal"])
    assert refused.exit_code != 0
    assert "12 to 256" in str(refused.exception)
    assert "short" not in str(refused.exception)


def test_sync_and_doctor_say_that_a_code_is_too_short(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the inbound service refuses it; a sync needs none, so that one which is not set here is no matter there."""
    write_agencies(tmp_path)
    for name, value in environment(tmp_path, database).items():
        monkeypatch.setenv(name, value)

    def said(*command: str) -> str:
        return CliRunner().invoke(cli, command).output

    sync = ("sync", "demo", "--customer", "Ann Lee")  # refused before anything is read
    assert "12 to 256" not in said(*sync)
    monkeypatch.setenv("DEMO_CODE", "short")
    for command in (sync, ("doctor", "demo")):
        assert "12 to 256" in said(*command), command
        assert '"short"' not in said(*command)
    monkeypatch.delenv("DEMO_CODE")
    assert "DEMO_CODE" not in said(*sync)
    assert "DEMO_CODE" in said("doctor", "demo")
