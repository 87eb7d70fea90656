"""The page that says why, by the real service: for who has the password, and of what the sync has stored."""

import base64
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ams_etl.rules.settings import RuleSettings
from ams_etl_tests.inbound.service_process import running_service, write_agencies
from ams_etl_tests.sync.source_history import AGENCY, Source, customer, refresh, store_reference


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"me:{password}".encode()).decode()}


def test_who_has_the_password_is_told_and_nobody_else(
    connection: psycopg.Connection[Any], database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the source says is shown as text, never as part of the page."""
    store_reference(connection)
    source = Source()
    source.put(customer(1, FirstName="Jonathan (Jon)", LastName="Doe", Email="jd@x.com", City="<script>alert(1)"))
    source.store(connection)
    refresh(connection, RuleSettings(), date(2026, 6, 1))
    monkeypatch.setenv("WHY_PASSWORD", "a password of the tests")
    write_agencies(tmp_path)
    file = tmp_path / "agencies.yaml"
    file.write_text(
        file.read_text()
        .replace("- id: demo", f"- id: {AGENCY}")
        .replace("inbound: {", "inbound: {why_password_env: WHY_PASSWORD, ")
    )
    with running_service(tmp_path, database) as service:
        for header in ({}, basic("wrong"), {"Authorization": "Basic !"}, {"Authorization": "Bearer x"}):
            status, body, headers = service.ask("GET", f"/why/{AGENCY}?q=jd@x.com", headers=header)
            assert (status, body) == (401, b"password?")
            assert headers["www-authenticate"].startswith("Basic")
        known = basic("a password of the tests")
        status, body, headers = service.ask("GET", f"/why/{AGENCY}?q=jd@x.com", headers=known)
        page = body.decode()
        assert status == 200
        assert headers["cache-control"] == "no-store"
        assert "<td>Jon</td><td>N1</td>" in page or ("<td>Jon</td>" in page and "N1" in page)
        assert "Jonathan (Jon)" in page
        assert "<script>" not in page
        assert "has no contact" in service.ask("GET", f"/why/{AGENCY}?q=nobody@x.com", headers=known)[1].decode()
        assert service.ask("GET", "/why/nobody?q=1", headers=known)[0] == 404


def test_without_a_password_there_is_no_page(service: Any) -> None:
    """It is not switched on by accident."""
    assert service.ask("GET", "/why/demo", headers=basic("anything"))[0] == 404
