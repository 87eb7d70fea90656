"""The integration page as tests use it: the real command in a process of its own, people who are signed in, two agencies."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import requests
import yaml
from psycopg.types.json import Jsonb

from ams_etl.pages.people.page_users import save_user
from ams_etl.pages.people.roles import EVERY_AGENCY, Role
from ams_etl.pages.people.sessions import csrf_token, start
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import BrakeSettings
from ams_etl.sync.contacts.derive import derive_dirty, mark_due
from ams_etl.sync.contacts.plan import make_plan
from ams_etl_tests import warm_processes
from ams_etl_tests.sandbox_process import AGENCY_NO
from ams_etl_tests.sync.source_history import (
    AGENCY,
    Source,
    contact,
    customer,
    customer_id,
    dependent,
    policy,
    refresh,
    store_reference,
)
from ams_etl_tests.warm_processes import Process

OTHER = "other"
PASSWORD = "a password of the tests"
TODAY = date(2026, 6, 1)
COOKIE = "ams_etl_session"


@dataclass
class Visitor:
    """Somebody with a session."""

    url: str
    name: str
    cookie: str
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str) -> requests.Response:
        """Load a page without following where it leads."""
        return self.session.get(self.url + path, cookies={COOKIE: self.cookie}, allow_redirects=False, timeout=30)

    def page(self, path: str, status: int = 200) -> str:
        """Load a page that must be there, and return its text."""
        answer = self.get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.text[-1500:])
        return answer.text

    def post(self, path: str, form: Mapping[str, str] | None = None, **files: Any) -> requests.Response:
        """Send a form as its page would, with its token."""
        return self.session.post(
            self.url + path, data={"csrf": csrf_token(self.cookie), **(form or {})}, cookies={COOKIE: self.cookie},
            files=files or None, allow_redirects=False, timeout=60,
        )  # fmt: skip


@dataclass
class Site:
    """A running integration page."""

    url: str
    database: str
    process: Process
    home: Path

    def visitor(self, connection: psycopg.Connection[Any], name: str) -> Visitor:
        """Return somebody in the database, signed in."""
        cookie = start(connection, name)
        assert cookie is not None
        return Visitor(self.url, name, cookie)


def write_agencies(home: Path, wsdl: str = "https://x/?wsdl", **more: Any) -> None:
    """Two agencies of AMS360, and one of HawkSoft."""
    home.mkdir(parents=True, exist_ok=True)
    ams360 = {"wsdl": wsdl, "login_id": "etl", "password_env": "TEST_AMS360_PASSWORD"}
    notifications = {"authentication_code_env": "TEST_CODE", "version": "2.0"}
    document = {
        "agencies": [
            {"id": AGENCY, "name": "Acme Insurance", "ams360": {**ams360, "agency_no": AGENCY_NO},
             "notifications": notifications},
            {"id": OTHER, "name": "Other Insurance", "ams360": {**ams360, "agency_no": "5551234-2"}},
            {"id": "hawk", "name": "Hawk", "hawksoft": {"agency_id": 7, "client_id": "etl",
                                                        "client_secret_env": "TEST_AMS360_PASSWORD"}},
        ],
        "inbound": {"public_url": "https://hooks.example.com/ams"},
        **more,
    }  # fmt: skip
    (home / "agencies.yaml").write_text(yaml.safe_dump(document))


def people(connection: psycopg.Connection[Any]) -> None:
    """Add one person per role in the first agency, one in the other, and one in every agency."""
    for name, password, roles in (
        ("viewer", None, {AGENCY: Role.VIEWER}),
        ("operator", None, {AGENCY: Role.OPERATOR}),
        ("admin", None, {AGENCY: Role.ADMIN}),
        ("stranger", None, {OTHER: Role.ADMIN}),
        ("everywhere", PASSWORD, {EVERY_AGENCY: Role.ADMIN}),
    ):
        save_user(connection, name, password, roles)


def records(connection: psycopg.Connection[Any]) -> None:
    """Give both agencies a household, a firm with contacts, a prospect without an email, and somebody inactive."""
    store_reference(connection)
    source = Source()
    source.put(customer(1, FirstName="Jonathan (Jon)", LastName="Doe", Email="jd@example.com", IsPersonal=True))
    source.put(dependent(1, 1, FirstName="Johanna", LastName="Doe", Relationship="Spouse", Email="jo@example.com"))
    source.put(policy(1, 1, WritingCompanyCode="TRV"))
    source.put(customer(2, FirmName="<b>Ink & Sons</b>", IsCommercial=True, Email="ink@example.com", City="Ätna"))
    source.put(contact(1, 2, ContactName="Ines Ink", EmailAddress="ines@example.com"))
    source.put(customer(3, IsPersonal=True))
    source.put(customer(4, FirstName="Ida", LastName="Idle", IsActive=False, Email="ida@example.com"))
    for number in range(10, 75):
        source.put(customer(number, FirstName=f"Pat{number}", LastName="Many", Email=f"pat{number}@example.com",
                            AccountExecCode="E 1", AccountRepCode="" if number % 2 else "R<1"))  # fmt: skip
    source.store(connection)
    refresh(connection, RuleSettings(), TODAY)
    for table in ("customers", "customer_contacts", "customer_dependents", "policies", "employees", "companies"):
        connection.execute(
            f"""insert into raw_ams360.{table} select 'other', entity_id, customer_id, payload, content_hash, first_seen_at,
            last_seen_at, deleted_at from raw_ams360.{table} where agency = %s""",
            (AGENCY,),
        )
    connection.execute(
        """insert into stage.dirty_customers (agency, customer_id)
        select agency, entity_id from raw_ams360.customers where agency = 'other'"""
    )
    refresh(connection, RuleSettings(), TODAY, agency=OTHER)


def work_for_people(connection: psycopg.Connection[Any]) -> None:
    """Leave in the first agency one of everything that waits for a person: writes, an event, a record, a link, a merge, a plan."""
    for status in ("uncertain", "failed", "delivered"):
        connection.execute(
            """insert into ops.writebacks (agency, kind, operation, lane, customer_id, request, status, error)
            values ('acme', 'note_created', 'note', %(status)s, 'c-1', '{}', %(status)s, 'the reply was lost')""",
            {"status": status},
        )
    connection.execute(
        "insert into ops.events (agency, kind, payload, state) values ('acme', 'note_created', '{}', 'done')"
    )
    connection.execute(
        """insert into ops.quarantine (agency, system, entity, entity_id, customer_id, reason, detail)
        values ('acme', 'ams360', 'customers', 'c-9', 'c-9', 'unreadable', 'CustomerNumber is not a number')"""
    )
    connection.execute(
        """insert into ops.account_links (agency, ams360_customer_id, benefitpoint_account_id, state, evidence, score, detail)
        values ('acme', %s, 7, 'suggested', 'name', 0.9, array['name'])""",
        (customer_id(1),),
    )
    connection.execute(
        """insert into raw_ams360.customers (agency, entity_id, customer_id, payload, content_hash, first_seen_at, last_seen_at,
            deleted_at)
        select agency, %(gone)s, %(gone)s, payload || %(own)s, content_hash, first_seen_at, last_seen_at, now()
        from raw_ams360.customers where agency = 'acme' and entity_id = %(there)s""",
        {"gone": customer_id(90), "there": customer_id(20), "own": Jsonb(customer(90, Email="gone@example.com"))},
    )
    connection.execute(
        """insert into ops.sync_runs (agency, sync_id, mode, state, started_at, extracted_at, published_at, counts, run_id)
        values ('acme', gen_random_uuid(), 'full', 'published', now() - interval '1 hour', now(), now(),
            '{"customers_read": 70, "calls_by_operation": {"CustomerGetById": 70}}', '11111111-2222-3333-4444-555555555555')"""
    )
    for state, seconds in (("done", 3), ("parked", 0)):
        connection.execute(
            """insert into ops.notifications (agency, received_at, state, object_type, change, keys, settled_at, reason)
            values ('acme', now() - interval '1 day', %s, 'customer', 'update', '{"CustomerId": "c-1"}',
                now() - interval '1 day' + make_interval(secs => %s), 'as the test has it')""",
            (state, seconds),
        )
    connection.execute(
        """insert into ops.suppressions (agency, contact_id, reason, set_by)
        select agency, contact_id, 'asked by phone', 'sam' from mart.contacts
        where agency = 'acme' and email = 'ink@example.com'"""
    )
    connection.execute(
        """insert into ops.name_overrides (agency, contact_id, first_name, set_by)
        select agency, contact_id, 'Patty', 'sam' from mart.contacts where agency = 'acme' and email = 'pat15@example.com'"""
    )
    with_inactive = RuleSettings(import_inactive=True)
    mark_due(connection, AGENCY, with_inactive, TODAY)
    derive_dirty(connection, AGENCY, with_inactive, TODAY)
    make_plan(connection, AGENCY, with_inactive, BrakeSettings(), TODAY)


def what_if(site: Site, connection: psycopg.Connection[Any], key: str, value: str) -> str:
    """Try another value of the first agency's setting as the page's process does; return the finished job's id."""
    command = ["preview", AGENCY, "--set", f"{key}={value}", "--json"]
    process = warm_processes.start("ams_etl.cli", *command, environment=_environment(site.home, site.database))
    found, _ = process.communicate(timeout=60)
    row = connection.execute(
        """insert into ops.page_jobs (agency, kind, arguments, requested_by, state, finished_at, result)
        values (%s, 'preview', %s, 'operator', 'done', now(), %s) returning job_id::text""",
        (AGENCY, ["--set", f"{key}={value}"], found),
    ).fetchone()
    assert row is not None
    return str(row[0])


def _environment(home: Path, database: str | None) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AMS_ETL")},
        "AMS_ETL_HOME": str(home), "TEST_AMS360_PASSWORD": "sandbox", "TEST_CODE": "code-of-the-tests-0123456789",
        **({"AMS_ETL_DATABASE_URL": database} if database else {}),
    }  # fmt: skip


@contextmanager
def running_pages(home: Path, database: str | None, **environment: str) -> Iterator[Site]:
    """Start `ams-etl pages` and end it afterwards."""
    found = {**_environment(home, database), **environment}
    process = warm_processes.start("ams_etl.cli", "pages", "--port", "0", environment=found)
    try:
        line = process.stdout.readline()
        assert line, "the page did not start"
        yield Site(json.loads(line)["url"], database or "", process, home)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
