"""HawkSoft, QQ Catalyst and MyCase from their sandboxes to the mart: full, by what changed, and the same either way."""

import asyncio
import os
import random
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from ams_etl.cli import cli
from ams_etl.cli.grant import code_in
from ams_etl.errors import AmsEtlError, ConfigError, TransientError
from ams_etl.rules.contacts.connections import CONNECTION_TYPES, sender_for
from ams_etl.rules.model import Connection
from ams_etl.settings import Agencies, load_agencies
from ams_etl.sources.calling.retry import RetryPolicy
from ams_etl.sources.connections import mycase_connection
from ams_etl.sources.mycase import open_mycase
from ams_etl.store.loading import statistics
from ams_etl.store.logins.oauth_tokens import mycase_tokens
from ams_etl.sync.contacts.preview import preview
from ams_etl.sync.contacts.user_mappings import UserMapping, list_mappings, store_mappings
from ams_etl.sync.contacts.why import why
from ams_etl.sync.extract.hawksoft import open_hawksoft_extractor
from ams_etl_tests.other_systems import KEY, hawksoft_at
from ams_etl_tests.sandbox.rest import send
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox
from ams_etl_tests.sync.other_history_machine import OtherHistory
from ams_etl_tests.sync.other_system_edits import KEYS, edit
from ams_etl_tests.sync.other_system_run import SYSTEMS, TODAY, Run

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


