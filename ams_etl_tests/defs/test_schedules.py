"""Regular work is asked for once in each agency's window, made up for once, and not at all where its schedule is off."""

import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import psycopg
import pytest

from ams_etl.defs.due.regular_work import WORK, agency_work, resyncs_past_their_window
from ams_etl.defs.due.requests import request
from ams_etl.defs.due.schedules import cron_of
from ams_etl.defs.due.sensors import stopped_schedules, to_ask
from ams_etl.defs.spread import RUNS_A_TICK
from ams_etl.settings import Agencies, load_agencies
from ams_etl.settings.schedule import ScheduleSettings

ZONE = ZoneInfo("America/New_York")
COUNT = 30
AGENCIES = {f"agency{number}" for number in range(COUNT)}
BESIDE = '{wsdl: "https://x/?wsdl", login_wsdl: "https://x/?wsdl", username: u, password_env: A_B}'


@pytest.fixture
def agencies(tmp_path: Path) -> Agencies:
    """Thirty agencies with AMS360 and BenefitPoint, and one with HawkSoft."""
    path = tmp_path / "agencies.yaml"
    path.write_text(
        "agencies:\n"
        + "".join(
            f"""  - {{id: agency{number}, name: A, benefitpoint: {BESIDE},
     ams360: {{wsdl: "https://x/?wsdl", agency_no: {5551000 + number}-1, login_id: etl, password_env: A_B}}}}
"""
            for number in range(COUNT)
        )
        + "  - {id: hawk, name: H, hawksoft: {agency_id: 7, client_id: us, client_secret_env: A_C}}\n"
    )
    return load_agencies(path)


@pytest.fixture
def instance(agencies: Agencies) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        made.add_dynamic_partitions("agency", [agency.id for agency in agencies.all])
        yield made


def tick(
    instance: dg.DagsterInstance,
    connection: psycopg.Connection[Any],
    agencies: Agencies,
    now: datetime,
    *schedules: str,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS,
) -> list[dg.RunRequest]:
    """Evaluate one tick, and record its runs as the daemon does; return those of these schedules."""
    rows = to_ask(instance, agency_work(connection, agencies, now), now, None)
    assert len(rows) <= RUNS_A_TICK
    for row in rows:
        asked = request(row, now)
        instance.add_run(
            dg.DagsterRun(
                job_name=str(asked.job_name),
                run_id=str(uuid.uuid4()),
                tags={**asked.tags, "dagster/run_key": str(asked.run_key)},
                status=status,
            )
        )
    return [request(row, now) for row in rows if row.work.schedule in schedules]


def done(connection: psycopg.Connection[Any], agency: str, mode: str, began: datetime, ended: datetime) -> None:
    connection.execute(
        """insert into ops.sync_runs (agency, sync_id, mode, state, started_at, extracted_at)
        values (%s, %s, %s, 'published', %s, %s)""",
        (agency, uuid.uuid4(), mode, began, ended),
    )


@pytest.mark.parametrize(
    ("schedule", "opens", "hours"),
    [
        ("daily_sweep", datetime(2026, 11, 23, 20, tzinfo=ZONE), 2),
        ("daily_benefitpoint_sync", datetime(2026, 11, 23, 4, tzinfo=ZONE), 4),
        ("weekly_full_resync", datetime(2026, 11, 1, 1, tzinfo=ZONE), 5),
        ("weekly_full_resync", datetime(2027, 3, 14, 1, tzinfo=ZONE), 5),
        ("daily_sweep", datetime(2026, 12, 31, 20, tzinfo=ZONE), 2),
    ],
    ids=[
        "sweep",
        "BenefitPoint",
        "weekly, the clocks go back within it",
        "weekly, the clocks go forward within it",
        "sweep, the last of the year",
    ],
)
def test_each_agency_is_asked_for_once_in_a_window(
    instance: dg.DagsterInstance,
    connection: psycopg.Connection[Any],
    agencies: Agencies,
    schedule: str,
    opens: datetime,
    hours: int,
) -> None:
    """And none before it opens. What was never done waits for the next window."""
    begin = opens.astimezone(UTC)
    assert tick(instance, connection, agencies, begin - timedelta(minutes=1), schedule) == []
    asked: Counter[str] = Counter()
    for number in range(hours * 12 + 16):
        found = tick(instance, connection, agencies, begin + timedelta(minutes=5 * number + 4), schedule)
        asked.update(str(request.partition_key) for request in found)
    assert asked == Counter(AGENCIES)


def test_changes_are_asked_for_every_half_hour(
    instance: dg.DagsterInstance, connection: psycopg.Connection[Any], agencies: Agencies
) -> None:
    begin = datetime(2026, 12, 31, 22, tzinfo=UTC)
    keys = [
        request.run_key
        for minute in range(0, 4 * 60, 3)
        for request in tick(instance, connection, agencies, begin + timedelta(minutes=minute), "hawksoft_changes")
    ]
    assert len(keys) == len(set(keys))
    assert len(keys) in {8, 9}


