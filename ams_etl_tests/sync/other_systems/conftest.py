"""A sandbox of HawkSoft, QQ Catalyst and MyCase, an agency of each, and its syncs."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ams_etl.settings import Agencies, load_agencies
from ams_etl.sources.connections import mycase_connection
from ams_etl.sources.mycase import open_mycase
from ams_etl.store.logins.oauth_tokens import mycase_tokens
from ams_etl_tests.other_systems import KEY
from ams_etl_tests.sandbox.rest import send
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.sync.other_systems.other_system_run import SYSTEMS, TODAY, Run

AGENCIES = """
agencies:
  - id: hawksoft
    name: Hawk Insurance
    hawksoft: {{agency_id: 7, client_id: etl, client_secret_env: OTHERS_SECRET, base: "{url}/hawksoft", overlap_minutes: 0}}
    settings: {{tags: [line_of_business, branch, state]}}
  - id: qq_catalyst
    name: Cat Insurance
    qq_catalyst: {{username: etl, password_env: OTHERS_SECRET, client_id: vendor, client_secret_env: OTHERS_SECRET,
                   base: "{url}/qq_catalyst/v1", login_base: "{url}/qq_catalyst"}}
  - id: mycase
    name: Firm LLP
    mycase: {{client_id: etl, client_secret_env: OTHERS_SECRET, redirect_uri: "https://etl.example.com/callback",
              token_key_env: OTHERS_KEY, base: "{url}/mycase/v1", login_base: "{url}/mycase", overlap_minutes: 0}}
    settings: {{tags: [practice_area, city], ownership_tags: [lead_attorney]}}
"""


@pytest.fixture(scope="module")
def others() -> Iterator[Sandbox]:
    """Shared: every test reads all of it again, whatever others have edited."""
    flags = ("--hawksoft", "7:360:90", "--qq-catalyst", "360:70", "--mycase", "360:70", "--today", str(TODAY))
    with running_sandbox(size=1, more=flags) as running:
        yield running


@pytest.fixture(autouse=True)
def _undisturbed(others: Sandbox) -> None:
    for system in SYSTEMS:
        others.ask(f"{system}/faults", {"off": True})


@pytest.fixture
def agencies(others: Sandbox, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Agencies:
    """The agencies file of the three, the firm's access granted."""
    monkeypatch.setenv("OTHERS_SECRET", "sandbox")
    monkeypatch.setenv("OTHERS_KEY", KEY)
    path = tmp_path / "agencies.yaml"
    path.write_text(AGENCIES.format(url=others.url))
    found = load_agencies(path)
    firm = found.get("mycase")

    async def grant() -> None:
        async with open_mycase(mycase_connection(found, firm), mycase_tokens(found, firm, database)) as mycase:
            asked = {"client_id": "etl", "redirect_uri": firm.mycase.redirect_uri, "response_type": "code"}
            there = send(f"{others.url}/mycase/login_sessions/new", query=asked).headers["location"]
            await mycase.exchange(there.partition("code=")[2].partition("&")[0])

    asyncio.run(grant())
    return found


@pytest.fixture(params=SYSTEMS)
def run(request: pytest.FixtureRequest, agencies: Agencies, connection: psycopg.Connection[Any], database: str) -> Run:
    return Run(agencies, request.param, connection, database)
