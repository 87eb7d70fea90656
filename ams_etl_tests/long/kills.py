"""Kill -9 of each process at each named point, and what the next start makes of it.

    python -m ams_etl_tests.long.kills [--only publish/run]

A point is reached for certain, not by a timer: a lock in Postgres holds the process in the middle of the transaction in
question, or the files of the first start show how far it is. After each kill the same thing is started again; it must end
well, the mart must equal that of an undisturbed sync, and no lease, half migration or half notification may be left.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

from ams_etl.errors import AmsEtlError
from ams_etl.store.database import connect
from ams_etl.store.embedded import running_server, server_root, stop
from ams_etl.store.migrations import sql_folder, upgrade
from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.end_to_end.graphql import UserInterface
from ams_etl_tests.end_to_end.published_rows import published
from ams_etl_tests.end_to_end.served import CODE, free_port, served, take_notifications
from ams_etl_tests.inbound.bodies import assumed_soap
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.waiting import answers
from ams_etl_tests.warm_processes import Process

_WAITING = """select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()
and query !~* 'pg_advisory'"""
_LAST_MIGRATION_TABLE = ("0055_triggers.sql", "ops.sync_runs")
PATIENCE = 900.0


def wait_for(condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with suppress(AmsEtlError, psycopg.Error, OSError, IndexError, ValueError):
            if condition():
                return
        assert time.monotonic() < deadline, "the point was not reached"
        time.sleep(0.02)


def asked(url: str, query: str) -> Any:
    with connect(url) as connection:
        row = connection.execute(query).fetchone()
        return row and row[0]


@contextmanager
def held(url: str, table: str) -> Iterator[None]:
    """Keep everybody from writing a table, so that whoever does waits inside its transaction."""
    with connect(url) as connection:
        connection.execute("begin")
        connection.execute(f"lock table {table} in share row exclusive mode")
        try:
            yield
        finally:
            with suppress(psycopg.Error):
                connection.execute("rollback")


def kill_tree(process: Process) -> None:
    """Kill a command and all below it, as a machine that loses its power does; the embedded Postgres is not below it."""
    with suppress(psutil.NoSuchProcess):
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
    process.communicate()


def kill_postgres(home: Path) -> None:
    pid = int((server_root(home) / "postgres" / "postmaster.pid").read_text().split()[0])
    children = psutil.Process(pid).children()
    os.kill(pid, signal.SIGKILL)
    # Until they have seen it they hold the port, which the next server takes again.
    psutil.wait_procs(children, timeout=20)


class Place:
    """An agency with a database of its own on an embedded server of its own."""

    def __init__(self, sandbox: Sandbox, *, old_schema: bool = False) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="kills-"))
        self.home.chmod(0o711)
        self.sandbox = sandbox
        self.url = running_server(self.home)
        self.line = command_line(self.home, self.url, sandbox)
        take_notifications(self.line)
        if old_schema:
            with connect(self.url) as connection, tempfile.TemporaryDirectory() as folder:
                for path in sorted(sql_folder().glob("[0-9]*.sql")):
                    if path.name < _LAST_MIGRATION_TABLE[0]:
                        (Path(folder) / path.name).write_bytes(path.read_bytes())
                upgrade(connection, Path(folder))

    def check(self, reference: dict[str, list[Any]]) -> str:
        """Sync once more and compare."""
        began = time.monotonic()
        process = self.line.start("sync", "demo")
        printed, _ = process.communicate(timeout=600)
        assert process.returncode == 0, printed
        with connect(self.url) as connection:
            assert published(connection) == reference, "the mart differs"
        assert asked(self.url, "select count(*) from ops.leases where holder is not null") == 0
        assert asked(self.url, "select count(*) from ops.schema_migrations") == len(
            list(sql_folder().glob("[0-9]*.sql"))
        )
        assert asked(
            self.url,
            "select count(*) = count(distinct entity_id) from mart.changes where op = 'insert' and entity = 'contact'",
        )
        return f"the next sync ended well after {time.monotonic() - began:.0f} s, the mart equals an undisturbed one"

    def close(self) -> None:
        stop(self.home)


def publish_run(place: Place) -> str:
    place.line.run("db", "upgrade")
    with held(place.url, "mart.contact_tags"):
        process = place.line.start("sync", "demo")
        wait_for(lambda: asked(place.url, _WAITING))
        kill_tree(process)
    wait_for(
        lambda: (
            asked(
                place.url,
                """select count(*) from pg_stat_activity
                where query ~ 'contact_tags' and pid <> pg_backend_pid() and state = 'active'""",
            )
            == 0
        )
    )
    return f"{asked(place.url, 'select count(*) from mart.contacts')} contacts were published of the half publish"


def publish_postgres(place: Place) -> str:
    place.line.run("db", "upgrade")
    with held(place.url, "mart.contact_tags"):
        process = place.line.start("sync", "demo")
        wait_for(lambda: asked(place.url, _WAITING))
        kill_postgres(place.home)
    place.url = running_server(place.home)
    printed, _ = process.communicate(timeout=600)
    assert "Traceback" not in printed, printed
    said = printed.strip().splitlines()[-1][:110]
    return f"the run ended with code {process.returncode} ({said!r})"


def publish_daemon(place: Place) -> str:
    place.line.run("db", "upgrade")
    with served(place.line, "--no-follow", "--inbound-port", str(free_port())) as address:
        with held(place.url, "mart.contact_tags"):
            UserInterface(address).launch("sync", "demo")
            wait_for(lambda: asked(place.url, _WAITING))
            daemons = [p for p in psutil.process_iter(["cmdline"]) if "dagster-daemon" in " ".join(p.info["cmdline"] or [])
                       and str(place.home) in p.environ().get("AMS_ETL_HOME", "")]  # fmt: skip
            family = [member for daemon in daemons for member in [*daemon.children(recursive=True), daemon]]
            assert family
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
        # `up` notices and ends; a person or systemd starts it again.
        time.sleep(3)
    with served(place.line, "--no-follow", "--inbound-port", str(free_port())) as address:
        ui = UserInterface(address)
        began = time.monotonic()
        wait_for(lambda: asked(place.url, "select count(*) from mart.contacts"))
        wait_for(lambda: all(run["status"] in {"SUCCESS", "FAILURE", "CANCELED"} for run in ui.runs()))
        states = [run["status"] for run in ui.runs()]
        return f"after `up` was started again: {' and '.join(states)} within {time.monotonic() - began:.0f} s"


def publish_inbound(place: Place) -> str:
    place.line.run("db", "upgrade")
    port = free_port()

    def start() -> Process:
        process = place.line.start("inbound", "--port", str(port))
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/healthz"))
        return process

    process = start()
    replies: list[int | str] = []
    with held(place.url, "ops.notifications"):
        sender = threading.Thread(target=lambda: replies.append(_notify(port, "kept-1")))
        sender.start()
        wait_for(lambda: asked(place.url, _WAITING))
        kill_tree(process)
        sender.join()
    assert replies == ["no answer"], replies
    # A commit that had been sent ends in Postgres, whoever asked for it is gone.
    time.sleep(1)
    stored = asked(place.url, "select count(*) from ops.notifications")
    assert stored in {0, 1}
    process = start()
    try:
        assert _notify(port, "kept-1") == 200
        pending = "select count(*) from ops.notifications where state = 'pending' and keys is not null"
        wait_for(lambda: asked(place.url, pending) == stored + 1)
    finally:
        kill_tree(process)
    with connect(place.url) as connection:
        assert asked(place.url, "select count(distinct keys) from ops.notifications") == 1
        connection.execute("delete from ops.notifications")
    return (
        f"the sender had no answer, {stored} rows were stored; it sends again, and the same customer is due, not twice"
    )


def _notify(port: int, key: str) -> int | str:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/notifications/demo/{CODE}", assumed_soap(key), {"Content-Type": "text/xml"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return "no answer"


def migration_of(*arguments: str) -> Callable[[Place], str]:
    """Kill a command that waits in the middle of a migration."""

    def kill(place: Place) -> str:
        with held(place.url, _LAST_MIGRATION_TABLE[1]):
            process = place.line.start(*arguments)
            wait_for(lambda: asked(place.url, _WAITING))
            kill_tree(process)
        return _applied(place)

    return kill


def migration_postgres(place: Place) -> str:
    with held(place.url, _LAST_MIGRATION_TABLE[1]):
        process = place.line.start("sync", "demo")
        wait_for(lambda: asked(place.url, _WAITING))
        kill_postgres(place.home)
    place.url = running_server(place.home)
    printed, _ = process.communicate(timeout=600)
    assert "Traceback" not in printed, printed
    return f"the command ended with code {process.returncode}; {_applied(place)}"


def _applied(place: Place) -> str:
    last = asked(place.url, "select max(name) from ops.schema_migrations")
    return f"the last migration applied is {last}, nothing of the next one"


def first_start(
    point: str, *, postgres: bool = False, command: tuple[str, ...] = ("sync", "demo")
) -> Callable[[Place], str]:
    """Kill the first command of an empty home, or its Postgres, when its files show that a point is reached."""

    def kill(place: Place) -> str:
        stop(place.home)
        place.home = Path(tempfile.mkdtemp(prefix="kills-"))
        place.home.chmod(0o711)
        place.line = command_line(place.home, "", place.sandbox)
        take_notifications(place.line)
        del place.line.environment["AMS_ETL_DATABASE_URL"]
        root = server_root(place.home)
        reached = {
            "initdb": lambda: (root / "postgres.new" / "PG_VERSION").exists() and not (root / "postgres").exists(),
            "start": (root / "postgres" / "postmaster.pid").exists,
            "migrations": lambda: asked(_url(root), "select count(*) from ops.schema_migrations") in range(2, 40),
        }[point]
        process = place.line.start(*command)
        wait_for(reached)
        if postgres:
            kill_postgres(place.home)
            process.communicate(timeout=600)
            told = f"the command ended with code {process.returncode}"
        else:
            for other in psutil.process_iter(["cmdline"]):
                if (
                    other.info["cmdline"]
                    and "initdb" in other.info["cmdline"][0]
                    and str(root) in " ".join(other.info["cmdline"])
                ):
                    other.kill()
            kill_tree(process)
            told = "killed"
        place.url = running_server(place.home)
        return told

    return kill


def _url(root: Path) -> str:
    port = int((root / "postgres" / "postmaster.pid").read_text().splitlines()[3])
    return f"postgresql://postgres:{(root / 'password').read_text().strip()}@127.0.0.1:{port}/ams_etl"


CASES: dict[str, tuple[Callable[[Place], str], bool]] = {
    "publish/run": (publish_run, False),
    "publish/Postgres": (publish_postgres, False),
    "publish/daemon": (publish_daemon, False),
    "publish/inbound (commit of a notification)": (publish_inbound, False),
    "migration/run": (migration_of("sync", "demo"), True),
    "migration/Postgres": (migration_postgres, True),
    "migration/daemon (`up`)": (migration_of("up", "--port", "0"), True),
    "migration/inbound": (migration_of("inbound", "--port", "0"), True),
    "first start, initdb/run": (first_start("initdb"), False),
    "first start, Postgres starts/run": (first_start("start"), False),
    "first start, migrations/run": (first_start("migrations"), False),
    "first start, migrations/Postgres": (first_start("migrations", postgres=True), False),
    "first start, migrations/daemon (`up`)": (first_start("migrations", command=("up", "--port", "0")), False),
    "first start, migrations/inbound": (first_start("migrations", command=("inbound", "--port", "0")), False),
}  # fmt: skip


def main() -> int:
    wanted = argparse.ArgumentParser()
    wanted.add_argument("--only", default="", help="cases whose name begins so")
    given = wanted.parse_args()
    failed = 0
    with running_sandbox(size=60) as sandbox:
        undisturbed = Place(sandbox)
        try:
            undisturbed.line.run("sync", "demo")
            with connect(undisturbed.url) as connection:
                reference = published(connection)
        finally:
            undisturbed.close()
        for name, (kill, old_schema) in CASES.items():
            if not name.startswith(given.only):
                continue
            place = Place(sandbox, old_schema=old_schema)
            try:
                told = kill(place)
                print(f"| {name.replace('/', ' | ')} | {told}; {place.check(reference)} |", flush=True)
            except (AssertionError, subprocess.TimeoutExpired, AmsEtlError, psycopg.Error) as error:
                failed += 1
                why = " ".join(str(error).split())[-600:]
                at = traceback.extract_tb(error.__traceback__)[-1]
                print(f"| {name} | FAILED in line {at.lineno}, {at.line}: {why} |", flush=True)
            finally:
                place.close()
    return failed


if __name__ == "__main__":
    sys.exit(main())
