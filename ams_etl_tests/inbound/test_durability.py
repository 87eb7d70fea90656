"""What was acknowledged is in the table, whatever dies and whenever."""

import http.client
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from ams_etl.store.database import connect
from ams_etl.store.embedded import running_server, server_root, stop
from ams_etl_tests.inbound.bodies import assumed_soap
from ams_etl_tests.inbound.service_process import CODE, TOKEN, Service, running_service, write_agencies
from ams_etl_tests.writeback.sample_events import event


def post_until_stopped(url: str, name: str, stopped: threading.Event, told: dict[str, list[str]]) -> None:
    """One client with one kept-alive connection; says which keys were acknowledged, and which statuses it saw."""
    parts = urlsplit(url)
    connection: http.client.HTTPConnection | None = None
    number = 0
    while not stopped.is_set():
        number += 1
        key = f"{name}-{number}"
        try:
            connection = connection or http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=15)
            connection.request("POST", f"/notifications/demo/{CODE}", assumed_soap(key), {"Content-Type": "text/xml"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection = None
            time.sleep(0.02)
            continue
        told["acknowledged" if answer.status == 200 else str(answer.status)].append(key)


class Clients:
    """Several clients that post without end."""

    def __init__(self, url: str, count: int = 8) -> None:
        self.told: dict[str, list[str]] = {"acknowledged": [], "503": []}
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=post_until_stopped, args=(url, f"c{number}", self._stopped, self.told), daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def wait_for(self, status: str, more: int) -> None:
        """Until so many more were answered so."""
        wanted = len(self.told[status]) + more
        for _ in range(1500):
            if len(self.told[status]) >= wanted:
                return
            time.sleep(0.01)
        raise AssertionError(f"only {len(self.told[status])} of {wanted} were answered {status}")

    def stop(self) -> set[str]:
        """The keys that were acknowledged."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        return set(self.told["acknowledged"])


def missing(connection: psycopg.Connection[Any], acknowledged: set[str]) -> set[str]:
    stored = b"\n".join(
        row[0] for row in connection.execute("select body from ops.notifications where body is not null")
    )
    return {key for key in acknowledged if f"<n:Value>{key}</n:Value>".encode() not in stored}


def test_a_killed_service_has_stored_every_notification_that_it_acknowledged(
    tmp_path: Path, database: str, connection: psycopg.Connection[Any]
) -> None:
    """And the next one understands what the killed one had only stored."""
    write_agencies(tmp_path / "home")
    with running_service(tmp_path / "home", database) as service:
        clients = Clients(service.url)
        clients.wait_for("acknowledged", 200)
        service.kill()
        port = int(service.url.rpartition(":")[2])
    with running_service(tmp_path / "home", database, port):
        clients.wait_for("acknowledged", 100)
        acknowledged = clients.stop()
        for _ in range(200):
            left = connection.execute("select count(*) from ops.notifications where state <> 'pending'").fetchone()
            if left == (0,):
                break
            time.sleep(0.05)
    assert missing(connection, acknowledged) == set()
    assert left == (0,)


def test_while_postgres_is_down_the_answer_is_503_and_then_it_heals_by_itself(short_home: Path) -> None:
    """Stopped, it is started again; killed, it recovers; nothing that was acknowledged meanwhile is missing."""
    write_agencies(short_home)
    running_server(short_home)
    try:
        with running_service(short_home, None) as service:
            assert wait_for_event(service)
            clients = Clients(service.url)
            clients.wait_for("acknowledged", 100)
            stop(short_home)
            clients.wait_for("acknowledged", 100)
            pid = int((server_root(short_home) / "postgres" / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGKILL)
            clients.wait_for("acknowledged", 100)
            assert clients.told["503"], "an outage was not told"
            acknowledged = clients.stop()
            assert wait_for_health(service)
            assert wait_for_event(service)
        with connect(running_server(short_home)) as connection:
            assert missing(connection, acknowledged) == set()
    finally:
        stop(short_home)


def wait_for_health(service: Service) -> bool:
    for _ in range(100):
        if service.ask("GET", "/healthz")[0] == 200:
            return True
        time.sleep(0.05)
    return False


def wait_for_event(service: Service) -> bool:
    """The other writer has a connection of its own to heal."""
    body = json.dumps(event("note", "00000000-0000-0000-0000-000000000001")).encode()
    for _ in range(100):
        if service.ask("POST", "/events/demo", body, {"Authorization": f"Bearer {TOKEN}"})[0] == 202:
            return True
        time.sleep(0.05)
    return False
