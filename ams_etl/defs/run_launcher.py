"""Dagster's default launcher, with an answer to whether a run's process still lives.

A code server that is killed together with its runs, as a host that restarts does, leaves runs that look started. Until
somebody notices, no other run of their agency begins; without this, that is `max_runtime_seconds`.
"""

from typing import TYPE_CHECKING

from dagster import DagsterRun, DefaultRunLauncher
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus

if TYPE_CHECKING:
    from dagster._grpc.client import DagsterGrpcClient

_PATIENCE_SECONDS = 20


class WatchfulRunLauncher(DefaultRunLauncher):
    """Asks the code server that started a run whether it still has it."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Have the daemon's monitoring ask."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """FAILED where the server says that it has no such run, or is not there any more.

        A server that is there and does not answer in time counts as running, and so does a run that none started
        (`ams-etl sync`).
        """
        # Here, since it loads gRPC, which a command that starts no run does not need.
        from dagster._core.errors import DagsterUserCodeUnreachableError
        from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
        from dagster._serdes import deserialize_value

        client: DagsterGrpcClient | None = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if client is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "no code server started it")
        try:
            answer = client.can_cancel_execution(
                CanCancelExecutionRequest(run_id=run.run_id), timeout=_PATIENCE_SECONDS
            )
        except DagsterUserCodeUnreachableError as error:
            if _is_gone(error):
                return CheckRunHealthResult(WorkerStatus.FAILED, "its code server is gone")
            return CheckRunHealthResult(WorkerStatus.RUNNING, "its code server is slow")
        if deserialize_value(answer, CanCancelExecutionResult).can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "its process is gone")


def _is_gone(error: BaseException) -> bool:
    """Whether nobody listens there: gRPC's UNAVAILABLE, unlike an answer that is late."""
    code = getattr(error.__cause__, "code", None)
    return callable(code) and code().name == "UNAVAILABLE"
