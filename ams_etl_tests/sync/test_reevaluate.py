"""A new day comes to all agencies in one run, and one agency that cannot be published keeps none of the others."""

from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from ams_etl.defs.contacts.reevaluation import daily_reevaluation
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.errors import TransientError
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import Agency
from ams_etl.store.lease import Lease, leased
from ams_etl.sync.reevaluate import agencies_due, reevaluate
from ams_etl_tests.sync.source_history import AGENCY, Source, customer, policy, refresh

DAY, LATER = date(2026, 6, 1), date(2027, 1, 2)
AGENCIES = [AGENCY, "second", "third"]


def agency(name: str, **settings: Any) -> Agency:
    return Agency.model_validate(
        {
            "id": name,
            "name": name,
            "ams360": {"wsdl": "https://x/?wsdl", "agency_no": "5551234-1", "login_id": "etl", "password_env": "A_B"},
            "settings": settings,
        }
    )


@pytest.fixture
def three(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """Three agencies, each with a client whose policy ends with the year, published in June."""
    source = Source()
    source.put(customer(1, FirstName="Ann", LastName="Lee", Email="ann@example.com"))
    source.put(policy(1, 1))
    source.store(connection)
    for other in AGENCIES[1:]:
        for table in ("customers", "policies"):
            connection.execute(
                f"""insert into raw_ams360.{table} (agency, entity_id, customer_id, payload, content_hash, first_seen_at,
                    last_seen_at)
                select %s, entity_id, customer_id, payload, content_hash, first_seen_at, last_seen_at
                from raw_ams360.{table} where agency = %s""",
                (other, AGENCY),
            )
    for name in AGENCIES:
        refresh(connection, agency(name).settings, DAY, agency=name)
    return connection


def statuses(connection: psycopg.Connection[Any]) -> dict[str, str]:
    return dict(connection.execute("select agency, status from mart.contacts order by agency").fetchall())


def test_the_day_on_which_a_policy_ends_comes_to_every_agency(three: psycopg.Connection[Any], database: str) -> None:
    """The third is being published by somebody else: it is named, and is due again next time."""
    chosen = [agency(name) for name in AGENCIES]
    assert statuses(three) == dict.fromkeys(AGENCIES, "client")
    assert agencies_due(three, chosen, DAY) == []
    assert agencies_due(three, chosen, LATER) == chosen

    def hold(name: str) -> AbstractContextManager[Lease]:
        return leased(database, name, "publish", "midnight", wait_seconds=0.0)

    with leased(database, "third", "publish", "somebody else"):
        outcomes = {
            agency_row.agency: agency_row for agency_row in reevaluate(three, chosen, LATER, lease=hold, run_id="r")
        }
    assert [name for name, outcome in outcomes.items() if outcome.error] == ["third"]
    assert "somebody else" in str(outcomes["third"].error)
    assert statuses(three) == {AGENCY: "prospect", "second": "prospect", "third": "client"}
    assert [entry.id for entry in agencies_due(three, chosen, LATER)] == ["third"]
    (left,) = reevaluate(three, agencies_due(three, chosen, LATER), LATER, lease=hold, run_id="r")
    assert left.error is None
    assert statuses(three) == dict.fromkeys(AGENCIES, "prospect")


def test_changed_settings_make_an_agency_due_and_a_new_agency_is_not(three: psycopg.Connection[Any]) -> None:
    """What was never synced has nothing to derive."""
    assert RuleSettings().tags != ("city",)
    chosen = [agency(AGENCY, tags=["city"]), agency("second"), agency("never-synced")]
    assert [entry.id for entry in agencies_due(three, chosen, DAY)] == [AGENCY]


def test_an_error_while_another_is_published_is_reported(three: psycopg.Connection[Any]) -> None:
    """Whatever the lease raises, as long as it is one of ours."""

    def away(_: str) -> AbstractContextManager[Lease]:
        raise TransientError("Postgres does not answer")

    outcomes = list(reevaluate(three, [agency(AGENCY), agency("second")], LATER, lease=away, run_id="r"))
    assert [outcome.error for outcome in outcomes] == ["Postgres does not answer"] * 2


def test_the_run_reevaluates_all_agencies_and_names_those_it_could_not(
    three: psycopg.Connection[Any], database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second's brake lets nothing be deleted, and its customer is gone."""
    config = tmp_path / "agencies.yaml"
    config.write_text(
        "agencies:\n"
        + "".join(
            f"""  - {{id: {name}, name: A, brake: {{ignore_below: 0, max_deleted_share: 0}},
     ams360: {{wsdl: "https://x/?wsdl", agency_no: {5551230 + number}-1, login_id: etl, password_env: A_B}}}}
"""
            for number, name in enumerate(AGENCIES)
        )
    )
    monkeypatch.setenv("AMS_ETL_CONFIG", str(config))
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", database)
    three.execute("update raw_ams360.customers set deleted_at = now() where agency = 'second'")
    three.execute(
        "insert into stage.dirty_customers (agency, customer_id) select agency, entity_id from raw_ams360.customers"
    )
    result = dg.materialize(
        [daily_reevaluation], resources={"agencies": AgenciesFile(), "warehouse": Warehouse()}, raise_on_error=False
    )
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert check.metadata["agencies"].value == 1
    assert "second" in str(check.metadata["which"].value)
    left = three.execute("select agency, count(*) from stage.dirty_customers group by agency").fetchall()
    assert left == []
