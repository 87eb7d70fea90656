"""HawkSoft, QQ Catalyst and MyCase from their sandboxes to the mart: full, by what changed, and the same either way."""

import os
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from ams_etl.errors import ConfigError
from ams_etl.rules.contacts.connections import CONNECTION_TYPES, sender_for
from ams_etl.rules.model import Connection
from ams_etl.settings import Agencies
from ams_etl.store.loading import statistics
from ams_etl.sync.contacts.preview import preview
from ams_etl.sync.contacts.user_mappings import UserMapping, list_mappings, store_mappings
from ams_etl.sync.contacts.why import why
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.sync.other_systems.other_history_machine import OtherHistory
from ams_etl_tests.sync.other_systems.other_system_edits import edit
from ams_etl_tests.sync.other_systems.other_system_run import TODAY, Run


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


def test_a_customer_that_cannot_be_one_is_told(run: Run) -> None:
    with pytest.raises(ConfigError, match="not "):
        run.extract("0000-abc")
