"""A plan for reviewers: people instead of ids, each change with its rule, every form holding the same changes."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from ams_etl.cli.plan import CHANGES, print_plan
from ams_etl.errors import ConfigError
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings.agency import Agency
from ams_etl.sync.contacts.derive import derive_dirty, mark_due
from ams_etl.sync.contacts.plan import make_plan
from ams_etl_tests.sync.source_history import (
    AGENCY,
    NO_BRAKE,
    Source,
    contact,
    customer,
    policy,
    refresh,
    store_reference,
)

TODAY = date(2026, 6, 1)


@pytest.fixture
def planned(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """A plan that gives a merged contact a nickname and an email, adds one contact, deletes one and skips one."""
    store_reference(connection)
    source = Source()
    source.put(customer(1, FirstName="Jonathan", LastName="Doe", Email="jd@example.com", City="Bath"))
    source.put(customer(2, FirmName="Doe [/] Plumbing LLC", IsCommercial=True, Email="JD@example.com"))
    source.put(contact(1, 2, ContactName="Poe, Kim"))
    source.put(customer(3, FirstName="Ann", LastName="Lee", Email="al@example.com"))
    source.store(connection)
    refresh(connection, RuleSettings(), TODAY)
    source.put(customer(1, FirstName="Jonathan (Jon)", LastName="Doe", Email="jd@example.com", City="Bath"))
    source.put(policy(1, 1, WritingCompanyCode="TRV"))
    source.put(customer(3, FirstName="Ann", LastName="Lee", Email="al@example.com", IsActive=False))
    source.put(customer(4, FirstName="=cmd()", LastName="Roe", Email="roe@example.com"))
    source.store(connection)
    mark_due(connection, AGENCY, RuleSettings(), TODAY)
    derive_dirty(connection, AGENCY, RuleSettings(), TODAY)
    make_plan(connection, AGENCY, RuleSettings(), NO_BRAKE, TODAY)
    return connection


def agency() -> Agency:
    login = {"wsdl": "http://x/?wsdl", "agency_no": "1234567-1", "login_id": "etl", "password_env": "P"}
    return Agency.model_validate({"id": AGENCY, "name": "Acme", "ams360": login})


def test_a_plan_names_people_and_rules(planned: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(planned, agency(), "table")
    shown = capsys.readouterr().out
    assert re.search(r"update Jon Doe, Doe \[/\] Plumbing LLC, jd@example.com", shown)
    assert re.search(r"nickname: nothing -> Jon +\(M7, N1\)|first_name: Jonathan -> Jon +\(M7, N1\)", shown)
    assert re.search(r"delete Ann Lee, al@example.com", shown)
    assert re.search(r"insert .*Roe, roe@example.com", shown)
    assert re.search(r"tag added: Client +│ +1", shown)
    assert re.search(r"skipped from now on +│ inactive +│ L7", shown)


def test_every_form_holds_the_same_changes(
    planned: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """CSV, JSON, a spreadsheet and a web page; a name like a formula stays text."""
    print_plan(planned, agency(), "json")
    document = json.loads(capsys.readouterr().out)
    changes = [tuple(change.values()) for change in document["changes"]]
    assert {change[0] for change in changes} == {"insert", "update", "delete"}
    for ending, read in ((".csv", pd.read_csv), (".xlsx", pd.read_excel)):
        print_plan(planned, agency(), "table", file=tmp_path / f"plan{ending}")
        frame = read(tmp_path / f"plan{ending}", dtype="string")
        assert list(frame.columns) == list(CHANGES)
        assert [tuple(None if pd.isna(value) else value for value in row) for row in frame.to_numpy()] == changes
    print_plan(planned, agency(), "table", file=tmp_path / "plan.html")
    page = (tmp_path / "plan.html").read_text()
    assert "Doe [/] Plumbing LLC" in page
    assert "NA&gt;" not in page, "what is missing is an empty cell"
    with pytest.raises(ConfigError, match=r"\.xlsx, \.csv or \.html"):
        print_plan(planned, agency(), "table", file=tmp_path / "plan.doc")


def test_without_a_plan_it_says_how_to_make_one(
    connection: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    print_plan(connection, agency(), "json")
    printed = capsys.readouterr()
    assert json.loads(printed.out) == []
    assert "--plan" in printed.err
