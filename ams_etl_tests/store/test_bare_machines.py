"""What a bare or broken machine lacks is one sentence that says what to do, or is not needed at all."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ams_etl.store.database import connect
from ams_etl.store.embedded import server_root, stop

AGENCIES = """
agencies:
  - id: acme
    name: Acme Insurance
    ams360: {wsdl: "https://x.invalid/?wsdl", agency_no: 5551234-1, login_id: etl, password_env: ACME_PASSWORD}
"""
_AS_USER = """
import os, psycopg, sys
from ams_etl.cli import main
uid = {uid}
if uid:
    # What the interpreter loads later may lie where that user cannot read.
    import contextlib
    from ams_etl.cli import database, demo, up
    import ams_etl.store.embedded, ams_etl.store.migrations
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect("postgresql://x:y@127.0.0.1:1/z")
    os.setgroups([]); os.setgid(uid); os.setuid(uid); os.chdir("/")
main({arguments!r})
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else, or mount")


def ams_etl(home: Path, *arguments: str, uid: int = 0, **environment: str) -> tuple[int, str]:
    """Run a command as a user; return its code and what it printed, or its errors where it failed."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("AMS_ETL", "DAGSTER"))}
    done = subprocess.run(
        [sys.executable, "-c", _AS_USER.format(uid=uid, arguments=list(arguments))],
        capture_output=True, text=True, check=False, env={**known, "AMS_ETL_HOME": str(home), **environment},
    )  # fmt: skip
    return done.returncode, done.stderr if done.returncode else done.stdout


def is_one_sentence(said: str) -> bool:
    return said.startswith("ams-etl: ") and len(said.strip().splitlines()) == 1


def test_the_embedded_server_needs_no_command_of_the_machine(tmp_path: Path) -> None:
    """A slim container has neither `ps` nor anything else of procps; started, found again and stopped without them."""
    home = tmp_path / "home"
    (tmp_path / "empty").mkdir()
    path = str(tmp_path / "empty")
    try:
        code, url = ams_etl(home, "db", "url", PATH=path)
        assert code == 0, url
        first = (server_root(home) / "postgres" / "postmaster.pid").read_text().split()[0]
        assert ams_etl(home, "db", "url", PATH=path) == (0, url)
        assert (server_root(home) / "postgres" / "postmaster.pid").read_text().split()[0] == first
        assert ams_etl(home, "db", "stop", PATH=path)[0] == 0
    finally:
        stop(home)


@needs_root
def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    home = Path("/tmp") / f"ams-etl-read-only-{os.getpid()}"
    home.mkdir(mode=0o555)
    try:
        for arguments in (("db", "url"), ("demo",), ("up",)):
            code, said = ams_etl(home, *arguments, uid=pwd.getpwnam("nobody").pw_uid)
            assert code == 1, said
            assert is_one_sentence(said), said
            assert "no permission; set AMS_ETL_HOME" in said
    finally:
        home.rmdir()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 20 MB, too small for a server, where `nobody` gets, too."""
    disk = Path("/tmp") / f"ams-etl-small-disk-{os.getpid()}"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m,mode=755", "none", str(disk)], check=False).returncode:
        disk.rmdir()
        pytest.skip("nothing can be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=False)
    disk.rmdir()


@needs_root
def test_a_full_disk_is_one_sentence(small_disk: Path) -> None:
    code, said = ams_etl(small_disk / "home", "db", "url")
    assert code == 1, said
    assert is_one_sentence(said), said
    assert "the disk is full; make room and try again" in said


def test_urls_that_cannot_work_say_why(tmp_path: Path, database: str) -> None:
    """A role without CREATE, a socket without a server, a certificate that nobody signed: no traceback, no password."""
    (tmp_path / "agencies.yaml").write_text(AGENCIES)
    with connect(database) as connection:
        connection.execute("drop role if exists bare; create role bare login password 'bare-secret'")
    (tmp_path / "empty").mkdir()
    with connect(database.rsplit("/", 1)[0] + "/postgres") as connection:
        connection.execute("drop database if exists bare")
        connection.execute("create database bare")
    own = database.rsplit("@", 1)[1].rsplit("/", 1)[0]
    try:
        for url, entry in (
            (f"postgresql://bare:bare-secret@{own}/bare", "grant create"),
            (f"postgresql:///ams?host={tmp_path}/empty", "Postgres does not answer"),
            (f"postgresql:///ams?host={tmp_path}/nowhere&password=bare-secret", "Postgres does not answer"),
            (f"{database}?sslmode=verify-full", "set sslrootcert"),
            (f"{database}?sslmode=require", "the TLS connection that `sslmode` asks for"),
            (f"{database}?sslmode=sometimes", "expected postgresql://"),
            (f"{database}?nonsense=1", "expected postgresql://"),
            (f"postgresql://bare:bare-secret@{own}/no_such_database", "has no such database"),
        ):
            code, said = ams_etl(tmp_path, "db", "upgrade", AMS_ETL_DATABASE_URL=url)
            assert code == 1, (url, said)
            assert is_one_sentence(said), said
            assert entry in said, said
            assert "bare-secret" not in said
    finally:
        with connect(database.rsplit("/", 1)[0] + "/postgres") as connection:
            connection.execute("drop database if exists bare with (force)")
            connection.execute("drop role if exists bare")
