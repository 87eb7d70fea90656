"""The embedded Postgres: one server a home, found again, alive after whatever happens to it."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ams_etl.errors import ConfigError, TransientError
from ams_etl.store.database import connect, database_url
from ams_etl.store.embedded import _PATIENCE, running_server, server_root, stop

_START = """
import contextlib, os, psycopg
from pathlib import Path
from ams_etl.store.embedded import running_server
uid = {uid}
if uid:
    # The interpreter itself may lie where that user cannot read, so all it needs is loaded before.
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect("postgresql://x:y@127.0.0.1:1/z")
    os.setgroups([]); os.setgid(uid); os.setuid(uid); os.chdir("/")
print(running_server(Path({home!r})))
"""


def start_elsewhere(home: Path, uid: int = 0) -> str:
    """Another process, of another user maybe, asks for this home's server."""
    done = subprocess.run(
        [sys.executable, "-c", _START.format(home=str(home), uid=uid)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return str(done.stdout.strip())


def postmaster(home: Path) -> int:
    return int((server_root(home) / "postgres" / "postmaster.pid").read_text().split()[0])


def test_processes_that_start_at_once_share_one_server_that_outlives_kill_9(short_home: Path) -> None:
    """Committed rows survive kill -9 of the postmaster, and the next command finds a server again."""
    with ThreadPoolExecutor() as pool:
        urls = set(pool.map(lambda _: start_elsewhere(short_home), range(3)))
    assert len(urls) == 1
    url = urls.pop()
    try:
        with connect(url) as connection:
            connection.execute("create table kept as select 1 as one")
        os.kill(postmaster(short_home), signal.SIGKILL)
        again = running_server(short_home)
        with connect(again) as connection:
            assert connection.execute("select one from kept").fetchall() == [(1,)]
        # A pid file whose number belongs to somebody else by now.
        assert stop(short_home)
        (server_root(short_home) / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n\n\n1\n\n\n\n")
        with connect(running_server(short_home)) as connection:
            assert connection.execute("select one from kept").fetchall() == [(1,)]
    finally:
        stop(short_home)


def test_a_server_that_is_about_to_stop_is_waited_for_and_started_again(short_home: Path) -> None:
    """It says so itself for as long as that takes: with a client still there, longer than a server that is gone is tried."""
    url = running_server(short_home)
    try:
        with connect(url) as last_client:
            last_client.execute("create table kept as select 1 as one")
            os.kill(postmaster(short_home), signal.SIGTERM)
            leaves = threading.Timer(sum(_PATIENCE) + 2, last_client.close)
            leaves.start()
            again = running_server(short_home)
            leaves.join()
        with connect(again) as connection:
            assert connection.execute("select one from kept").fetchall() == [(1,)]
    finally:
        stop(short_home)


def test_the_password_is_for_the_owner_alone(short_home: Path) -> None:
    """Other people of the machine can reach the port, so a password guards it."""
    url = running_server(short_home)
    try:
        password = server_root(short_home) / "password"
        assert password.stat().st_mode & 0o077 == 0
        with pytest.raises(ConfigError) as error:
            connect(url.replace(password.read_text().strip(), "wrong"))
        assert "wrong" not in str(error.value)
        assert "AMS_ETL_DATABASE_URL" in str(error.value)
    finally:
        stop(short_home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_gets_a_server_too(tmp_path: Path) -> None:
    """The same launcher without root's detour."""
    home = Path("/tmp") / f"ams-etl-user-{os.getpid()}"
    home.mkdir()
    os.chown(home, 65534, 65534)
    try:
        url = start_elsewhere(home / "state", uid=65534)
        with connect(url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    finally:
        pid_file = home / "state" / "postgres" / "postmaster.pid"
        if pid_file.exists():
            os.kill(int(pid_file.read_text().split()[0]), signal.SIGTERM)
        subprocess.run(["rm", "-rf", str(home)], check=False)


def test_a_url_that_leads_nowhere_says_so_without_its_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A stopped Postgres is one clear line."""
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", "postgresql+psycopg2://me:s3cret@127.0.0.1:1/x")
    url = database_url(tmp_path)
    assert url.startswith("postgresql://")
    with pytest.raises(TransientError) as error:
        connect(url)
    assert "s3cret" not in str(error.value)
    assert "Postgres does not answer" in str(error.value)
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", "mysql://x")
    with pytest.raises(ConfigError, match="expected postgresql://"):
        database_url(tmp_path)