def test_postgres_is_told_how_large_a_table_has_become(
    run: Run, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for AMS360 (store/test_statistics.py)."""
    monkeypatch.setattr(statistics, "LARGE", 20)
    run.extract()
    connection.execute("select pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
    told = connection.execute(
        "select relname from pg_stat_user_tables where schemaname = %s and last_analyze is not null",
        (f"raw_{run.agency.system}",),
    ).fetchall()
    assert told


def test_a_full_sync_gives_contacts_with_their_connections(run: Run, others: Sandbox) -> None:
    report = run.extract()
    assert report.changed_since is None
    run.refresh()
    mart, agency = run.mart(), run.agency.id
    assert len(mart["contacts"]) > 40
    types = {
        row[0]
        for row in run.connection.execute("select connection_type from mart.connections where agency = %s", (agency,))
    }
    assert types == set(CONNECTION_TYPES[agency])
    told = run.one("select count(*) from mart.contact_sources where agency = %s and system = %s", agency, agency)
    skipped = run.one("select count(*) from mart.skipped_contacts where agency = %s", agency)
    assert (
        told + skipped
        == {
            "hawksoft": lambda: sum(1 + len(client["people"]) for client in others.ask("hawksoft/state/clients")),
            "qq_catalyst": lambda: len(others.ask("qq_catalyst/state/contacts")),
            "mycase": lambda: len(others.ask("mycase/state/clients")) + len(others.ask("mycase/state/companies")),
        }[agency]()
    )
    assert run.one("select state from ops.sync_runs where agency = %s", agency) == "extracted"
    again = run.extract()
    assert sum(counts.inserted + counts.updated + counts.deleted for counts in again.tables.values()) == 0
    assert run.one("select count(*) from stage.dirty_customers where agency = %s", agency) == 0


def test_no_secret_reaches_raw(run: Run) -> None:
    run.extract()
    for table in run.one(
        """select array_agg(table_schema || '.' || table_name) from information_schema.columns
        where table_schema = %s and column_name = 'payload'""",
        f"raw_{run.agency.system}",
    ):
        for word in ('"ssn"', "password", "hunter2", "driverslicense", "taxid", "social_security"):
            assert run.one(f"select count(*) from {table} where payload::text ilike %s", f"%{word}%") == 0, (
                table,
                word,
            )


def test_what_changed_gives_the_same_as_everything(run: Run, others: Sandbox) -> None:
    """Rounds of edits, each read by what changed alone, against a rebuild and against a full sync."""
    chance = random.Random(int(os.environ.get("HISTORIES", "1")))
    run.extract()
    run.refresh()
    for _ in range(4):
        for _ in range(4):
            edit(others, run.agency.system, chance, deleting=run.agency.system == "hawksoft")
        report = run.extract(full=False)
        assert report.changed_since is not None
        run.refresh()
        assert run.mart() == run.rebuilt()
    by_changes = run.mart()
    run.extract()
    run.refresh()
    assert run.mart() == by_changes


def test_any_history_ends_as_a_rebuild_would(run: Run, others: Sandbox) -> None:
    """M4 for each of the systems, as `test_incremental_equals_full` has it for AMS360."""
    run_state_machine_as_test(
        type("BoundHistory", (OtherHistory,), {"run": run, "others": others}),
        settings=settings(
            max_examples=int(os.environ.get("HISTORIES", "5")),
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_full_sync_sees_deletions_and_what_no_window_tells(run: Run, others: Sandbox) -> None:
    chance = random.Random(9)
    run.extract()
    run.refresh()
    before = run.mart()
    others.ask("qq_catalyst/faults", {"account_moves_contact": False})
    others.ask("mycase/faults", {"staff_moves_case": False})
    for _ in range(12):
        edit(others, run.agency.system, chance, deleting=True)
    report = run.extract()
    run.refresh()
    assert sum(counts.deleted for counts in report.tables.values()) > 0
    assert run.mart() == run.rebuilt() != before


def test_a_sync_that_dies_deletes_nothing_and_is_made_again(
    run: Run, others: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ams_etl.sources.rest.client.RetryPolicy", lambda: RetryPolicy(tries=2, first_seconds=0.01))
    run.extract()
    run.refresh()
    before = run.mart()
    cursor = run.one("select changed_since from ops.source_cursors where agency = %s", run.agency.id)
    operation = {"hawksoft": "Clients", "qq_catalyst": "AccountInfo", "mycase": "Cases"}[run.agency.id]
    others.ask(f"{run.agency.id}/faults", {"fault": {"rate": 1, "operations": [operation]}})
    with pytest.raises(TransientError):
        run.extract()
    run.refresh()
    assert run.mart() == before
    assert run.one("select changed_since from ops.source_cursors where agency = %s", run.agency.id) == cursor
    assert run.one("select count(*) from ops.sync_runs where agency = %s and state = 'failed'", run.agency.id) == 1
    others.ask(f"{run.agency.id}/faults", {"off": True})
    run.extract(full=False)
    run.refresh()
    assert run.mart() == before


@pytest.mark.parametrize("kind", ["header", "body"])
@pytest.mark.parametrize("operation", ["Contacts", "AccountInfo"])
def test_an_error_in_an_answer_of_status_200_replaces_nothing(
    agencies: Agencies, others: Sandbox, connection: psycopg.Connection[Any], database: str, operation: str, kind: str
) -> None:
    """An unread listing moves no cursor; an unread AccountInfo is quarantined, stays as it was, and is read by the next sync."""
    run = Run(agencies, "qq_catalyst", connection, database)
    live = "from raw_qq_catalyst.account_infos where deleted_at is null"
    infos = f"select md5(string_agg(payload::text, ',' order by entity_id)) {live}"
    cursor = "select changed_since from ops.source_cursors where agency = 'qq_catalyst'"
    run.extract()
    run.refresh()
    before, stored, since = run.mart(), run.one(infos), run.one(cursor)
    others.ask("qq_catalyst/faults", {"soft_errors": {operation: kind}})
    with pytest.raises(AmsEtlError, match=r"the answer reports an error|AccountInfo"):
        run.extract()
    run.refresh()
    assert (run.mart(), run.one(infos), run.one(cursor)) == (before, stored, since)
    others.ask("qq_catalyst/faults", {"off": True})
    run.extract(full=False)
    run.refresh()
    assert (run.mart(), run.one(infos)) == (before, stored)


def test_a_date_that_cannot_be_read_is_quarantined_and_costs_no_record(
    agencies: Agencies, others: Sandbox, connection: psycopg.Connection[Any], database: str
) -> None:
    """The record is stored; a row of the quarantine names the member, until it can be read again."""
    run = Run(agencies, "qq_catalyst", connection, database)
    run.extract()
    policy = run.one("select min(entity_id) from raw_qq_catalyst.policies where deleted_at is null")
    [was] = [
        row["ExpirationDate"] for row in others.ask("qq_catalyst/state/policies") if str(row["PolicyId"]) == policy
    ]
    for value, expected in (("in the spring", [("policies", policy, "unreadable value")]), (was, [])):
        edited = {"entity": "policies", "op": "update", "key": policy, "fields": {"ExpirationDate": value}}
        others.ask("qq_catalyst/edit", edited)
        run.extract()
        rows = connection.execute("select entity, entity_id, reason, detail from ops.quarantine").fetchall()
        assert [row[:3] for row in rows] == expected
        assert all("ExpirationDate" in row[3] and "spring" not in row[3] for row in rows)
        assert (
            run.one(f"select payload ->> 'ExpirationDate' from raw_qq_catalyst.policies where entity_id = '{policy}'")
            == value
        )


@pytest.mark.parametrize(
    ("system", "entity", "member", "long"),
    [
        ("hawksoft", "clients", "details", {"producer": "x" * 5_000_000}),
        ("qq_catalyst", "contacts", "Email", "x" * 5_000_000),
        ("qq_catalyst", "account_infos", "CSR", "x" * 5_000_000),
        ("mycase", "clients", "email", "x" * 5_000_000),
    ],
    ids=["hawksoft", "qq contacts", "qq account infos", "mycase"],
)
def test_a_member_of_5_megabytes_is_quarantined_and_costs_no_other_record(
    agencies: Agencies, others: Sandbox, connection: psycopg.Connection[Any], database: str, system: str, entity: str,
    member: str, long: Any,
) -> None:  # fmt: skip
    """Its record keeps what is stored, and is read again once the member is mended."""
    run = Run(agencies, system, connection, database)
    run.extract()
    table = f"raw_{system}.{entity}"
    everything = f"select md5(string_agg(payload::text, ',' order by entity_id)) from {table} where deleted_at is null"
    stored = run.one(everything)
    key = run.one(f"select min(entity_id) from {table} where deleted_at is null")
    own = KEYS.get(entity, {}).get(system, "id")
    [was] = [row[member] for row in others.ask(f"{system}/state/{entity}") if str(row[own]) == key]

    def edited(value: Any) -> None:
        others.ask(f"{system}/edit", {"entity": entity, "op": "update", "key": key, "fields": {member: value}})

    edited(long)
    try:
        run.extract()
    finally:
        edited(was)
    details = [row[0] for row in connection.execute("select detail from ops.quarantine where reason <> 'incomplete'")]
    assert len(details) == 1, details
    assert "5,000,000 characters; at most 100,000" in details[0]
    assert "xxx" not in details[0]
    assert run.one(everything) == stored
    run.extract()
    assert connection.execute("select entity, entity_id, reason, detail from ops.quarantine").fetchall() == []
    assert run.one(f"select count(*) from {table} where deleted_at is null and entity_id = %s", key) == 1


def test_why_and_preview_work_as_with_ams360(run: Run) -> None:
    run.extract()
    run.refresh()
    contact_id = run.one(
        "select contact_id::text from mart.contacts where agency = %s and status = 'client'", run.agency.id
    )
    settings = run.agency.settings
    findings = [
        record
        for answer in why(run.connection, run.agency.id, contact_id, settings, TODAY)
        for record in answer.records
    ]
    assert {finding.field for finding in findings} & {"first_name", "company_name"}
    assert not {finding.entity for finding in findings} & {"customer", "customer_contact", "customer_dependent"}
    customer_id = run.one("select customer_id from mart.contact_sources where agency = %s", run.agency.id)
    assert why(run.connection, run.agency.id, customer_id.rpartition(":")[2], settings, TODAY)
    before = run.mart()
    tried = preview(run.connection, run.agency.id, replace(settings, prospects="none"), TODAY)
    assert tried.counts.delete > 0
    assert run.mart() == before


def test_senders_are_chosen_by_connection_type_else_the_owner(run: Run) -> None:
    """Users are mapped by type; the type chosen sends, the owner otherwise, and neither changes who owns."""
    run.extract()
    run.refresh()
    agency, types = run.agency.id, CONNECTION_TYPES[run.agency.id]
    store_mappings(
        run.connection,
        agency,
        [
            UserMapping(
                mapping.connection_type, mapping.employee_code, f"{mapping.connection_type}/{mapping.employee_code}"
            )
            for mapping in list_mappings(run.connection, agency)
        ],
    )
    run.refresh()
    for kind in types:
        assert {mapping.connection_type for mapping in list_mappings(run.connection, agency, connection_type=kind)} == {
            kind
        }
    rows = run.connection.execute(
        """select c.owner_user_id, s.kind, mart.sender_for(c.contact_id, s.kind),
            array(select user_id from mart.connections x where x.contact_id = c.contact_id and x.connection_type = s.kind)
        from mart.contacts c cross join unnest(%s::text[]) s (kind) where c.agency = %s""",
        (list(types), agency),
    ).fetchall()
    assert any(held for *_, held in rows)
    assert any(not held for *_, held in rows)
    for owner, _, sender, held in rows:
        assert sender in held if held else sender == owner
    # The rule in Python and the function in SQL are one.
    held_by: dict[Any, list[Connection]] = {}
    for contact_id, *row in run.connection.execute(
        """select contact_id, connection_type, employee_code, employee_name, user_id, rank from mart.connections
        where agency = %s""",
        (agency,),
    ):
        held_by.setdefault(contact_id, []).append(Connection(*row))
    assert (
        any(len({connection.connection_type for connection in held}) < len(held) for held in held_by.values())
        or agency != "mycase"
    )
    for contact_id, held in held_by.items():
        owner = run.one("select owner_user_id from mart.contacts where contact_id = %s", contact_id)
        contact = SimpleNamespace(connections=held, owner_user_id=owner)
        for kind in types:
            told = run.one("select mart.sender_for(%s, %s)", contact_id, kind)
            assert told == sender_for(contact, kind)  # type: ignore[arg-type]
    # A type that the system does not have is nobody's: the owner sends.
    others = "mart.sender_for(contact_id, 'Executive') is distinct from owner_user_id"
    assert run.one(f"select count(*) from mart.contacts where agency = %s and {others}", agency) == 0


def test_these_customers_alone_are_read(run: Run, others: Sandbox) -> None:
    run.extract()
    run.refresh()
    system = run.agency.system
    entity, key, customer, fields = {
        "hawksoft": ("clients", "2", "2", {"details": {"producer": "ZZ"}}),
        "qq_catalyst": ("account_infos", None, None, {"CsrID": 9006, "CSR": "X. Yu"}),
        "mycase": ("clients", None, None, {"email": "new@example.com"}),
    }[system]
    if key is None:
        row = others.ask(f"{system}/state/{entity}")[3]
        key = str(row.get("CustomerID") or row.get("id"))
        customer = key if system == "qq_catalyst" else f"client:{key}"
    others.ask(f"{system}/edit", {"entity": entity, "op": "update", "key": key, "fields": fields})
    others.ask(f"{system}/reset-stats", {})
    run.extract(str(customer))
    assert others.ask(f"{system}/stats")["total"] <= 3
    assert run.connection.execute(
        "select customer_id from stage.dirty_customers where agency = %s", (run.agency.id,)
    ).fetchall() == [(customer,)]


@pytest.mark.parametrize(
    ("system", "member", "customer"), [("hawksoft", "clientNumber", ""), ("mycase", "id", "client:")]
)
def test_a_client_that_is_gone_is_deleted_when_it_is_asked_for(
    agencies: Agencies, others: Sandbox, connection: psycopg.Connection[Any], database: str, system: str, member: str,
    customer: str,
) -> None:  # fmt: skip
    run = Run(agencies, system, connection, database)
    run.extract()
    run.refresh()
    key = str(others.ask(f"{system}/state/clients")[1][member])
    others.ask(f"{system}/edit", {"entity": "clients", "op": "delete", "key": key})
    run.extract(f"{customer}{key}")
    assert run.one(f"select deleted_at is not null from raw_{system}.clients where entity_id = %s", key)
    run.refresh()
    assert run.mart() == run.rebuilt()


def test_listed_but_not_given_is_set_aside_and_not_deleted(
    agencies: Agencies, others: Sandbox, connection: psycopg.Connection[Any], database: str
) -> None:
    """A list and a read that disagree are a doubt, not a deletion."""
    run = Run(agencies, "hawksoft", connection, database)
    run.extract()
    key = run.one("select min(entity_id) from raw_hawksoft.clients where deleted_at is null")

    @asynccontextmanager
    async def opening() -> Any:
        async with open_hawksoft_extractor(hawksoft_at(others)) as extractor:
            listed = await extractor._hawksoft.client_numbers()
            others.ask("hawksoft/edit", {"entity": "clients", "op": "delete", "key": key})

            async def numbers(*_: Any, **__: Any) -> list[int]:
                return listed

            extractor._hawksoft.client_numbers = numbers  # type: ignore[method-assign]
            yield extractor

    report = run.extract(opening=opening)
    assert report.quarantined == 1
    assert run.one(f"select deleted_at is null from raw_hawksoft.clients where entity_id = '{key}'")
    run.extract()
    assert run.one(f"select deleted_at is not null from raw_hawksoft.clients where entity_id = '{key}'")


def test_the_same_case_counts_wherever_an_older_one_was_read(
    agencies: Agencies, others: Sandbox, connection: psycopg.Connection[Any], database: str
) -> None:
    """When the newest case leaves a client, the older one that no delta holds decides again."""
    run = Run(agencies, "mycase", connection, database)
    keys = [
        others.ask("mycase/edit", {"entity": entity, "op": "insert", "fields": fields})["key"]
        for entity, fields in (
            ("clients", {"first_name": "Ann", "last_name": "Two-Cases", "email": "two.cases@example.com"}),
            ("staff", {"first_name": "Old", "last_name": "Lead"}), ("staff", {"first_name": "New", "last_name": "Lead"}),
        )
    ]  # fmt: skip
    client, old, new = (int(key) for key in keys)
    cases = [
        others.ask("mycase/edit", {"entity": "cases", "op": "insert", "fields": {
            "status": "open", "clients": [{"id": client}], "staff": [{"id": lead, "lead_lawyer": True}]}})["key"]
        for lead in (old, new)
    ]  # fmt: skip
    store_mappings(connection, "mycase", [UserMapping("Lead Attorney", str(key), f"user {key}") for key in (old, new)])
    run.extract()
    run.refresh()
    owner = "select owner_user_id from mart.contacts where agency = 'mycase' and last_name = 'Two-Cases'"
    assert run.one(owner) == f"user {new}"
    others.ask("mycase/edit", {"entity": "cases", "op": "update", "key": cases[1], "fields": {"clients": []}})
    run.extract(full=False)
    run.refresh()
    assert run.one(owner) == f"user {old}"


def test_a_cursor_begins_before_the_sync_by_the_overlap(
    agencies: Agencies, connection: psycopg.Connection[Any], database: str
) -> None:
    run = Run(agencies, "hawksoft", connection, database)
    run.overlap = timedelta(minutes=30)
    begun = datetime.now(UTC)
    run.extract()
    cursor = run.one("select changed_since from ops.source_cursors where agency = 'hawksoft'")
    assert begun - timedelta(minutes=31) < cursor < begun
    again = run.extract(full=False).tables["clients"]
    assert again.seen == again.unchanged


def test_an_agency_that_opted_out_stops_with_what_to_do_and_keeps_its_contacts(
    agencies: Agencies, others: Sandbox, connection: psycopg.Connection[Any], database: str
) -> None:
    run = Run(agencies, "hawksoft", connection, database)
    run.extract()
    run.refresh()
    before = run.mart()
    others.ask("hawksoft/faults", {"opted_out": [7]})
    with pytest.raises(AmsEtlError, match="opted out"):
        run.extract()
    run.refresh()
    assert run.mart() == before


def test_an_empty_listing_where_many_are_known_deletes_nothing(
    agencies: Agencies, others: Sandbox, connection: psycopg.Connection[Any], database: str
) -> None:
    """204 is how HawkSoft says that there is nobody, and how anything says that something went wrong."""
    run = Run(agencies, "hawksoft", connection, database)
    run.extract()
    run.refresh()
    before = run.mart()

    @asynccontextmanager
    async def opening() -> Any:
        async with open_hawksoft_extractor(hawksoft_at(others)) as extractor:

            async def numbers(*_: Any, **__: Any) -> list[int]:
                return []

            extractor._hawksoft.client_numbers = numbers  # type: ignore[method-assign]
            yield extractor

    assert run.extract(opening=opening).quarantined == 1
    run.refresh()
    assert run.mart() == before


@pytest.mark.parametrize("system", ["qq_catalyst", "mycase"])
def test_a_listing_that_moves_while_it_is_read_deletes_nothing(
    agencies: Agencies, others: Sandbox, connection: psycopg.Connection[Any], database: str, system: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Who slipped between two pages is not gone; the next full sync says who is."""
    monkeypatch.setattr(f"ams_etl.sources.{system}.PAGE", 20)
    run = Run(agencies, system, connection, database)
    entity, member = ("contacts", "EntityID") if system == "qq_catalyst" else ("clients", "id")
    table = f"raw_{system}.{entity}"
    run.extract()
    known = run.one(f"select count(*) from {table} where deleted_at is null")
    there = {row[0] for row in run.connection.execute(f"select entity_id from {table} where deleted_at is null")}
    keys = [key for entry in others.ask(f"{system}/state/{entity}") if (key := str(entry[member])) in there]
    doomed = iter([keys[0 if system == "qq_catalyst" else -1]])

    def progress(stage: str, done: int, total: int | None) -> None:
        if stage == f"{entity} read" and (key := next(doomed, None)):
            others.ask(f"{system}/edit", {"entity": entity, "op": "delete", "key": key})

    cursor = run.one("select changed_since from ops.source_cursors where agency = %s", system)
    run.extract(progress=progress)
    assert run.one(f"select count(*) from {table} where deleted_at is null") == known
    assert run.one("select changed_since from ops.source_cursors where agency = %s", system) == cursor
    run.extract()
    assert run.one(f"select count(*) from {table} where deleted_at is null") == known - 1


def test_a_customer_that_cannot_be_one_is_told(run: Run) -> None:
    with pytest.raises(ConfigError, match="not "):
        run.extract("0000-abc")


@pytest.fixture
def command_line(agencies: Agencies, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("AMS_ETL_CONFIG", str(agencies.path))
    monkeypatch.setenv("AMS_ETL_HOME", str(tmp_path))
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", database)
    return CliRunner()


@pytest.mark.parametrize("system", SYSTEMS)
def test_doctor_asks_one_question_of_each_kind(command_line: CliRunner, others: Sandbox, system: str) -> None:
    well = command_line.invoke(cli, ["doctor", system])
    assert well.exit_code == 0, well.output
    assert "our clock is" in well.output
    assert "WRONG" not in well.output
    shut: dict[str, dict[str, Any]] = {
        "hawksoft": {"opted_out": [7]},
        "qq_catalyst": {"refused": True},
        "mycase": {"forbidden": True},
    }
    others.ask(f"{system}/faults", shut[system])
    ill = command_line.invoke(cli, ["doctor", system])
    assert "WRONG" in ill.output
    assert ill.exit_code == 1


def test_access_is_granted_on_the_command_line(
    command_line: CliRunner, others: Sandbox, connection: psycopg.Connection[Any]
) -> None:
    """The state that comes back must be the one that was sent."""
    connection.execute("delete from ops.oauth_tokens")
    refused = command_line.invoke(cli, ["grant", "mycase"], input="https://etl.example.com/callback?code=x&state=y\n")
    assert isinstance(refused.exception, ConfigError)
    asked = {"client_id": "etl", "redirect_uri": "https://etl.example.com/callback", "response_type": "code"}
    there = send(f"{others.url}/mycase/login_sessions/new", query=asked).headers["location"]
    granted = command_line.invoke(cli, ["grant", "mycase", "--code", code_in(f"{there}s", "s")])
    assert granted.exit_code == 0, granted.output
    assert connection.execute("select count(*) from ops.oauth_tokens").fetchone() == (1,)