def test_what_was_done_meanwhile_is_not_asked_for(
    instance: dg.DagsterInstance, connection: psycopg.Connection[Any], agencies: Agencies
) -> None:
    """A person synced it by hand after it was due."""
    now = datetime(2026, 11, 22, 6, tzinfo=ZONE).astimezone(UTC) - timedelta(minutes=1)
    done(connection, "agency3", "full", now, now)
    first, second = (tick(instance, connection, agencies, now, "weekly_full_resync") for _ in range(2))
    assert {request.partition_key for request in (*first, *second)} == AGENCIES - {"agency3"}


def test_an_agency_whose_last_run_goes_on_waits(
    instance: dg.DagsterInstance, connection: psycopg.Connection[Any], agencies: Agencies
) -> None:
    """The sweep of yesterday still runs: today's is asked for once it has ended."""
    moment = datetime(2026, 11, 23, 21, 50, tzinfo=ZONE).astimezone(UTC)
    run = dg.DagsterRun(
        job_name="sync",
        run_id=str(uuid.uuid4()),
        tags={"ams_etl/agency": "agency7", "ams_etl/trigger": "daily_sweep", "ams_etl/lane": "daily"},
        status=dg.DagsterRunStatus.STARTED,
    )
    instance.add_run(run)
    asked = {
        request.partition_key
        for number in range(2)
        for request in tick(instance, connection, agencies, moment + timedelta(minutes=number), "daily_sweep")
    }
    assert asked == AGENCIES - {"agency7"}
    instance.report_run_canceled(run)
    (request,) = tick(instance, connection, agencies, moment + timedelta(minutes=9), "daily_sweep")
    assert request.partition_key == "agency7"


def test_a_daemon_that_was_down_over_the_window_makes_up_for_it_once(
    instance: dg.DagsterInstance, connection: psycopg.Connection[Any], agencies: Agencies
) -> None:
    """A few at a time, with the reason; an agency that was never synced waits for its first window."""
    earlier, back = datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 22, 20, tzinfo=UTC)
    for agency in AGENCIES - {"agency9"}:
        done(connection, agency, "full", earlier, earlier)
    for agency in AGENCIES:
        done(connection, agency, "sweep", back, back)
    found = [
        tick(instance, connection, agencies, back + timedelta(minutes=minute), "weekly_full_resync")
        for minute in range(6)
    ]
    assert max(map(len, found)) <= 10
    requests = [request for part in found for request in part]
    assert Counter(request.partition_key for request in requests) == Counter(AGENCIES - {"agency9"})
    assert all("not done in its window" in request.tags["ams_etl/reason"] for request in requests)


def test_a_schedule_that_is_turned_off_starts_nothing(
    instance: dg.DagsterInstance,
    connection: psycopg.Connection[Any],
    agencies: Agencies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = datetime(2026, 11, 23, 21, 50, tzinfo=ZONE).astimezone(UTC)
    assert stopped_schedules(instance, None) == set()
    _turn_off(instance, "daily_sweep")
    assert stopped_schedules(instance, None) == {"daily_sweep"}
    assert stopped_schedules(instance, "of_another_code_location") == set()
    assert tick(instance, connection, agencies, moment, "daily_sweep") == []


def _turn_off(instance: dg.DagsterInstance, name: str) -> None:
    """Store what the UI stores."""
    from dagster._core.remote_origin import (
        ManagedGrpcPythonEnvCodeLocationOrigin,
        RemoteInstigatorOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._core.scheduler.instigation import (
        InstigatorState,
        InstigatorStatus,
        InstigatorType,
        ScheduleInstigatorData,
    )
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name="ams_etl.definitions"))
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)
    instance.add_instigator_state(
        InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.STOPPED, ScheduleInstigatorData("0 20 * * *"))
    )


def test_a_resync_that_outlasts_its_window_is_listed(connection: psycopg.Connection[Any], agencies: Agencies) -> None:
    opens = datetime(2026, 11, 22, 1, tzinfo=ZONE).astimezone(UTC)
    closes, now = opens + timedelta(hours=5), opens + timedelta(hours=8)
    found = {row.agency: row for row in agency_work(connection, agencies, now) if row.work.kind == "weekly_resync"}
    for agency, hours in (("agency1", 4), ("agency2", 6)):
        done(connection, agency, "full", found[agency].due.at, opens + timedelta(hours=hours))
    done(connection, "agency3", "full", opens - timedelta(days=6), opens - timedelta(days=6))
    late = resyncs_past_their_window(connection, agency_work(connection, agencies, now), now)
    assert sorted(late) == [
        ("agency2", closes, opens + timedelta(hours=6)),
        ("agency3", closes, None),
    ]


def test_crons_open_the_windows_of_the_settings() -> None:
    """Monday is 0 in agencies.yaml and 1 in a cron."""
    settings = ScheduleSettings(weekday=0, from_hour=3, sweep_from_hour=19)
    assert {work.schedule: cron_of(work.window(settings)) for work in WORK} == {
        "weekly_full_resync": "0 3 * * 1",
        "daily_sweep": "0 19 * * *",
        "daily_benefitpoint_sync": "0 4 * * *",
        **{f"{system}_changes": "*/30 * * * *" for system in ("hawksoft", "qq_catalyst", "mycase")},
        **{f"{system}_weekly_full_resync": "0 3 * * 1" for system in ("hawksoft", "qq_catalyst", "mycase")},
    }
    assert cron_of(WORK[0].window(ScheduleSettings(weekday=6))) == "0 1 * * 0"
