"""No text of another system, of Postgres or of a library brings a secret or a person's data into a message."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_etl.errors import AmsEtlError, ConfigError
from ams_etl.scrubbing import forget_secret, remember_secret, scrubbed
from ams_etl.settings import load_agencies
from ams_etl.settings.file import shown_variable
from ams_etl.sources.calling import session
from ams_etl.sources.calling.faults import FaultDetail, SoapFault
from ams_etl.store.database import checked_url, connect, dagster_url, redacted, sqlalchemy_url
from ams_etl.store.database_errors import understood
from ams_etl.sync.extract.ams360 import extract
from ams_etl.sync.extract.benefitpoint import extract_benefitpoint
from ams_etl.sync.scope import SyncScope
from ams_etl_tests.other_systems import KEY, grant, tokens_at
from ams_etl_tests.sandbox_process import running_sandbox
from ams_etl_tests.secrets_left import found_in, rows_of_everything, secret_values, seed
from ams_etl_tests.sync.other_systems.other_system_run import SYSTEMS, Run

_LEAKS = [
    ("SSN", "The SSN {} is not valid", "536-22-8726"),
    ("SSN with blanks", "SSN {} is in use", "536 22 8726"),
    ("SSN without dashes", "SocialSecurityNumber={}", "536228726"),
    ("tax id", "FederalTaxIdNumber {} already exists", "94-3126543"),
    ("email", "Email '{}' is not valid", "jon.roe@example.com"),
    ("email with plus", "<{}> was rejected", "jon+news@mail.example.co.uk"),
    ("email in brackets", "recipient [{}]", "jon_roe@example.org"),
    ("phone", "HomePhone {} is too long", "(415) 555-0142"),
    ("phone with dots", "CellPhone {}", "415.555.0142"),
    ("phone with country", "BusinessPhone {}", "+1 415-555-0142"),
    ("licence", "DriversLicenseNumber {} exists", "D1234567"),
    ("licence of two letters", "licence {}", "WD12345678"),
    ("card", "card {} declined", "4111111111111111"),
    ("account", "account {}", "123456789012"),
    ("password", "Password: {} is wrong", "hunter2-swordfish"),
    ("password in quotes", 'password="{}"', "correct-horse"),
    ("ticket", "Ticket={} has expired", "dGhlIHRpY2tldA=="),
    ("token", "token: {}", "eyJhbGciOi.abc.def"),
    ("api key", "api_key={}", "abcdef0123456789"),
    ("authorization", "Authorization: {}", "Basic-dXNlcjpwdw"),
    ("address with login", "could not open https://{}@host/path", "user:sw0rdfish"),
]
_FRAMES = ["{}", "fault: {}", "{}; see the vendor's log [E1042]", "a\nb\n{}\nc"]


@pytest.mark.parametrize("frame", _FRAMES)
@pytest.mark.parametrize(("text", "value"), [leak[1:] for leak in _LEAKS], ids=[leak[0] for leak in _LEAKS])
def test_nothing_of_a_person_or_a_login_stays_in_a_fault(frame: str, text: str, value: str) -> None:
    told = frame.format(text.format(value))
    fault = SoapFault("CustomerGetById", "WSAPIBusinessFault", told, (FaultDetail(told, "LastName", told),), "ref-1")
    for shown in (str(fault), fault.reason, repr(fault.details)):
        assert value not in shown
    assert all(part in str(fault) for part in ("CustomerGetById", "WSAPIBusinessFault", "LastName", "ref-1"))


@pytest.mark.parametrize(
    "text",
    [
        "CustomerGetById: WSAPIBusinessFault: the record 3f2504e0-4f89-41d3-9a0c-0305e82c3301 does not exist",
        "CustomerNumber 10482 is closed",
        "policy CPP-2021-77 ends 2026-11-26T13:28:57Z",
        "EmployeeGroupBankListGet takes up to 500 at 1.5 s",
        "3 tries; try again later (HTTP 503)",
    ],
)
def test_what_an_engineer_needs_stays(text: str) -> None:
    assert scrubbed(text) == text


@given(st.text(min_size=6, max_size=60), st.text(max_size=80), st.text(max_size=80))
def test_a_known_secret_never_stays(secret: str, before: str, after: str) -> None:
    remember_secret(secret)
    try:
        text = scrubbed(before + secret + after)
        assert secret in "[secret][email][number]" or secret not in text
    finally:
        forget_secret(secret)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:pa?ssw0rd@host/db", "postgresql://u:pa#ssw0rd@host/db", "postgresql://u:p@ssw0rd/x@host/db",
        "postgresql://u:passw0rd@host:54x2/db", "postgresql://[::passw0rd/db", "postgresql://u:pass%zzw0rd@host/db",
        "mysql://u:passw0rd@host/db", "passw0rd", "postgresql://u:passw0rd@host", "postgresql://u:pass/w0rd@host/db",
    ],
)  # fmt: skip
def test_an_unreadable_database_url_shows_nothing_of_itself(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        checked_url(url)
    assert "w0rd" not in str(raised.value)
    assert "%40" in str(raised.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:geheim77@db.example:6432/ams", "ann@db.example:6432/ams"),
        ("postgres://ann:geheim77@db.example/ams?sslmode=require", "ann@db.example:5432/ams"),
        ("postgresql://db.example/ams?user=ann&password=geheim77", "ann@db.example:5432/ams"),
        ("postgresql:///ams?host=/run/postgresql", "/run/postgresql:5432/ams"),
        ("postgresql+psycopg2://ann:gehe%40im77@db.example/ams", "ann@db.example:5432/ams"),
    ],
)
def test_every_form_of_database_url_is_shown_without_its_password(url: str, shown: str) -> None:
    checked = checked_url(url)
    assert redacted(checked) == shown
    assert dagster_url(checked).partition(":")[2] == checked.partition(":")[2]
    named = sqlalchemy_url(checked).replace("application_name=ams_etl%20sqlalchemy", "").rstrip("?&")
    assert named.partition(":")[2] == checked.partition(":")[2]
    with pytest.raises(AmsEtlError) as raised:
        connect(
            checked.replace("db.example", "127.0.0.1:1").replace(":1:6432", ":1").replace("/run/postgresql", "/nowhere")
        )
    assert "geheim77" not in str(raised.value)
    assert "im77" not in str(raised.value)


@pytest.mark.parametrize(
    "pasted", ["Hunter2!secret", "hunter2", "HUNTER2SECRET", "acme_password", "a b", "X_" * 3 + "!"]
)
def test_a_secret_pasted_where_a_variable_is_named_is_not_shown(pasted: str) -> None:
    assert pasted not in shown_variable(pasted)
    assert "ACME_PASSWORD" in shown_variable("ACME_PASSWORD")


@pytest.mark.parametrize(
    "statement",
    [
        "insert into people values ('jon.roe@example.com', 200)",
        "insert into people values (null, 1), ('Jon Roe', 1)",
        "insert into people values ('Jon Roe', 1), ('Jon Roe', 1)",
        "select 'Jon Roe'::date",
        "select 'Jon Roe'::int",
        "select '{\"Jon Roe\": }'::jsonb",
        "select 'Jon Roe'::uuid",
    ],
)
def test_an_error_of_postgres_does_not_show_the_row(database: str, statement: str) -> None:
    with connect(database) as connection:
        connection.execute("create temporary table people (name text primary key, age int check (age < 150))")
        with pytest.raises(psycopg.Error) as raised:
            connection.execute(statement)
    assert "roe" not in str(understood(raised.value)).lower()


def test_a_role_without_rights_is_told_what_to_grant(database: str) -> None:
    with connect(database) as connection:
        connection.execute("drop role if exists bare; create role bare; set role bare")
        with pytest.raises(psycopg.Error) as raised:
            connection.execute("create schema elsewhere")
        connection.execute("reset role; drop role bare")
    found = understood(raised.value)
    assert isinstance(found, ConfigError)
    assert "grant create" in str(found)


_AGENCIES = """
agencies:
  - id: hawksoft
    name: Hawk Insurance
    hawksoft: {{agency_id: 7, client_id: etl, client_secret_env: OTHERS_SECRET, base: "{url}/hawksoft"}}
  - id: qq_catalyst
    name: Cat Insurance
    qq_catalyst: {{username: etl, password_env: OTHERS_SECRET, client_id: vendor, client_secret_env: OTHERS_SECRET,
                   base: "{url}/qq_catalyst/v1", login_base: "{url}/qq_catalyst"}}
  - id: mycase
    name: Firm LLP
    mycase: {{client_id: etl, client_secret_env: OTHERS_SECRET, redirect_uri: "https://etl.example.com/callback",
              token_key_env: OTHERS_KEY, base: "{url}/mycase/v1", login_base: "{url}/mycase"}}
