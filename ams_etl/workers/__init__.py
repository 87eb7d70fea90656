"""Runs on several machines: Celery carries each run from Dagster's daemon over Redis to a host that has room for it."""
