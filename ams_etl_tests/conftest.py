"""Fixtures that every room may use."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["ams_etl_tests.postgres", "ams_etl_tests.sandbox_process"]

settings.register_profile(
    "suite", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("suite")
