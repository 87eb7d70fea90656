"""Conditions that Dagster knows: failed runs, failed checks, dead daemons.

Read from the instance in one query for all agencies. Dagster's own run-status sensors take five runs a tick, and fall behind
for good after a burst.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import psycopg

from ams_etl.alerts.incidents import ANY_AGENCY, Condition, close_incidents, open_incidents
from ams_etl.store.agency_db import column, scalar

_RUNS_AT_ONCE = 1000
_CHECKS_AT_ONCE = 2000
_OVERLAP = timedelta(seconds=60)
_IDS_AGAIN = 200
"""Read again each time: what was committed late has an earlier time, or a lower id, than what was read already."""
_KNOWN_OTHERWISE = {"agency_is_not_silent", "no_write_is_uncertain"}
"""Checks whose matter has a condition of its own, which names the agency."""
_DETAILS_AT_ONCE = 20
"""Failed runs whose error is looked up; of a larger burst, only the first."""


def read_runs(connection: psycopg.Connection[Any], instance: dg.DagsterInstance) -> None:
    """Open an incident for each job and agency whose last finished run failed, and close it when one succeeds."""
    cursor = _position(connection, "runs")
    newest = datetime.fromisoformat(cursor) if cursor else datetime.now(UTC)
    last: dict[str, dg.DagsterRun] = {}
    for record in _finished_after(instance, newest - _OVERLAP):
        newest = max(newest, record.update_timestamp)
        run = record.dagster_run
        if run.tags.get("dagster/will_retry") != "true":
            last[f"run_failed:{run.job_name}:{_agency(run)}"] = run
    explained = _explained_by_checks(connection)
    failed = {key: run for key, run in last.items() if run.status == dg.DagsterRunStatus.FAILURE}
    for key in [key for key, run in failed.items() if run.run_id in explained]:
        del failed[key], last[key]
    open_incidents(
        connection,
        [
            _failed_run(instance, key, run, explain=at < _DETAILS_AT_ONCE)
            for at, (key, run) in enumerate(failed.items())
        ],
    )
    close_incidents(connection, set(last) - set(failed))
    _move(connection, "runs", newest.isoformat())


def read_checks(connection: psycopg.Connection[Any], instance: dg.DagsterInstance) -> None:
    """Open an incident for each check and agency that failed last, also one that leaves its run green; close it later."""
    cursor = _position(connection, "checks")
    if cursor is None:
        _move(connection, "checks", str(_newest_check(instance)))
        return
    records = instance.get_event_records(
        dg.EventRecordsFilter(
            event_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION, after_cursor=max(0, int(cursor) - _IDS_AGAIN)
        ),
        limit=_CHECKS_AT_ONCE, ascending=True,
    )  # fmt: skip
    conditions: dict[str, Condition | None] = {}
    for record in records:
        entry = record.event_log_entry
        evaluation: Any = entry.dagster_event.event_specific_data if entry.dagster_event else None
        if evaluation is None or evaluation.check_name in _KNOWN_OTHERWISE:
            continue
        agency = evaluation.partition or ANY_AGENCY
        key = f"check_failed:{evaluation.asset_key.to_user_string()}:{evaluation.check_name}:{agency}"
        conditions[key] = None if evaluation.passed else _failed_check(key, agency, evaluation, entry.run_id)
    open_incidents(connection, [condition for condition in conditions.values() if condition is not None])
    close_incidents(connection, [key for key, condition in conditions.items() if condition is None])
    if records:
        _move(connection, "checks", str(max(int(cursor), records[-1].storage_id)))


def dead_daemons(instance: dg.DagsterInstance, dead_after_seconds: float) -> list[Condition]:
    """Return a condition for Dagster's daemon where one of its parts has had no heartbeat for so long.

    A daemon that was never started does not count.
    """
    now = datetime.now(UTC).timestamp()
    ages = {
        kind: now - heartbeat.timestamp
        for kind, heartbeat in instance.get_daemon_heartbeats().items()
        if kind in instance.get_required_daemon_types()
    }
    dead = sorted(kind.lower() for kind, age in ages.items() if age > dead_after_seconds)
    if not dead:
        return []
    return [
        Condition(
            key="process_dead:dagster-daemon",
            agency=ANY_AGENCY,
            kind="process_dead",
            severity="error",
            title="Dagster's daemon does not work",
            detail=f"No heartbeat of {', '.join(dead)} for {min(ages[kind.upper()] for kind in dead):.0f} seconds or longer.",
            what_to_do="start it again (ams-etl up, or your service manager); schedules, sensors and queued runs wait for it",
        )
    ]


def _failed_run(instance: dg.DagsterInstance, key: str, run: dg.DagsterRun, *, explain: bool) -> Condition:
    agency = _agency(run)
    step = _failed_step(instance, run.run_id) if explain else ""
    return Condition(
        key=key,
        agency=agency,
        kind="run_failed",
        severity="error",
        title=f"{run.job_name} failed" + (f" for {agency}" if agency else ""),
        detail=f"Run {run.run_id}. {step}".strip(),
        what_to_do=f"open run {run.run_id} in the Dagster UI; docs/operating.md says what each error means",
        run_id=run.run_id,
    )


def _failed_step(instance: dg.DagsterInstance, run_id: str) -> str:
    """Return the first failed step with our own error's sentence, or a foreign error's class: its text may hold data."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        data: Any = entry.dagster_event.event_specific_data if entry.dagster_event else None
        described = data.user_failure_data.description if data and data.user_failure_data else None
        error = data.error.cause or data.error if data and data.error else None
        said = described or (f"an error of class {error.cls_name}" if error else "no error was recorded")
        return f"Step {entry.step_key}: {said}"
    return "No step failed: its process was killed or could not start."


