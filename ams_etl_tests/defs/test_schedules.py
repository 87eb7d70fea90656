"""With more agencies than a tick asks for, each is asked for once per window, and none twice while it runs."""

import uuid
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from ams_etl.defs.resources import AgenciesFile
from ams_etl.defs.schedules import daily_sweep, weekly_full_resync
from ams_etl.defs.spread import RUNS_A_TICK

ZONE = ZoneInfo("America/New_York")
COUNT = 30
AGENCIES = {f"agency{number}" for number in range(COUNT)}


@pytest.fixture
def agencies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AgenciesFile:
    """Thirty agencies with AMS360 and BenefitPoint."""
    path = tmp_path / "agencies.yaml"
    beside = '{wsdl: "https://x/?wsdl", login_wsdl: "https://x/?wsdl", username: u, password_env: A_B}'
    path.write_text(
        "agencies:\n"
        + "".join(
            f"""  - {{id: agency{number}, name: A, benefitpoint: {beside},
     ams360: {{wsdl: "https://x/?wsdl", agency_no: {5551000 + number}-1, login_id: etl, password_env: A_B}}}}
"""
            for number in range(COUNT)
        )
    )
    monkeypatch.setenv("AMS_ETL_CONFIG", str(path))
    return AgenciesFile()


def ask(instance: dg.DagsterInstance, schedule: Any, agencies: AgenciesFile, moment: datetime) -> list[dg.RunRequest]:
    """Evaluate one tick, and record its runs as the daemon does."""
    context = dg.build_schedule_context(instance=instance, scheduled_execution_time=moment)
    found = schedule(context, agencies=agencies)
    requests = found if isinstance(found, list) else []
    for request in requests:
        instance.add_run(
            dg.DagsterRun(
                job_name="sync",
                run_id=str(uuid.uuid4()),
                tags={**request.tags, "dagster/run_key": str(request.run_key)},
                status=dg.DagsterRunStatus.SUCCESS,
            )
        )
    return requests


@pytest.mark.parametrize(
    ("schedule", "opens", "hours"),
    [
        (daily_sweep, datetime(2026, 11, 23, 20, tzinfo=ZONE), 2),
        (weekly_full_resync, datetime(2026, 11, 1, 1, tzinfo=ZONE), 5),
    ],
    ids=["sweep", "weekly, the clocks change within it"],
)
def test_each_agency_is_asked_for_once_in_a_window(
    agencies: AgenciesFile, schedule: Any, opens: datetime, hours: int
) -> None:
    """And none before it opens."""
    with dg.instance_for_test() as instance:
        assert ask(instance, schedule, agencies, opens - timedelta(minutes=5)) == []
        asked: Counter[str] = Counter()
        for tick in range(hours * 2):
            requests = ask(instance, schedule, agencies, opens + timedelta(minutes=30 * tick + 25))
            assert len(requests) <= RUNS_A_TICK
            asked.update(str(request.partition_key) for request in requests)
        assert asked == Counter(AGENCIES)


def test_an_agency_whose_last_run_goes_on_waits(agencies: AgenciesFile) -> None:
    """The sweep of yesterday still runs: today's is asked for once it has ended."""
    moment = datetime(2026, 11, 23, 21, 50, tzinfo=ZONE)
    with dg.instance_for_test() as instance:
        run = dg.DagsterRun(
            job_name="sync",
            run_id=str(uuid.uuid4()),
            tags={"ams_etl/agency": "agency7", "ams_etl/trigger": "daily_sweep", "ams_etl/lane": "daily"},
            status=dg.DagsterRunStatus.STARTED,
        )
        instance.add_run(run)
        ticks = [moment + timedelta(minutes=5 * tick) for tick in range(2)]
        asked = {request.partition_key for at in ticks for request in ask(instance, daily_sweep, agencies, at)}
        assert asked == AGENCIES - {"agency7"}
        instance.report_run_canceled(run)
        (request,) = ask(instance, daily_sweep, agencies, moment + timedelta(minutes=9))
        assert request.partition_key == "agency7"
