"""pgbouncer in transaction mode in front of the tests' Postgres."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from ams_etl.store.database import connect

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"


@contextmanager
def pooled_database(postgres_server: str, tmp_path: Path, *, sessions: int) -> Iterator[tuple[str, str]]:
    """An empty database: its address through a pool of so many sessions, and its own; skips where there is no pgbouncer."""
    if not Path(PROGRAM).exists():
        pytest.skip("pgbouncer is not here: apt-get install pgbouncer")
    with connect(postgres_server) as connection:
        connection.execute("create database pooled")
    direct = conninfo_to_dict(postgres_server)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    password = str(direct["password"])
    folder = tmp_path / "pgbouncer"
    folder.mkdir()
    (folder / "users.txt").write_text(f'"postgres" "{password}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"""[databases]
pooled = host={direct["host"]} port={direct["port"]} dbname=pooled user=postgres password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 500
"""
    )
    command = [PROGRAM, str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:  # it refuses to run as root
        owner = pwd.getpwnam("nobody")
        for path in (folder, *folder.iterdir()):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
        command[1:1] = ["-u", "nobody"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    through = f"postgresql://postgres:{password}@127.0.0.1:{port}/pooled"
    try:
        _wait(through, process)
        yield through, postgres_server.rsplit("/", 1)[0] + "/pooled"
    finally:
        process.terminate()
        process.wait(10)
        with connect(postgres_server) as connection:
            connection.execute("drop database pooled with (force)")


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            assert process.poll() is None, "pgbouncer ended"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
