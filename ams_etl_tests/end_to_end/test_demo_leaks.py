"""After the demo as a user runs it, and after failures: no secret of any system in the database, a log, a file or on the screen."""

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from ams_etl.store.database import connect
from ams_etl.store.embedded import running_server, server_root, stop
from ams_etl_tests import warm_processes
from ams_etl_tests.end_to_end.command_line import CommandLine
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.secrets_left import found_in, rows_of_everything, secret_values, seed, texts_of

AGENCIES = ("demo", "demo_hawksoft", "demo_qq", "demo_mycase")
MISTYPED = "mistyped-Swordfish-77"
LONG_ENOUGH = 20
"""The sandboxes' own password is a common word; what the demo generates is longer."""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[CommandLine]:
    """An empty home; whatever the demo starts is stopped."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DAGSTER", "AMS_ETL"))}
    line = CommandLine(tmp_path / "home", {**kept, "AMS_ETL_HOME": str(tmp_path / "home")})
    yield line
    line.run("sandbox", "--stop")
    stop(line.home)


def started_sandbox(line: CommandLine) -> Sandbox:
    (demo, *_) = yaml.safe_load((line.home / "agencies.yaml").read_text())["agencies"]
    wsdl: str = demo["ams360"]["wsdl"]
    return Sandbox(wsdl.partition("/v3/")[0], wsdl)


def with_failures(line: CommandLine, sandbox: Sandbox) -> Iterator[tuple[int, str]]:
    """The exit code and what is printed of commands whose login is refused, whose records are, whose answers are broken."""
    wrong = {**line.environment, **dict.fromkeys(("AMS_ETL_DEMO_PASSWORD", "AMS_ETL_DEMO_SECRET"), MISTYPED)}
    right = line.environment

    def run(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
        return warm_processes.run("ams_etl.cli", *arguments, environment=environment, seconds=600)

    sandbox.ask("mycase/faults", {"expire_tokens": True})
    for agency in AGENCIES:
        yield run(wrong, "sync", agency)
        yield run(wrong, "doctor", agency)
        yield run(right, "doctor", agency, "--retry-login")
    for faults in ({"refuse": ["CustomerDependentGetList", "PolicyGet"]}, {"fault_rate": 0.5}, {"half_rate": 0.5}):
        sandbox.faults(**faults)
        yield run(right, "sync", "demo", "--fresh")
        sandbox.faults(off=True)
    yield run(right, "sync", "demo")


@pytest.mark.long
def test_the_demo_and_its_failures_leave_no_secret_behind(home: CommandLine) -> None:
    printed = [home.run("demo", "--customers", "400")]
    sandbox = started_sandbox(home)
    seed(sandbox)
    printed += [home.run("sync", agency, "--fresh") for agency in AGENCIES]
    ended = list(with_failures(home, sandbox))
    failed = [text for code, text in ended if code]
    assert len(failed) > 2 * len(AGENCIES), [code for code, _ in ended]
    assert ended[-1][0] == 0, ended[-1][1]
    printed += [text for _, text in ended]
    by_system = secret_values(sandbox)
    print({system: len(values) for system, values in by_system.items()})
    assert all(by_system.values())
    ours = {value for value in dotenv_values(home.home / ".env").values() if value and len(value) > LONG_ENOUGH}
    searched = {*set().union(*by_system.values()), *ours, MISTYPED}
    with connect(running_server(home.home)) as connection:
        rows = "\n".join(rows_of_everything(connection))
        some = some_email(connection)
    files = {path: path.stat().st_size for folder in folders(home) for path in folder.rglob("*") if path.is_file()}
    print(f"{len(rows):,} characters of rows, {len(files)} files of {sum(files.values()):,} bytes")
    assert found_in([rows, *printed], {*searched, some}) == {some}, "a secret was found, or nothing at all"
    texts = chain.from_iterable(texts_of(folder, without=frozenset({".env"})) for folder in folders(home))
    assert found_in(texts, {*searched, AGENCIES[1]}) == {AGENCIES[1]}, "a secret was found, or nothing at all"


def folders(line: CommandLine) -> list[Path]:
    """The home, and the embedded server's files where these are elsewhere."""
    server = server_root(line.home)
    return [line.home] if server.is_relative_to(line.home) else [line.home, server]


def some_email(connection: Any) -> str:
    (email,) = connection.execute("select email from mart.contacts where email is not null limit 1").fetchone()
    return str(email)