def _failed_check(key: str, agency: str, evaluation: Any, run_id: str) -> Condition:
    stopped = bool(evaluation.blocking) and evaluation.severity == dg.AssetCheckSeverity.ERROR
    said = evaluation.metadata.get("what_to_do")
    hint = str(said.value) if said is not None else "open the check in the Dagster UI: it says what it found"
    of_agency = f" for {agency}" if agency else ""
    return Condition(
        key=key,
        agency=agency,
        kind="publish_stopped" if stopped else "check_failed",
        severity="error" if evaluation.severity == dg.AssetCheckSeverity.ERROR else "warning",
        title=f"check {evaluation.check_name} {'stopped the publish' if stopped else 'failed'}{of_agency}",
        detail=evaluation.description or f"On {evaluation.asset_key.to_user_string()}, run {run_id}.",
        what_to_do=hint,
        run_id=run_id,
    )


def _finished_after(instance: dg.DagsterInstance, after: datetime) -> Iterator[dg.RunRecord]:
    """Yield the runs that succeeded or failed since then, in the order in which they did."""
    finished = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS]
    while True:
        records = instance.get_run_records(
            dg.RunsFilter(statuses=finished, updated_after=after),
            limit=_RUNS_AT_ONCE, order_by="update_timestamp", ascending=True,
        )  # fmt: skip
        yield from sorted(records, key=lambda record: (record.update_timestamp, record.storage_id))
        if len(records) < _RUNS_AT_ONCE:
            return
        after = records[-1].update_timestamp


def _explained_by_checks(connection: psycopg.Connection[Any]) -> set[str]:
    """Return the runs that failed because a blocking check did: that check's incident says it better."""
    return set(
        column(connection, "select run_id from ops.incidents where closed_at is null and kind = 'publish_stopped'")
    )


def _newest_check(instance: dg.DagsterInstance) -> int:
    newest = instance.get_event_records(
        dg.EventRecordsFilter(event_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION), limit=1, ascending=False
    )
    return newest[0].storage_id if newest else 0


def _agency(run: dg.DagsterRun) -> str:
    return run.tags.get("dagster/partition") or run.tags.get("ams_etl/agency") or ANY_AGENCY


def _position(connection: psycopg.Connection[Any], source: str) -> str | None:
    position: str | None = scalar(
        connection, "select position from ops.alert_cursors where agency = '' and source = %s", (source,)
    )
    return position


def _move(connection: psycopg.Connection[Any], source: str, position: str) -> None:
    connection.execute(
        """insert into ops.alert_cursors (source, position) values (%s, %s)
        on conflict (agency, source) do update set position = excluded.position""",
        (source, position),
    )
