"""HawkSoft, QQ Catalyst and MyCase where they cannot be read, wholly or in part: nothing that is stored is lost."""

from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from ams_etl.cli import cli
from ams_etl.cli.grant import code_in
from ams_etl.errors import AmsEtlError, ConfigError, TransientError
from ams_etl.settings import Agencies
from ams_etl.sources.calling.retry import RetryPolicy
from ams_etl.sync.extract.hawksoft import open_hawksoft_extractor
from ams_etl_tests.other_systems import hawksoft_at
from ams_etl_tests.sandbox.rest import send
from ams_etl_tests.sandbox_process import Sandbox
from ams_etl_tests.sync.other_systems.other_system_edits import KEYS
from ams_etl_tests.sync.other_systems.other_system_run import SYSTEMS, Run


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
