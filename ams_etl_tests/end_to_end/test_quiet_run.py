"""How much a run that finds nothing new leaves in Dagster's tables."""

from pathlib import Path
from typing import Any

import psycopg

from ams_etl_tests.end_to_end.command_line import command_line
from ams_etl_tests.sandbox_process import running_sandbox

MOST_EVENTS = 165
"""Of such a run. Each is 1 to 2 kB, and an agency has two such runs a day: a step for each check made it 180."""


def test_a_run_that_finds_nothing_new_leaves_few_events(
    tmp_path: Path, database: str, connection: psycopg.Connection[Any]
) -> None:
    with running_sandbox(size=40, more=("--benefitpoint",)) as sandbox:
        line = command_line(tmp_path, database, sandbox)
        line.run("sync", "demo")
        line.run("sync", "demo", "--changed")
    ((kinds,),) = connection.execute(
        """select jsonb_object_agg(kind, events) from (
            select coalesce(dagster_event_type, 'log') as kind, count(*) as events from event_logs
            where run_id = (select run_id from runs order by id desc limit 1) group by 1) counted"""
    ).fetchall()
    assert kinds["ASSET_CHECK_EVALUATION"] >= 18
    assert kinds["STEP_START"] < kinds["ASSET_CHECK_EVALUATION"]
    assert sum(kinds.values()) <= MOST_EVENTS, kinds
