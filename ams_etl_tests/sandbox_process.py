"""The AMS360 sandbox as tests use it: a process of its own, asked and switched over HTTP."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from ams_etl.sources.ams360 import Ams360Connection
from ams_etl.sources.benefitpoint.client import BenefitPointConnection
from ams_etl_tests import warm_processes

AGENCY_NO = "5551234-1"


@dataclass(frozen=True, slots=True)
class BenefitPointSandbox:
    """The BenefitPoint sandbox of the same process."""

    url: str
    wsdl: str
    login_wsdl: str

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """A control request: GET, or POST with a body."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/sandbox/benefitpoint/{path}", data=data, timeout=30) as answer:
            return json.load(answer)

    def edit(self, entity: str, op: str, key: int | None = None, at: str | None = None, **fields: Any) -> int:
        """Change a record as a person in BenefitPoint would, and return its id."""
        given = {"entity": entity, "op": op, "key": None if key is None else str(key), "fields": fields, "at": at}
        return int(self.ask("edit", given).get("key") or 0)

    def faults(self, **switches: Any) -> dict[str, Any]:
        """Switch faults on or off, and return all switches as they are now."""
        now: dict[str, Any] = self.ask("faults", switches)
        return now

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """All records of a kind as they are there."""
        found: list[dict[str, Any]] = self.ask(f"state/{kind}")
        return found

    def connection(self, **more: Any) -> BenefitPointConnection:
        """How the client reaches it."""
        return BenefitPointConnection(
            **{"wsdl": self.wsdl, "login_wsdl": self.login_wsdl, "username": "etl", "password": "sandbox",
               "timeout_seconds": 20.0, **more}
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox; its BenefitPoint answers where it was started with `--benefitpoint`."""

    url: str
    wsdl: str

    @property
    def benefitpoint(self) -> BenefitPointSandbox:
        """The BenefitPoint beside it."""
        base = f"{self.url}/aptusConnect"
        return BenefitPointSandbox(self.url, f"{base}/BrokerConnectV4.wsdl", f"{base}/LoginV2.wsdl")

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """A control request: GET, or POST with a body."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/sandbox/{path}", data=data, timeout=30) as answer:
            return json.load(answer)

    def put(self, path: str, **body: Any) -> Any:
        """A control request that sets something."""
        request = urllib.request.Request(f"{self.url}/sandbox/{path}", json.dumps(body).encode(), method="PUT")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def edit(self, entity: str, op: str, key: str | None = None, **fields: Any) -> str | None:
        """Change a record as a person in AMS360 would, and return its key."""
        found: str | None = self.ask("edit", {"entity": entity, "op": op, "key": key, "fields": fields}).get("key")
        return found

    def faults(self, **switches: Any) -> dict[str, Any]:
        """Switch faults on or off, and return all switches as they are now."""
        now: dict[str, Any] = self.ask("faults", switches)
        return now

    def stats(self) -> dict[str, Any]:
        """What it was asked since it began, or since `ask("reset-stats", {})`."""
        counted: dict[str, Any] = self.ask("stats")
        return counted

    def connection(self, **more: Any) -> Ams360Connection:
        """How the client reaches it."""
        return Ams360Connection(
            **{"wsdl": self.wsdl, "agency_no": AGENCY_NO, "login_id": "etl", "password": "sandbox",
               "max_concurrency": 8, "timeout_seconds": 20.0, **more}
        )  # fmt: skip


@contextmanager
def running_sandbox(
    *, size: int = 60, seed: int = 7, unlisted: int = 1, more: tuple[str, ...] = ()
) -> Iterator[Sandbox]:
    """Start a sandbox on a free port and end it afterwards."""
    process = warm_processes.start(
        "ams_etl.sandbox",
        "--port",
        "0",
        "--agency",
        f"demo:{AGENCY_NO}:{seed}:{size}",
        "--unlisted",
        str(unlisted),
        *more,
    )
    try:
        ready = json.loads(process.stdout.readline())
        yield Sandbox(ready["url"], ready["wsdl"])
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small agency, new for each test."""
    with running_sandbox() as running:
        yield running
