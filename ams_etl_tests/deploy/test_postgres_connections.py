"""No process has more connections to Postgres than docs/deploying.md says, and forty processes fit a server of a hundred."""

import json
import re
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import yaml

from ams_etl.dagster_storage import MOST_CONNECTIONS
from ams_etl.pages.people.page_users import save_user
from ams_etl.pages.people.roles import EVERY_AGENCY, Role
from ams_etl.pages.people.sessions import start
from ams_etl.pages.pool import MOST_CONNECTIONS as MOST_OF_PAGES
from ams_etl.store.database import connect, dagster_url
from ams_etl_tests.alerts.receivers import webhook
from ams_etl_tests.deploy.connection_counts import Watch
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.end_to_end.graphql import UserInterface
from ams_etl_tests.end_to_end.published_rows import count
from ams_etl_tests.end_to_end.served import CODE, free_port, served, take_notifications
from ams_etl_tests.pages.pages_process import Visitor
from ams_etl_tests.pgbouncer import pooled_database
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.writeback.sample_events import event

pytestmark = pytest.mark.long

PAGE = Path(__file__).parents[2] / "docs" / "deploying.md"
TOKEN = "token-of-the-platform-0123456789"


def stated() -> dict[str, int]:
    """What the page says of each kind of process: the column `at most`."""
    section = PAGE.read_text().split("\n## Connections to Postgres\n")[1]
    return {kind: int(most) for kind, most in re.findall(r"^\| ([^|]+?) \| \*\*(\d+)\*\* \|", section, re.MULTILINE)}


def everything(home: Path, database: str, sandbox: Sandbox, hook: str) -> CommandLine:
    """An installation with notifications, events, writeback and alerts."""
    line = command_line(home, database, sandbox)
    take_notifications(line)
    path = home / "agencies.yaml"
    written = yaml.safe_load(path.read_text())
    written["agencies"][0]["events"] = {"token_env": "TEST_TOKEN"}
    del written["agencies"][0]["benefitpoint"]
    written["alerts"] = {
        "channels": [{"name": "hook", "kind": "webhook", "url_env": "TEST_HOOK", "secret_env": "TEST_TOKEN"}]
    }
    path.write_text(yaml.safe_dump(written))
    line.environment.update(TEST_TOKEN=TOKEN, TEST_HOOK=hook)
    return line


@pytest.fixture
def line(tmp_path: Path, database: str) -> Iterator[tuple[CommandLine, Sandbox]]:
    with running_sandbox(size=80) as sandbox, webhook() as hook:
        yield everything(tmp_path, database, sandbox, hook.url), sandbox


def test_no_process_has_more_connections_than_the_page_says(line: tuple[CommandLine, Sandbox], database: str) -> None:
    """While all of them work at once: runs, notifications, events, many readers of the UI and the page."""
    command, sandbox = line
    command.run("sync", "demo")
    inbound, pages = free_port(), free_port()
    bounds = stated()
    with (
        served(command, "--inbound-port", str(inbound), "--pages-port", str(pages)) as address,
        connect(database) as connection,
        Watch(database) as watch,
        ThreadPoolExecutor(40) as threads,
    ):
        save_user(connection, "ann", None, {EVERY_AGENCY: Role.ADMIN})
        cookie = start(connection, "ann")
        assert cookie is not None
        sandbox.put(
            "notifications", url=f"http://127.0.0.1:{inbound}/notifications/demo", code=CODE, retry="blocking", compress=10_000
        )  # fmt: skip
        ends = threading.Event()
        customers = [key for key, _ in sandbox.ask("customers")]

        def again(work: Callable[[int], object]) -> None:
            number = 0
            while not ends.wait(0.05):
                number += 1
                with suppress(OSError, AssertionError):
                    work(number)

        ui = UserInterface(address)
        visitors = [Visitor(f"http://127.0.0.1:{pages}", "ann", cookie) for _ in range(12)]
        asked = [
            *(threads.submit(again, lambda _: ui.runs()) for _ in range(12)),
            *(threads.submit(again, partial(visit, visitor)) for visitor in visitors),
            threads.submit(again, lambda n: sandbox.edit("customers", "update", customers[n % 40], City=f"City {n}")),
            threads.submit(again, lambda n: post(inbound, customers[n % 40])),
        ]
        sandbox.faults(latency_ms=40)
        runs = [ui.launch(job, "demo") for job in ("sync", "rederive")]
        commands = [command.start("sync", "demo")]
        watch.known.update({started.pid: "ams-etl sync" for started in commands})
        for started in commands:
            printed, _ = started.communicate(timeout=300)
            assert started.returncode == 0, printed
        for run in runs:
            assert ui.ended(run, 300) == "SUCCESS", ui.why(run)
        ends.set()
        for ask in asked:
            ask.result(60)
    print(
        "\n".join(
            f"{kind}: {most}, {len(watch.processes[kind])} processes, {sorted(watch.names[kind])}"
            for kind, most in watch.most.items()
        )
    )
    print(f"together {watch.whole}")
    assert set(watch.most) == set(bounds) - {""}
    assert {kind: most for kind, most in watch.most.items() if most > bounds[kind]} == {}
    unnamed = {kind: names for kind, names in watch.names.items() if "" in names}
    assert not unnamed, "each connection says what it is for"


