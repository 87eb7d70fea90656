"""The run launcher of several machines: dagster.yaml names it in place of the launcher of one machine."""

import time
from collections.abc import Mapping
from typing import Any, Self

import dagster as dg
from celery.exceptions import OperationalError
from dagster._core.errors import DagsterUserCodeUnreachableError  # the one error after which the queue tries again
from dagster._core.launcher import LaunchRunContext
from dagster._serdes import ConfigurableClassData
from dagster_celery.config import TASK_EXECUTE_JOB_NAME
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

from ams_etl.workers.application import CONFIGURATION, QUEUE

_SECONDS_TO_END = 30.0
"""How long `terminate` waits: a worker kills a process that does not stop by itself after ten seconds."""


class WorkerRunLauncher(CeleryRunLauncher):
    """Send runs to the workers over Redis, and end those that are terminated.

    Whether a run lives is known by its heartbeat in Postgres, as with every launcher here: the sensor `end_dead_runs` fails a
    run whose host is gone, and the daemon starts it again on another one. So this launcher has no health check of its own.
    Celery could only say that a task was started, which it goes on to say of a dead host's, or ask each worker over Redis,
    where an answer that is late looks like a death.

    `terminate` goes through Postgres as well. It marks the run as canceling; the worker that holds the run reads that within a
    second, interrupts the process, kills it if it does not stop, and then records the end (`supervision.py`). Celery's own way
    marks the task as revoked at once, forgets it, and so cannot kill what does not heed the first signal.
    """

    def __init__(self, broker: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(
            default_queue=QUEUE, broker=broker, backend=None, config_source=CONFIGURATION, inst_data=inst_data
        )

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Return its one setting."""
        return {"broker": dg.Field(dg.StringSource, description="The Redis that all hosts share.")}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Return the launcher that dagster.yaml describes."""
        return cls(inst_data=inst_data, **config_value)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """The heartbeat says it."""
        return False

    @property
    def supports_resume_run(self) -> bool:
        """A run that died is a new run, which continues where the data are."""
        return False

    def launch_run(self, context: LaunchRunContext) -> None:
        """Send a run to the workers; while Redis does not answer it stays in Dagster's queue."""
        run = context.dagster_run
        # The id alone: dagster-celery's own task carries the whole configuration of this instance, addresses of Postgres included.
        task = self.celery.signature(TASK_EXECUTE_JOB_NAME, kwargs={"run_id": run.run_id}, immutable=True)
        try:
            self._launch_celery_task_run(run=run, task_signature=task, routing_key=TASK_EXECUTE_JOB_NAME)
        except OperationalError:
            # dagster.yaml has `max_user_code_failure_retries`; any other error would fail the run.
            raise DagsterUserCodeUnreachableError("Redis does not answer; the run waits in the queue") from None

    def terminate(self, run_id: str) -> bool:
        """End a run, and return whether it has ended.

        False leaves it canceling: its worker ends it once it answers, or the heartbeat shows that the worker is gone. A run that
        no worker has taken yet can only be canceled by force, as on one machine; a worker that takes it later leaves it alone.
        """
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if run.remote_job_origin is None:
            # No worker has it; to record an end here would hide a process that goes on.
            self._instance.report_engine_event("A command runs it: stop that command.", run, cls=self.__class__)
            return False
        if run.status is not dg.DagsterRunStatus.CANCELING:
            self._instance.report_run_canceling(run)
        until = time.monotonic() + _SECONDS_TO_END
        while time.monotonic() < until:
            current = self._instance.get_run_by_id(run_id)
            if current is None or current.is_finished:
                return True
            time.sleep(0.3)
        self._instance.report_engine_event(
            "Its worker has not confirmed its end yet. It is canceled when the worker does, or when its heartbeat has been "
            "silent for 45 seconds.",
            run,
            cls=self.__class__,
        )
        return False

    def get_run_worker_debug_info(self, run: dg.DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """Return what leads to a run's log lines on the workers."""
        task = run.tags.get(DAGSTER_CELERY_TASK_ID_TAG)
        return f"Celery task {task}: no worker has begun it" if task else None
