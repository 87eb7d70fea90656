"""The Dagster instance of AMS_ETL_HOME, and running a job in this process so that the UI shows it."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from shutil import copyfile
from typing import Any
from uuid import uuid4

from ams_etl.cli.stopping import stoppable
from ams_etl.errors import PermanentError
from ams_etl.settings import home
from ams_etl.settings.environment_file import load_environment_file
from ams_etl.settings.shipped import shipped
from ams_etl.store.database import connect, dagster_url, database_url
from ams_etl.store.migrations import sql_folder, upgrade

# The tag by which the UI finds a job's runs; execute_in_process leaves it out.
_REPOSITORY_TAG = {".dagster/repository": "__repository__@ams_etl"}
_made: dict[str, str] = {}
"""What `prepare` set in this process's environment, to tell it from what was set before."""


def prepare() -> str:
    """Make database, schema and Dagster home ready for this process and its children.

    Returns:
        The database URL in use.

    Raises:
        ConfigError: `embedded_postgres` is false, and AMS_ETL_DATABASE_URL is not set.
    """
    load_environment_file()
    where = home()
    url = database_url(where, create=True)
    with connect(url) as connection:
        upgrade(connection, sql_folder(), beside_newer=True)
    # One that somebody set is left alone: Dagster's tables may be elsewhere, or the data's address may be a pool's.
    if os.environ.get("AMS_ETL_DAGSTER_URL") in (None, "", _made.get("AMS_ETL_DAGSTER_URL")):
        os.environ["AMS_ETL_DAGSTER_URL"] = _made["AMS_ETL_DAGSTER_URL"] = dagster_url(url)
    own = where / "dagster"
    # A DAGSTER_HOME that somebody set is an instance of their own: its dagster.yaml is left alone.
    if os.environ.get("DAGSTER_HOME") in (None, "", str(own), _made.get("DAGSTER_HOME")):
        own.mkdir(parents=True, exist_ok=True)
        instance_file = own / "dagster.yaml"
        # A link, or a file that may not be written, is a deployment's: the installation's, or one that somebody wrote.
        if not instance_file.is_symlink() and (not instance_file.exists() or os.access(instance_file, os.W_OK)):
            copyfile(shipped(_shipped_instance_file()), instance_file)
        os.environ["DAGSTER_HOME"] = _made["DAGSTER_HOME"] = str(own)
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    return url


def _shipped_instance_file() -> str:
    """Return which dagster.yaml is used: the one of several machines where the Redis that they share is named."""
    return "deploy/celery/dagster.yaml" if os.environ.get("AMS_ETL_CELERY_BROKER") else "dagster.yaml"


@contextmanager
def dagster_instance() -> Iterator[Any]:
    """The instance that the UI and the daemon share."""
    from dagster import DagsterInstance

    with DagsterInstance.get() as instance:
        yield instance


def run_job(
    name: str,
    agency: str | None,
    config: Mapping[str, Any] | None,
    instance: Any,
    *,
    direction: str = "agency",
    steps: Mapping[str, Any] | None = None,
) -> str:
    """Run one of our jobs in this process, for one agency or for all.

    Args:
        name: the job.
        agency: the partition; added when new. None: the job has no partitions.
        config: the `sync_scope` resource's configuration; None for a job that has none.
        instance: where the run is recorded.
        steps: configuration of its steps, by name.
        direction: `agency` for what reads, `writeback` for what writes; a tag by which people find the runs.

    Returns:
        The run id.

    Raises:
        PermanentError: a step failed; the message is the first failure's own.
        RunStopped: Ctrl-C or SIGTERM came; the run is canceled.
    """
    from ams_etl.definitions import defs

    if agency is not None and not instance.has_dynamic_partition("agency", agency):
        instance.add_dynamic_partitions("agency", [agency])
    job = defs().resolve_job_def(name)
    for noisy in ("dagster", "dagster.builtin", "alembic"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    run_id = str(uuid4())
    with stoppable(instance, run_id, _how_to_go_on(name, agency, config or {})):
        result = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            partition_key=agency,
            run_config={
                **({"resources": {"sync_scope": {"config": dict(config)}}} if config is not None else {}),
                **({"ops": {step: {"config": given} for step, given in steps.items()}} if steps else {}),
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            tags=_REPOSITORY_TAG | ({} if agency is None else {f"ams_etl/{direction}": agency}),
            raise_on_error=False,
        )
    if not result.success:
        raise PermanentError(f"{_first_failure(result)} (run {result.run_id}; `ams-etl up` shows it)")
    return str(result.run_id)


def _how_to_go_on(name: str, agency: str | None, config: Mapping[str, Any]) -> str:
    if name == "writeback":
        return f"what was not sent waits in the outbox, and `ams-etl writeback {agency}` delivers it"
    if config.get("fresh"):
        return "what was read is kept, and the same command without --fresh goes on from there"
    return "nothing is half published, and the same command goes on from there"


def _first_failure(result: Any) -> str:
    for check in result.get_asset_check_evaluations():
        if not check.passed and check.blocking:
            reasons = [f"{name}: {value.value}" for name, value in check.metadata.items()]
            return f"the publish was stopped: {check.check_name}: {check.description or ''} {'; '.join(reasons)}"
    for event in result.all_events:
        data = event.event_specific_data
        if event.is_step_failure and data.error is not None:
            cause = data.error
            while cause.cause is not None:
                cause = cause.cause
            described = data.user_failure_data.description if data.user_failure_data else None
            return str(described or cause.message.strip().split(": ", 1)[-1])
    return "the run failed"