"""
_MISTYPED = "mistyped-Swordfish-77"


def test_nothing_secret_is_left_behind(
    database: str,
    connection: psycopg.Connection[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Five systems, read whole and then with wrong passwords: no table, log or error holds a secret of theirs or of ours."""
    issued: set[str] = set()
    monkeypatch.setattr(session, "remember_secret", issued.add)
    monkeypatch.setenv("OTHERS_SECRET", "sandbox")
    monkeypatch.setenv("OTHERS_KEY", KEY)
    caplog.set_level("DEBUG", "ams_etl")
    errors: list[str] = []
    flags = ("--benefitpoint", "--hawksoft", "7:360:60", "--qq-catalyst", "360:40", "--mycase", "360:40")
    with running_sandbox(size=60, more=flags) as sandbox:
        seed(sandbox)
        secrets = secret_values(sandbox)
        (tmp_path / "agencies.yaml").write_text(_AGENCIES.format(url=sandbox.url))
        agencies = load_agencies(tmp_path / "agencies.yaml")
        asyncio.run(grant(sandbox, tokens_at(database, "mycase")))

        def read(**login: str) -> Iterator[Callable[[], object]]:
            beside = sandbox.benefitpoint.connection(**login)
            yield lambda: extract(connection, "demo", sandbox.connection(**login), SyncScope())
            yield lambda: extract_benefitpoint(connection, "demo", beside, full=True)
            for system in SYSTEMS:
                run = Run(agencies, system, connection, database)
                yield run.extract
                if not login:
                    yield run.refresh

        for step in read():
            step()
        monkeypatch.setenv("OTHERS_SECRET", _MISTYPED)
        for step in read(password=_MISTYPED):
            with suppress(AmsEtlError):
                step()
                continue
            errors.append("refused")
        sandbox.ask("faults", {"refuse": ["CustomerGetById"]})
        with suppress(AmsEtlError):
            extract(connection, "demo", sandbox.connection(), SyncScope())
    assert len(errors) >= 4
    assert all(values for values in secrets.values()), secrets
    assert len(issued) >= 3
    assert connection.execute("select count(*) from mart.contacts").fetchone() != (0,)
    searched = {*set().union(*secrets.values()), *issued, _MISTYPED, KEY}
    assert found_in(["\n".join(rows_of_everything(connection)), caplog.text], searched) == set()
