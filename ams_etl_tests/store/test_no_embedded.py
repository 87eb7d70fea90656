"""Only a person's command creates an embedded Postgres, and `embedded_postgres: false` forbids it to everybody."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ams_etl.errors import ConfigError
from ams_etl.settings.embedded_postgres import embedded_postgres_allowed
from ams_etl.store.embedded import has_data, running_server, server_root, stop
from ams_etl_tests import warm_processes
from ams_etl_tests.inbound.service_process import CODE, environment, write_agencies
from ams_etl_tests.store.entrances import ENTRANCES, SERVICES

MODULE = "ams_etl_tests.store.entrances"
COMMANDS = [
    ("sync", "demo"), ("writeback", "demo"), ("refresh", "demo", "1"), ("doctor",), ("up",), ("inbound",), ("follow",), ("pages",),
    ("alerts", "watch"), ("env",), ("demo",), ("db", "url"), ("db", "url", "--read-only"), ("db", "upgrade"), ("db", "sizes"),
    ("db", "move", "--to", "postgresql://a:b@127.0.0.1:1/c"), ("db", "grant", "somebody"),
]  # fmt: skip
"""Of every command that opens the database, one of each way that it does so."""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home with an agencies file and nothing else."""
    made = tmp_path / "home"
    write_agencies(made)
    yield made
    stop(made)


def forbid(home: Path) -> None:
    with (home / "agencies.yaml").open("a") as file:
        file.write("embedded_postgres: false\n")


def ended(home: Path, module: str, *arguments: str) -> tuple[int, str]:
    return warm_processes.run(module, *arguments, environment=environment(home, None), seconds=300)


def server_runs(home: Path) -> bool:
    return (server_root(home) / "postgres" / "postmaster.pid").exists()


def nothing_was_made(home: Path) -> bool:
    """Whether the home still holds what a person wrote, and there is no server elsewhere (where root keeps it)."""
    return {file.name for file in home.iterdir()} <= {"agencies.yaml", ".env"} and not has_data(home)


def is_one_sentence(printed: str, *words: str) -> bool:
    """Whether the last line says what to set, without a traceback."""
    last = printed.strip().splitlines()[-1]
    return "Traceback" not in printed and "AMS_ETL_DATABASE_URL" in last and all(word in last for word in words)


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_what_nobody_typed_creates_no_server(home: Path, entrance: str) -> None:
    """A run, a reader and a service's locator on a home without data, as on another machine: an error, no empty database."""
    code, printed = ended(home, MODULE, entrance)
    assert code == 1, printed
    assert "has no embedded Postgres" in printed
    assert entrance == "run" or is_one_sentence(printed, str(home))
    assert nothing_was_made(home)


def test_a_code_location_loads_without_a_database(home: Path) -> None:
    assert ended(home, MODULE, "code location") == (0, "")
    assert nothing_was_made(home)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_answers_and_creates_no_server(home: Path, service: str) -> None:
    """It asks senders and people to come again, as when Postgres is away."""
    process = warm_processes.start(MODULE, service, environment=environment(home, None))
    try:
        url = json.loads(process.stdout.readline())["url"]
        path = f"/notifications/demo/{CODE}" if service == "inbound" else "/"
        request = urllib.request.Request(url + path, b"<x/>" if service == "inbound" else None)
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(request, timeout=30)
        assert answer.value.code == 503
    finally:
        process.terminate()
        process.wait()
    assert nothing_was_made(home)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_where_it_is_forbidden_no_command_creates_one(home: Path, command: tuple[str, ...]) -> None:
    forbid(home)
    code, printed = ended(home, "ams_etl.cli", *command)
    assert code == 1, printed
    assert is_one_sentence(printed, "embedded_postgres is false")
    assert nothing_was_made(home)


def test_where_it_is_forbidden_nothing_starts_or_uses_the_one_there_is(home: Path) -> None:
    """Neither a run nor a person, whether it runs or not."""
    running_server(home)
    forbid(home)
    for is_running in (True, False):
        for module, *arguments in [*((MODULE, name) for name in ENTRANCES), ("ams_etl.cli", "db", "url")]:
            code, printed = ended(home, module, *arguments)
            assert code == 1, printed
            assert "embedded_postgres is false" in printed
            assert server_runs(home) == is_running
        assert ended(home, "ams_etl.cli", "db", "stop") == (0, "stopped\n" if is_running else "was not running\n")


