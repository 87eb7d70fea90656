"""Every check that fails says what to do next; an alert repeats it."""

import warnings
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import yaml
from psycopg.types.json import Jsonb

from ams_etl.definitions import defs
from ams_etl.defs.expectations.suites import shipped_suites
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import BrakeSettings
from ams_etl.sync.contacts.plan import make_plan
from ams_etl_tests.sandbox_process import AGENCY_NO
from ams_etl_tests.sync.source_history import AGENCY, Source, customer, refresh, store_reference

TODAY = date(2026, 6, 1)
FAILING = {
    "agency_is_not_silent", "codes_are_still_whose_they_were", "every_agency_was_synced", "every_email_is_valid",
    "every_planned_contact_meets_the_requirements", "few_records_are_skipped", "few_writes_fail", "most_employees_are_mapped",
    "no_email_is_everybodys", "no_plan_waits_for_a_code", "no_write_is_uncertain", "no_write_waits_too_long",
    "nobody_who_left_holds_contacts", "nothing_is_parked", "the_brake_lets_it_through", "the_volume_is_as_usual",
    "this_installations_own_expectations_hold",
}  # fmt: skip
"""Checks that the agency below fails; suites of Great Expectations fail in one way, whichever it is."""


@pytest.fixture
def home(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one agency, and a suite of its own that is no suite."""
    ams360 = {
        "wsdl": "http://127.0.0.1:1/x?wsdl",
        "agency_no": AGENCY_NO,
        "login_id": "etl",
        "password_env": "TEST_NONE",
    }
    notifications = {"authentication_code_env": "TEST_NONE", "version": "2.0"}
    agency = {"id": AGENCY, "name": "Acme", "ams360": ams360, "notifications": notifications,
              "checks": {"max_unmapped_share": 0.1}}  # fmt: skip
    (tmp_path / "agencies.yaml").write_text(yaml.safe_dump({"agencies": [agency]}))
    (tmp_path / "expectations").mkdir()
    (tmp_path / "expectations" / "wrong.yaml").write_text("name: [")
    monkeypatch.setenv("AMS_ETL_HOME", str(tmp_path))
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", database)
    return tmp_path


@pytest.mark.usefixtures("home")
def test_every_failing_check_says_what_to_do(connection: psycopg.Connection[Any]) -> None:
    """By the checks of the code location itself, run in an agency where nearly everything is wrong."""
    troubled(connection)
    failed = {evaluation.check_name: evaluation for evaluation in evaluated() if not evaluation.passed}
    assert failed.keys() >= FAILING, FAILING - failed.keys()
    without = {name for name, evaluation in failed.items() if "what_to_do" not in evaluation.metadata}
    assert without == set()


def troubled(connection: psycopg.Connection[Any]) -> None:
    """Publish an agency, and leave it in a state that no check likes."""
    store_reference(connection)
    source = Source()
    for number in range(1, 9):
        source.put(customer(number, FirstName=f"F{number}", LastName=f"L{number}", Email="office@example.com"))
    for number in range(20, 50):
        source.put(customer(number, FirstName=f"F{number}", LastName=f"L{number}", IsActive=False))
    source.store(connection)
    refresh(connection, RuleSettings(), TODAY)
    for query in (
        """insert into ops.user_mappings (agency, connection_type, employee_code, user_id, employee_name)
        values ('acme', 'Representative', 'R<1', 'u-rob', 'Roberta Other')""",
        "update raw_ams360.employees set payload = payload || '{\"EmployeeStatus\": \"I\"}' where entity_id = 'R<1'",
        "update mart.contact_emails set email = 'no address'",
        """insert into ops.sync_runs (agency, sync_id, mode, state, started_at, published_at, counts) values ('acme',
            gen_random_uuid(), 'full', 'published', now() - interval '20 days', now() - interval '20 days', '{"inserted": 4}')""",
        """insert into ops.notifications (agency, received_at, state, keys)
        select 'acme', now() - make_interval(days => 1, hours => n), 'parked', '{}' from generate_series(1, 100) n""",
        """insert into ops.writebacks (agency, kind, operation, lane, customer_id, request, status, created_at, settled_at)
        select 'acme', 'note', 'note', s, 'c', '{}', s, now() - interval '9 hours', case when s <> 'pending' then now() end
        from unnest(array['pending', 'failed', 'uncertain']) s""",
        """insert into ops.waiting_plans (agency, benefitpoint_plan_id, waits_for, account_id, reason)
        values ('acme', 1, 'carrier', gen_random_uuid(), 'the carrier has no code')""",
    ):
        connection.execute(query)
    make_plan(connection, AGENCY, RuleSettings(), BrakeSettings(), TODAY)
    connection.execute("update stage.plans set stopped_by = 'this would delete 8 of 8 contacts'")
    connection.execute(
        "insert into stage.planned_contacts (agency, contact_id, op, document) values ('acme', gen_random_uuid(), 'insert', %s)",
        (Jsonb({"first_name": None, "last_name": None, "email": None, "nickname": None, "sources": []}),),
    )


def evaluated() -> list[Any]:
    """Run every check of the code location for the agency, and return what each says."""
    with warnings.catch_warnings(), dg.DagsterInstance.ephemeral() as instance:
        # Partitions of checks are in preview in Dagster 1.13.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        instance.add_dynamic_partitions("agency", [AGENCY])
        whole = defs()
        # These come with their assets, which do more than this test wants.
        with_assets = dg.AssetSelection.checks_for_assets("ops/due_work", "ops/daily_reevaluation", "ops/first_syncs")
        of_all = dg.AssetSelection.checks_for_assets("ops/freshness", "ops/database_size")
        # Of the shipped suites one is enough: they say what they find in one place.
        suites = [
            key for check in whole.asset_checks or () for key in _keys_of(check)
            if key.name in shipped_suites() and key.name != "every_email_is_valid"
        ]  # fmt: skip
        of_one = dg.AssetSelection.all_asset_checks() - with_assets - of_all - dg.AssetSelection.checks(*suites)
        jobs = {"of_all_agencies": of_all, "of_one": of_one}
        location = dg.Definitions(
            assets=whole.assets, asset_checks=whole.asset_checks, resources=whole.resources,
            jobs=[dg.define_asset_job(name, selection=selection) for name, selection in jobs.items()],
        )  # fmt: skip
        return [
            evaluation
            for name, partition in (("of_all_agencies", None), ("of_one", AGENCY))
            for evaluation in location.resolve_job_def(name)
            .execute_in_process(
                instance=instance, tags={"dagster/partition": partition} if partition else {}, raise_on_error=False
            )
            .get_asset_check_evaluations()
        ]


def _keys_of(check: Any) -> Iterable[dg.AssetCheckKey]:
    return [spec.key for spec in check.check_specs]
