"""The inbound service as tests use it: the real command in a process of its own, on a database of the test's own."""

import http.client
import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ams_etl_tests import warm_processes
from ams_etl_tests.sandbox_process import AGENCY_NO
from ams_etl_tests.warm_processes import Process

CODE = "code-of-the-tests-0123456789"
TOKEN = "token-of-the-platform-0123456789"
AGENCIES = """
agencies:
  - id: demo
    name: Demo
    ams360: {{wsdl: "{wsdl}", agency_no: {agency_no}, login_id: etl, password_env: DEMO_PASSWORD}}
    notifications: {{authentication_code_env: DEMO_CODE, version: "{version}", capture: {capture}}}
    events: {{token_env: DEMO_TOKEN}}
inbound: {{max_body_bytes: 100000, max_event_bytes: 2000000, request_seconds: 1.5, public_url: "https://hooks.example.com/ams"}}
"""


@dataclass(slots=True)
class Service:
    """A running service."""

    url: str
    process: Process

    @property
    def address(self) -> str:
        """Where AMS360 would send to, the code in it."""
        return f"{self.url}/notifications/demo/{CODE}"

    def post(
        self, body: bytes, path: str = f"/notifications/demo/{CODE}", content_type: str = "text/xml; charset=utf-8"
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """One request on a connection of its own: status, body, headers."""
        return self.ask("POST", path, body, {"Content-Type": content_type})

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Any request."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    def kill(self) -> None:
        """As a crash would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def write_agencies(home: Path, *, wsdl: str = "https://x/?wsdl", version: str = "2.0", capture: bool = False) -> None:
    """An agencies file with one agency that sends notifications."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "agencies.yaml").write_text(
        AGENCIES.format(wsdl=wsdl, agency_no=AGENCY_NO, version=version, capture=str(capture).lower())
    )


def environment(home: Path, database: str | None) -> dict[str, str]:
    """What the commands find: a home, the code, and a database unless the home's embedded one is meant."""
    found = {
        **os.environ,
        "AMS_ETL_HOME": str(home),
        "DEMO_CODE": CODE,
        "DEMO_TOKEN": TOKEN,
        "DEMO_PASSWORD": "sandbox",
    }
    found.pop("AMS_ETL_CONFIG", None)
    found.pop("AMS_ETL_DATABASE_URL", None)
    return {**found, "AMS_ETL_DATABASE_URL": database} if database else found


@contextmanager
def running_service(home: Path, database: str | None, port: int = 0) -> Iterator[Service]:
    """Start `ams-etl inbound` and end it afterwards."""
    process = warm_processes.start(
        "ams_etl.cli", "inbound", "--port", str(port), environment=environment(home, database)
    )
    try:
        line = process.stdout.readline()
        assert line, "the service did not start"
        yield Service(json.loads(line)["url"], process)
    finally:
        process.kill()
        process.wait()