def visit(visitor: Visitor, _: int) -> None:
    assert visitor.get("/demo/contacts").status_code == 200


def post(port: int, customer: str) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/events/demo", json.dumps(event("note", customer)).encode(),
        {"Authorization": f"Bearer {TOKEN}"},
    )  # fmt: skip
    urllib.request.urlopen(request, timeout=30).close()


def test_the_pools_are_as_large_as_the_page_says() -> None:
    """The page names both bounds."""
    section = PAGE.read_text().split("\n## Connections to Postgres\n")[1]
    assert f"pool of {MOST_CONNECTIONS}" in section
    assert f"pool of {MOST_OF_PAGES}" in section


AGENCIES = [f"agency{number:02}" for number in range(30)]
RESERVED = 3
"""Of `max_connections`, for superusers."""


@pytest.fixture
def many(tmp_path: Path) -> Iterator[tuple[CommandLine, Sandbox]]:
    """Thirty agencies and all services; the database is still to be said."""
    numbers = {name: f"55512{number:02}-1" for number, name in enumerate(AGENCIES)}
    more = [part for name, number in numbers.items() for part in ("--agency", f"{name}:{number}:3:25")]
    with running_sandbox(size=25, more=tuple(more)) as sandbox, webhook() as hook:
        line = everything(tmp_path, "", sandbox, hook.url)
        path = line.home / "agencies.yaml"
        written = yaml.safe_load(path.read_text())
        (first,) = written["agencies"]
        written["agencies"] = [
            {**first, "id": name, "name": name, "ams360": {**first["ams360"], "agency_no": number}}
            for name, number in numbers.items()
        ]
        path.write_text(yaml.safe_dump(written))
        yield line, sandbox


def forty_processes(line: CommandLine) -> None:
    """Web server, daemon, two code servers, inbound service, page, alerts, three followers and thirty syncs, all at once."""
    with served(line, "--inbound-port", str(free_port())):
        followers = [line.start("follow") for _ in range(2)]
        syncs = [line.start("sync", agency) for agency in AGENCIES]
        for sync in syncs:
            printed, _ = sync.communicate(timeout=900)
            assert sync.returncode == 0, printed
        for follower in followers:
            follower.terminate()
            follower.communicate(timeout=60)


def test_forty_processes_fit_a_hundred_connections_of_a_pool(
    many: tuple[CommandLine, Sandbox], postgres_server: str, tmp_path: Path
) -> None:
    """The data behind pgbouncer in transaction mode, Dagster's tables directly, as docs/faq.md has it."""
    line, _ = many
    with pooled_database(postgres_server, tmp_path, sessions=40) as (through, direct):
        line.environment.update(AMS_ETL_DATABASE_URL=through, AMS_ETL_DAGSTER_URL=dagster_url(direct))
        line.run("db", "upgrade")
        with Watch(direct) as watch:
            forty_processes(line)
        with connect(direct) as connection:
            assert count(connection, "select count(distinct agency) from mart.contacts") == len(AGENCIES)
    print(f"at most {watch.whole} connections at one time")
    assert watch.whole <= 100 - RESERVED
