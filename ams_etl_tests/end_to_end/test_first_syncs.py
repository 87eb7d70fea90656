"""All agencies that were never synced are synced in one run: each as a run of its own would, and none twice."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from ams_etl.definitions import defs
from ams_etl.defs.contacts.first_syncs import synced_assets
from ams_etl.defs.other_systems.records import RECORDS
from ams_etl.store.database import connect
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.postgres import fresh_database
from ams_etl_tests.sandbox_process import Sandbox, running_sandbox

AGENCIES = [f"agency{number}" for number in range(5)]
SIZE = 25
_MART = (
    "contacts", "contact_emails", "contact_phones", "contact_sources", "contact_tags", "key_facts", "connections",
    "skipped_contacts", "accounts", "policies",
)  # fmt: skip
_NOT_COMPARED = {"created_at", "updated_at", "published_at", "changed_at", "first_published_at"}


def configure(line: CommandLine, passwords: dict[str, str] | None = None) -> None:
    """Write the file of all agencies; `passwords` names another variable for some."""
    path = line.home / "agencies.yaml"
    written = yaml.safe_load(path.read_text())
    first = written["agencies"][0]
    first.pop("benefitpoint", None)
    written["agencies"] = [
        {
            **first,
            "id": name,
            "name": name,
            "ams360": {
                **first["ams360"],
                "agency_no": f"55512{number:02}-1",
                "password_env": (passwords or {}).get(name, "TEST_AMS360_PASSWORD"),
            },
        }
        for number, name in enumerate(AGENCIES)
    ]
    path.write_text(yaml.safe_dump(written))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    more = [
        part for number, name in enumerate(AGENCIES) for part in ("--agency", f"{name}:55512{number:02}-1:3:{SIZE}")
    ]
    with running_sandbox(size=5, more=tuple(more)) as running:
        yield running


@pytest.fixture
def line(tmp_path: Path, database: str, sandbox: Sandbox) -> CommandLine:
    made = command_line(tmp_path / "one", database, sandbox)
    configure(made)
    return made


def mart(connection: psycopg.Connection[Any], agency: str) -> dict[str, list[str]]:
    """Every row of an agency but for when it was written."""
    found = {}
    for table in _MART:
        rows = connection.execute(
            f"select to_jsonb(t) - %s::text[] from mart.{table} t where agency = %s", (list(_NOT_COMPARED), agency)
        ).fetchall()
        found[table] = sorted(json.dumps(row, sort_keys=True, default=str) for (row,) in rows)
    return found


def test_one_run_does_what_a_run_for_each_does_and_a_killed_one_is_continued(
    line: CommandLine, database: str, sandbox: Sandbox
) -> None:
    """Killed after the first agencies are done: they are not read again, and all end as after runs of their own."""
    sandbox.faults(latency_ms=5)
    process = line.start("sync", "--new")
    with connect(database) as connection:
        until = time.monotonic() + 120
        done: list[str] = []
        while not done:
            assert time.monotonic() < until
            assert process.poll() is None
            time.sleep(0.05)
            done = _published(connection)
        process.kill()
        process.wait()
        done = _published(connection)
        assert 0 < len(done) < len(AGENCIES)
        half_read = connection.execute("select count(*) from ops.sync_runs where published_at is null").fetchone()
        assert half_read != (0,)
        # A lease outlives a killed process by half a minute.
        connection.execute("update ops.leases set expires_at = now()")
        sandbox.faults(latency_ms=0)
        printed = line.run("sync", "--new", "--json")
        report = json.loads(printed[printed.index("{\n") : printed.rindex("}") + 1])
        assert sorted(row["agency"] for row in report["synced"]) == sorted(set(AGENCIES) - set(done))
        assert report["failed"] == []
        runs = connection.execute(
            "select agency, mode, state, count(*) from ops.sync_runs group by 1, 2, 3 order by 1"
        ).fetchall()
        assert runs == [(agency, "full", "published", 1) for agency in AGENCIES]
        for table in ("ops.sync_customers", "ops.sync_prefixes", "stage.dirty_customers"):
            assert connection.execute(f"select count(*) from {table}").fetchone() == (0,), table
        together = {agency: mart(connection, agency) for agency in AGENCIES}
        assert "every agency was synced before" in line.run("sync", "--new")
        # Alone, into the same database: nothing is different, so nothing changes.
        for agency in AGENCIES[:2]:
            line.run("sync", agency)
            assert mart(connection, agency) == together[agency]
    assert all(len(rows["contacts"]) > SIZE / 3 for rows in together.values())


def _published(connection: psycopg.Connection[Any]) -> list[str]:
    rows = connection.execute("select agency from ops.sync_runs where published_at is not null order by 1").fetchall()
    return [agency for (agency,) in rows]


def test_one_agency_fails_alone_and_each_mart_and_partition_is_that_of_a_run_of_its_own(
    line: CommandLine, database: str, postgres_server: str, migrated_template: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A wrong password and one that is not set stop two agencies; a run for one agency fills a second database."""
    configure(line, {"agency1": "TEST_WRONG", "agency2": "TEST_NOT_SET"})
    line.environment["TEST_WRONG"] = "not the password"
    printed = line.run("sync", "--new", code=1)
    assert "2 of 5 agencies failed" in printed
    assert "refuses the login" in printed
    assert "TEST_NOT_SET" in printed
    with fresh_database(postgres_server, migrated_template) as second:
        alone = command_line(tmp_path / "two", second, sandbox)
        configure(alone)
        alone.run("sync", "agency3")
        with connect(database) as ours, connect(second) as theirs:
            assert _published(ours) == ["agency0", "agency3", "agency4"]
            assert mart(ours, "agency3") == mart(theirs, "agency3")
            assert materialized(database, "agency3") == materialized(second, "agency3")
            assert materialized(database, "agency1") == set()
    configure(line)
    planned = line.run("sync", "--new", "--plan")
    assert [f"agency{at}" in planned for at in range(5)] == [False, True, True, False, False]
    assert "2 agencies synced, 0 failed" in line.run("sync", "--new")
    assert "--plan alone" in line.run("sync", "agency0", "--new", code=2)
    assert "expected an agency" in line.run("sync", code=2)


def materialized(database: str, agency: str) -> set[str]:
    """The assets of an agency's partition that Dagster lists as materialized, but for those that no job makes."""
    with connect(database) as connection:
        rows = connection.execute(
            "select distinct asset_key from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION' and partition = %s",
            (agency,),
        ).fetchall()
    return {key for (key,) in rows}


def test_the_assets_are_those_of_the_job_of_each_system() -> None:
    """So that no partition bar stays empty."""
    for system in ("ams360", *RECORDS):
        job = defs().resolve_job_def("sync" if system == "ams360" else f"{system}_sync")
        assert {spec.key for spec in synced_assets(system)} == set(job.asset_layer.selected_asset_keys)
