"""Whatever is typed, a command answers with one sentence and a code: no traceback, and nothing of the value is executed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ams_etl.cli import main

AGENCIES = """
agencies:
  - id: acme
    name: Acme Insurance
    ams360: {wsdl: "https://x.invalid/?wsdl", agency_no: 5551234-1, login_id: etl, password_env: ACME_PASSWORD}
"""
ODD = ("²", "٣", "1e3", "-0", "9" * 30, "", " ", "\t", "%s", "'; drop", "é" * 300, "a@b@c", "\u202e", "0x10", "None")
COMMANDS = (
    ("why", "acme", "{}"),
    ("history", "acme", "{}"),
    ("refresh", "acme", "{}"),
    ("forget", "acme", "{}"),
    ("sync", "acme", "--customer", "{}"),
    ("sync", "acme", "--apply", "{}"),
    ("plan", "{}"),
    ("consent", "release", "acme", "{}"),
    ("names", "set", "acme", "{}", "--first", "Ann"),
    ("links", "acme", "confirm", "1", "{}"),
    ("notifications", "body", "acme", "{}"),
    ("writeback", "resolve", "acme", "{}", "--again"),
    ("preview", "acme", "--set", "{}"),
    ("users", "list", "acme", "--type", "{}"),
)


@pytest.fixture
def acme(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "agencies.yaml").write_text(AGENCIES)
    monkeypatch.setenv("AMS_ETL_HOME", str(tmp_path))
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", database)
    monkeypatch.setenv("ACME_PASSWORD", "a-password-of-the-tests")
    monkeypatch.setenv("AMS_ETL_ERASURE_KEY", "k" * 40)


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:3]))
def test_an_odd_value_is_one_sentence(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    for odd in ODD:
        with pytest.raises(SystemExit) as ended:
            main([part.format(odd) for part in command])
        said = capsys.readouterr().err
        assert ended.value.code in {1, 2}, (odd, said)
        assert said.strip().splitlines()[-1].startswith(("ams-etl: ", "Error: ")), (odd, said)
        assert "Traceback" not in said


@pytest.mark.usefixtures("acme")
def test_bytes_that_are_not_utf_8_are_refused_by_their_place() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ams_etl.cli", "why", "acme", b"caf\xe9"],
        capture_output=True,
        check=False,
        env=os.environ,
    )
    assert (done.returncode, done.stderr) == (2, b"ams-etl: argument 3 is not valid UTF-8\n")
