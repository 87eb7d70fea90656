"""Fixtures that every room may use."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["ams_etl_tests.postgres", "ams_etl_tests.sandbox_process"]

# The same examples every time, so that a change is judged by what it changed; HISTORIES asks for new ones.
settings.register_profile(
    "suite",
    derandomize="HISTORIES" not in os.environ,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("suite")


SLOWEST = (
    "workers/test_runs_on_workers",
    "end_to_end/test_sync", "end_to_end/test_wheel", "sync/other_systems/test_other_systems", "alerts/test_alerts",
    "sync/other_systems/test_other_systems_failing", "follow/test_follow",
    "end_to_end/test_benefitpoint_scenarios", "sync/test_notification_storm", "end_to_end/test_foreign_instance",
    "writeback/test_deliver", "rules/test_properties", "end_to_end/test_retention_of_runs", "pages/test_accessibility",
    "pages/test_main_acts", "sync/test_incremental_equals_full", "writeback/test_customer_merges", "defs/test_schedules",
    "end_to_end/test_benefitpoint_events", "sandbox/test_customers", "writeback/test_lanes", "store/test_no_embedded",
    "end_to_end/test_stopping", "store/test_backup", "deploy/test_plain_role", "deploy/test_tls",
)  # fmt: skip
"""Files of half a minute and more: begun first, so that no process is left alone with one of them in the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slowest files first, each file's tests in their order."""
    here = Path(__file__).parent
    rank = {here / f"{name}.py": place for place, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.fixture(autouse=True)
def environment_as_before() -> Iterator[None]:
    """Take back what a command that ran in this process set, such as Dagster's database: later tests have their own."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)
