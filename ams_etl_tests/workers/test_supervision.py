"""When a worker ends a run's process, how, and how fast; a clock that the test moves, and processes that are real."""

import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dagster import DagsterRunStatus

from ams_etl.errors import ConfigError
from ams_etl.settings import load_agencies
from ams_etl.store.signs_of_life.run_heartbeats import (
    DEAD_AFTER_SECONDS,
    EVERY_SECONDS,
    claim_run,
    forget_runs,
    seconds_silent,
    silent_runs,
)
from ams_etl.workers import supervision
from ams_etl.workers.application import CONFIGURATION, broker_url
from ams_etl.workers.places import shared_database_url, unset_secrets

DEAF = "import signal, sys, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
HEEDING = "import signal, time; signal.signal(15, signal.SIG_DFL); print('ready', flush=True); time.sleep(60)"
"""Whatever we inherited: after a run in this process Dagster treats SIGTERM as SIGINT, which a shell in the background ignores."""


@dataclass
class Readings:
    status: DagsterRunStatus = DagsterRunStatus.STARTED
    last_beat: float = 0.0
    run_id: str = "a run"

    @property
    def is_finished(self) -> bool:
        return self.status in {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED}


def watched(program: str, readings: Readings, stopping: threading.Event, a_look: float = 1.0) -> tuple[int, float]:
    """Watch a process whose worker's clock goes so far at each look; return its exit code and the time then."""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += a_look
        return now

    given: Any = readings
    return supervision._watch(process, given, stopping, clock), now


@pytest.mark.parametrize(
    ("status", "stopping"), [(DagsterRunStatus.CANCELING, False), (DagsterRunStatus.STARTED, True)], ids=str
)
def test_a_process_is_asked_first_and_killed_if_it_does_not_heed(status: DagsterRunStatus, stopping: bool) -> None:
    event = threading.Event()
    if stopping:
        event.set()
    code, took = watched(HEEDING, Readings(status, last_beat=100.0), event)
    assert (code, took <= 2) == (-15, True)
    code, took = watched(DEAF, Readings(status, last_beat=100.0), event, a_look=2)
    assert (code, took <= supervision.GRACE_SECONDS + 4) == (-9, True)


def test_a_process_without_a_heartbeat_is_dead_before_others_take_it_for_dead() -> None:
    """A host that is cut off from Postgres, or a process that is stuck: no other host begins while it works."""
    code, took = watched(DEAF, Readings(last_beat=0.0), threading.Event(), a_look=5)
    assert code == -9
    assert supervision._SILENT_SECONDS > 4 * EVERY_SECONDS, "a busy machine delays some beats"
    assert took < DEAD_AFTER_SECONDS


def test_a_process_whose_run_others_ended_is_killed() -> None:
    """Somebody forced the end in the UI, or a time-out did."""
    code, took = watched(HEEDING, Readings(DagsterRunStatus.FAILURE, last_beat=100.0), threading.Event())
    assert (code, took <= 8) == (-9, True)


def test_a_healthy_process_goes_on_to_its_end() -> None:
    code, _ = watched("print('ready', flush=True)", Readings(last_beat=100.0), threading.Event())
    assert code == 0


def test_a_run_is_claimed_once(connection: psycopg.Connection[Any]) -> None:
    """However often Redis delivers its task."""
    assert seconds_silent(connection, "a") is None
    assert [claim_run(connection, run) for run in ("a", "a", "b")] == [True, False, True]
    assert 0 <= (seconds_silent(connection, "a") or 0) < 20
    assert silent_runs(connection) == []
    connection.execute("update ops.run_heartbeats set beat_at = beat_at - interval '1 minute' where run_id = 'a'")
    assert silent_runs(connection) == ["a"]
    forget_runs(connection, ["a"])
    assert claim_run(connection, "a")


def test_what_is_missing_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AMS_ETL_DATABASE_URL", raising=False)
    monkeypatch.delenv("AMS_ETL_CELERY_BROKER", raising=False)
    with pytest.raises(ConfigError, match="AMS_ETL_DATABASE_URL is not set"):
        shared_database_url()
    with pytest.raises(ConfigError, match="AMS_ETL_CELERY_BROKER: expected redis://"):
        broker_url()
    monkeypatch.setenv("AMS_ETL_CELERY_BROKER", "amqp://elsewhere")
    with pytest.raises(ConfigError, match="expected redis://"):
        broker_url()


def test_secrets_that_a_host_lacks_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the systems that a run reads; the codes of the inbound service are needed where that is."""
    path = tmp_path / "agencies.yaml"
    path.write_text(
        """agencies:
  - id: acme
    name: Acme
    ams360: {wsdl: "https://x/?wsdl", agency_no: 5551234-1, login_id: etl, password_env: ACME_PASSWORD}
    benefitpoint: {wsdl: "https://x/?wsdl", login_wsdl: "https://x/?wsdl", username: etl, password_env: ACME_BP}
    notifications: {authentication_code_env: ACME_CODE, version: "2.0"}
  - {id: law, name: Law, hawksoft: {agency_id: 7, client_id: etl, client_secret_env: LAW_SECRET}}
"""
    )
    for name in ("ACME_PASSWORD", "ACME_CODE", "LAW_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ACME_BP", "set")
    agencies = load_agencies(path)
    assert unset_secrets(agencies) == [
        "runs of acme would fail on this host: set the environment variable ACME_PASSWORD",
        "runs of law would fail on this host: set the environment variable LAW_SECRET",
    ]
    monkeypatch.setenv("ACME_PASSWORD", "set")
    monkeypatch.setenv("LAW_SECRET", "set")
    assert unset_secrets(agencies) == []


def test_runs_wait_in_redis_and_not_at_a_host() -> None:
    """What the spike showed to double or to lose runs stays turned off."""
    assert CONFIGURATION["task_acks_late"] is False
    assert CONFIGURATION["worker_disable_prefetch"] is True
