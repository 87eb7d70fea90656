"""One query over all agencies finds for each of them what a query for it alone does."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import psycopg
import pytest

from ams_etl.defs.freshness.assets import freshness, freshness_checks
from ams_etl.defs.resources import AgenciesFile, Warehouse
from ams_etl.sync.notifications.all_agencies import freshness_by_agency
from ams_etl.sync.notifications.freshness import freshness_of
from ams_etl.sync.notifications.missed_changes import silence

AGENCIES = [f"agency{number}" for number in range(5)]


@pytest.fixture
def busy(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """Notifications of six weeks at random times, of each state, whole ones and parts; the last agency has none."""
    connection.execute("select setseed(0.5)")
    for number, agency in enumerate(AGENCIES[:-1]):
        connection.execute(
            """insert into ops.notifications
                (agency, received_at, settled_at, state, object_type, change, keys, part, part_of)
            select %s, at, at + random() * interval '90 seconds',
                (array['received', 'parked', 'pending', 'done', 'done', 'ignored'])[1 + floor(random() * 6)::int],
                'customer', 'update', '{}', p, nullif(p, 0)
            from (select now() - random() * interval '42 days' as at, (random() < 0.2)::int as p
                from generate_series(1, %s)) n""",
            (agency, 30 + 100 * number),
        )
        for days, trigger in ((1, "notification"), (2, "daily_sweep"), (3, "weekly_resync"), (20, "daily_sweep")):
            connection.execute(
                """insert into ops.trigger_changes
                    (agency, sync_id, object_type, trigger, at, changed, missed, silent, overtaken)
                values (%s, %s, 'customer', %s, now() - make_interval(days => %s), 40, %s, 0, 0)""",
                (agency, uuid4(), trigger, days, number if trigger != "notification" else 0),
            )
    return connection


def test_each_agency_gets_what_it_gets_alone(busy: psycopg.Connection[Any]) -> None:
    """The order is by what was missed, then by staleness."""
    found = freshness_by_agency(busy, AGENCIES)
    assert {agency_row.agency for agency_row in found} == set(AGENCIES)
    for agency_row in found:
        month, week = freshness_of(busy, agency_row.agency), freshness_of(busy, agency_row.agency, days=7)
        assert agency_row.p95_seconds == pytest.approx(month.p95_seconds)
        assert agency_row.missed == week.missed
        assert agency_row.missed_rate == pytest.approx(week.missed_rate)
        alone = silence(busy, agency_row.agency)
        assert (agency_row.silence.since, agency_row.silence.allowed) == (alone.since, alone.allowed)
    assert [agency_row.missed for agency_row in found] == sorted(
        (agency_row.missed for agency_row in found), reverse=True
    )
    assert [agency_row.agency for agency_row in freshness_by_agency(busy, AGENCIES[1:2])] == AGENCIES[1:2]


def test_the_checks_name_the_agencies_that_fail(
    busy: psycopg.Connection[Any], database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run for all of them."""
    config = tmp_path / "agencies.yaml"
    config.write_text(
        "agencies:\n"
        + "".join(
            f"""  - {{id: {agency}, name: A, notifications: {{authentication_code_env: A_B}},
     ams360: {{wsdl: "https://x/?wsdl", agency_no: {5551230 + number}-1, login_id: etl, password_env: X_Y}}}}
"""
            for number, agency in enumerate(AGENCIES)
        )
    )
    monkeypatch.setenv("AMS_ETL_CONFIG", str(config))
    monkeypatch.setenv("AMS_ETL_DATABASE_URL", database)
    busy.execute("update ops.notifications set state = 'ignored' where state = 'parked' and agency <> 'agency2'")
    synced = """insert into ops.sync_runs (agency, sync_id, mode, state, published_at)
        values (%s, %s, %s, 'published', now() - %s::interval)"""
    for agency, mode, age in (
        ("agency0", "full", "7 days"),
        ("agency1", "full", "9 days"),
        ("agency1", "customers", "1 hour"),
    ):
        busy.execute(synced, (agency, uuid4(), mode, age))
    result = dg.materialize(
        [freshness, freshness_checks], resources={"agencies": AgenciesFile(), "warehouse": Warehouse()}
    )
    found = {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}
    assert found["nothing_is_parked"].metadata["agencies"].value == 1
    assert "agency2" in str(found["nothing_is_parked"].metadata["which"].value)
    assert set(found) == {
        "agency_is_not_silent", "nothing_is_parked", "few_changes_are_missed", "every_agency_was_synced",
    }  # fmt: skip
    late = found["every_agency_was_synced"]
    assert late.metadata["agencies"].value == len(AGENCIES) - 1, "what a notification brought is no sync of the agency"
    assert "agency0" not in str(late.metadata["which"].value)
    assert "agency1" in str(late.metadata["which"].value)
