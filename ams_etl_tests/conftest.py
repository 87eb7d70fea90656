"""Fixtures that every room may use."""

import os
from collections.abc import Iterator

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


@pytest.fixture(autouse=True)
def environment_as_before() -> Iterator[None]:
    """Take back what a command that ran in this process set, such as Dagster's database: later tests have their own."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)
