"""What `up` shows of its processes' lines, as they were recorded."""

import pytest

from ams_etl.cli.process_log import Fact, ProcessLog

RUN = "6b707823-7f1f-4c5e-8552-a38483dcc257"
FAILED = f"""\
2026-11-26 17:44:52 +0000 - dagster - ERROR - hawksoft_sync - {RUN} - 5308 - hawksoft_records - STEP_FAILURE - \
Execution of step "hawksoft_records" failed.

dagster._core.errors.DagsterExecutionStepExecutionError: Error occurred while executing op "hawksoft_records"::

ams_etl.errors.ConfigError: agencies.yaml: no agency 'hawksoft'; the file has: demo

Stack Trace:
  File "/x/dagster/_core/execution/plan/utils.py", line 57, in op_execution_error_boundary
    yield

2026-11-26 17:44:53 +0000 - dagster - ERROR - hawksoft_sync - {RUN} - publish_contacts - Dependencies for step \
publish_contacts were not executed: ['stage__contact_plan']. Not executing.
2026-11-26 17:44:56 +0000 - dagster - ERROR - hawksoft_sync - {RUN} - 5308 - RUN_FAILURE - Execution of run for \
"hawksoft_sync" failed. Steps failed: ['hawksoft_records'].

dagster._core.errors.DagsterExecutionStepExecutionError: Error occurred while executing op "hawksoft_records":

Stack Trace:
  File "/x/dagster/_core/execution/api.py", line 813, in job_execution_iterator
    for event in job_context.executor.execute(job_context, execution_plan):

The above exception was caused by the following exception:
ams_etl.errors.ConfigError: agencies.yaml: no agency 'hawksoft'; the file has: demo
"""


def facts(text: str) -> list[Fact]:
    log = ProcessLog()
    found = [fact for line in text.splitlines() for fact in log.read(f"{line}\n")]
    return [*found, *log.end()]


def for_people(text: str) -> list[tuple[str, str]]:
    return [(fact.level, fact.text) for fact in facts(text) if fact.is_for_people]


def test_a_failed_run_is_two_lines_with_the_reason_and_the_tracebacks_are_for_machines() -> None:
    reason = "agencies.yaml: no agency 'hawksoft'; the file has: demo"
    assert for_people(FAILED) == [
        ("error", f'run 6b707823 (hawksoft_sync): Execution of step "hawksoft_records" failed: {reason}'),
        ("error", f"run 6b707823 (hawksoft_sync) failed: {reason}"),
    ]
    assert "op_execution_error_boundary" in facts(FAILED)[0].detail


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "\x1b[32m2026-11-26 17:43:40 +0000\x1b[0m - dagster.code_server - \x1b[34mWARNING\x1b[0m - No heartbeat "
            "received in 20 seconds, shutting down",
            [],
        ),
        ("\x1b[32m2026-11-26 17:43:34 +0000\x1b[0m - dagster.code_server - \x1b[34mINFO\x1b[0m - Started Dagster code "
         "server for module ams_etl.definitions in process 32678", []),
        ('{"url": "http://127.0.0.1:8461", "port": 8461}', []),
        ('{"level": "info", "text": "demo: notifications, 2 customers"}', [("info", "demo: notifications, 2 customers")]),
        ('{"level": "warning", "text": "acme does not take part"}', [("warning", "acme does not take part")]),
        (f"2026-11-26 17:44:52 +0000 - dagster - INFO - sync - {RUN} - ams360_customer_records - customers read: 5 of 9",
         [("info", "run 6b707823 (sync): customers read: 5 of 9")]),
        (f"2026-11-26 17:44:52 +0000 - dagster - DEBUG - sync - {RUN} - 5308 - step - STEP_SUCCESS - Finished.", []),
        (f"2026-11-26 17:44:52 +0000 - dagster - DEBUG - sync - {RUN} - 5308 - RUN_SUCCESS - Finished execution.",
         [("info", "run 6b707823 (sync) succeeded")]),
        ("\x1b[32m2026-11-26 17:43:34 +0000\x1b[0m - dagster.daemon.SensorDaemon - \x1b[34mINFO\x1b[0m - Checking for new "
         "runs", [("info", "Checking for new runs")]),
        ("WARNING:  Invalid HTTP request received.", [("warning", "Invalid HTTP request received.")]),
        ("something that nobody foresaw", [("info", "something that nobody foresaw")]),
        ("", []),
    ],
)  # fmt: skip
def test_one_line_a_fact(line: str, shown: list[tuple[str, str]]) -> None:
    assert for_people(line) == shown


def test_a_bare_traceback_is_its_last_error() -> None:
    printed = (
        'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n    import y\nImportError: no y\nnext'
    )
    assert for_people(printed)[0] == ("error", "ImportError: no y")
