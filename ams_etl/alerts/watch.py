"""The watcher: reads what is wrong, keeps the incidents, sends the alerts."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg

from ams_etl.alerts.announce import announce
from ams_etl.alerts.conditions import dead_followers, silent_agencies, uncertain_writes
from ams_etl.alerts.dagster_events import dead_daemons, read_checks, read_runs
from ams_etl.alerts.incidents import close_all_but, open_incidents
from ams_etl.alerts.logins import keep_checking, stopped_logins
from ams_etl.errors import AmsEtlError
from ams_etl.settings import Agencies
from ams_etl.settings.alerts import LOGIN_STOPPED
from ams_etl.store.database import connect

_log = logging.getLogger(__name__)
EVERY_SECONDS = 10.0
_SILENCE_EVERY_SECONDS = 600.0
"""Reading four weeks of notifications of all agencies takes seconds."""
_KEPT_DAYS = 90
_LOCK = 7_203_611
"""Advisory lock: of several watchers on one database, one works."""


def watch(url: str, instance: dg.DagsterInstance, agencies: Callable[[], Agencies], alive: Path | None = None) -> None:
    """Watch until the process is stopped; Postgres may go away and come back.

    Args:
        url: the Postgres.
        instance: Dagster's instance.
        agencies: reads agencies.yaml, so that an edit counts from the next look on.
        alive: a file that is touched after each look, for whoever asks whether this process still works.
    """
    silence_due = 0.0
    # A thread of its own: a system that answers late holds up no alert.
    threading.Thread(target=keep_checking, args=(url, agencies), name="login checks", daemon=True).start()
    while True:
        try:
            with connect(url, application_name="ams_etl alerts") as connection:
                connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
                while True:
                    with_silence = time.monotonic() >= silence_due
                    if with_silence:
                        silence_due = time.monotonic() + _SILENCE_EVERY_SECONDS
                    look(connection, instance, agencies(), with_silence=with_silence)
                    if alive is not None:
                        alive.touch()
                    time.sleep(EVERY_SECONDS)
        except (AmsEtlError, psycopg.Error, dg.DagsterError) as error:
            _log.warning("alerts are late: %s", type(error).__name__)
            time.sleep(EVERY_SECONDS)


def look(
    connection: psycopg.Connection[Any], instance: dg.DagsterInstance, agencies: Agencies, *, with_silence: bool = True
) -> int:
    """Bring the incidents up to date once, send what is due, and return how many messages were taken."""
    settings = agencies.alerts
    # Checks first: a run that failed by a blocking check is the check's incident.
    read_checks(connection, instance)
    read_runs(connection, instance)
    found = {
        LOGIN_STOPPED: stopped_logins(connection, agencies.all),
        "uncertain_writes": uncertain_writes(connection),
        "process_dead": [
            *dead_daemons(instance, settings.dead_after_seconds),
            *dead_followers(connection, settings.dead_after_seconds),
        ],
    }
    if with_silence:
        notified = [agency.id for agency in agencies.all if agency.notifications]
        found["agency_silent"] = silent_agencies(connection, notified)
    for kind, conditions in found.items():
        open_incidents(connection, conditions)
        close_all_but(connection, kind, [condition.key for condition in conditions])
    connection.execute("delete from ops.incidents where closed_at < now() - make_interval(days => %s)", (_KEPT_DAYS,))
    return announce(connection, settings, agencies.alert_channels, agencies.alert_secret)