def test_a_person_creates_one_that_everything_else_starts_again(home: Path) -> None:
    """The default: `db upgrade` creates it; stopped, the locator and a reader start it again. Doctor says which it is, and why."""
    code, printed = ended(home, "ams_etl.cli", "db", "upgrade")
    assert (code, has_data(home)) == (0, True), printed
    for entrance in ("locator", "feed"):
        assert stop(home)
        code, printed = ended(home, MODULE, entrance)
        assert code == 0, printed
        assert server_runs(home)
    code, printed = ended(home, "ams_etl.cli", "doctor")
    assert f"the embedded one of {home}, since AMS_ETL_DATABASE_URL is not set" in printed


def test_the_home_s_env_file_names_the_database_for_all(home: Path, database: str) -> None:
    """A run or reader that has only the home, and none of the shell's variables, opens the same database as the commands."""
    (home / ".env").write_text(f"AMS_ETL_DATABASE_URL={database}\n")
    forbid(home)
    for entrance in ("resource", "feed", "frames", "locator"):
        code, printed = ended(home, MODULE, entrance)
        assert code == 0, printed
    code, printed = ended(home, "ams_etl.cli", "doctor")
    assert "AMS_ETL_DATABASE_URL is set" in printed
    assert not has_data(home)


def test_a_given_dagster_home_is_left_alone(home: Path, database: str) -> None:
    """With a dagster.yaml of its own, and without one."""
    theirs = home.parent / "theirs"
    theirs.mkdir()
    for files in ({}, {"dagster.yaml": "telemetry: {enabled: false}\n"}):
        for name, text in files.items():
            (theirs / name).write_text(text)
        given = {**environment(home, database), "DAGSTER_HOME": str(theirs)}
        code, printed = warm_processes.run("ams_etl.cli", "alerts", "list", environment=given, seconds=60)
        assert code == 0, printed
        assert {file.name: file.read_text() for file in theirs.iterdir()} == files
    assert not (home / "dagster").exists()


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("agencies: []\n", True),
        ("embedded_postgres: false\n", False),
        ("embedded_postgres: true\n", True),
        ("embedded_postgres: no\n", False),
        ('"embedded_postgres": false\n', False),
        ("{agencies: [], embedded_postgres: false}\n", False),
        ("# embedded_postgres: false\nagencies: []\n", True),
        ("agencies:\n  - {id: acme, name: embedded_postgres}\n", True),
        ("agencies: [{id: 1}]\nschedul: 3\nembedded_postgres: false\n", False),
        ("agencies: [\nembedded_postgres: false\n", False),
        ("agencies: }\nembedded_postgres: true\n", True),
        ("agencies: }\n'embedded_postgres' :\n", False),
        ("agencies: }\n# embedded_postgres: false\n", True),
        ("- embedded_postgres\n", True),
        ("", True),
    ],
)
def test_the_setting_is_read_whatever_else_is_wrong(tmp_path: Path, text: str, allowed: bool) -> None:
    path = tmp_path / "agencies.yaml"
    assert embedded_postgres_allowed(path)
    path.write_text(text)
    assert embedded_postgres_allowed(path) is allowed


def test_a_setting_that_is_neither_true_nor_false_and_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Nobody guesses: an error that says what to set."""
    path = tmp_path / "agencies.yaml"
    for value in ("", "never", "[false]"):
        path.write_text(f"embedded_postgres: {value}\n")
        with pytest.raises(ConfigError, match="embedded_postgres: expected true or false"):
            embedded_postgres_allowed(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigError, match=r"cannot be read.*AMS_ETL_DATABASE_URL"):
        embedded_postgres_allowed(path)


def test_an_edit_of_the_setting_counts_at_once(tmp_path: Path) -> None:
    path = tmp_path / "agencies.yaml"
    for allowed in (True, False, True):
        path.write_text(f"agencies: []\nembedded_postgres: {allowed}\n")
        assert [embedded_postgres_allowed(path) for _ in range(2)] == [allowed] * 2
