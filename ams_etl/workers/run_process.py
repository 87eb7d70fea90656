"""`python -m ams_etl.workers.run_process RUN WORKER`: the process of one run, which a worker starts and watches."""

import ctypes
import os
import signal
import sys

from ams_etl.store.signs_of_life.run_heartbeats import keep_beating
from ams_etl.workers.places import shared_database_url


def end_with(worker: int) -> None:
    """Let the kernel kill this process when the worker that watches it dies: nobody could terminate it any more."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != worker:
        sys.exit("the worker is gone")


def main(run_id: str, worker: int) -> int:
    """Execute a run; 0 when it succeeded."""
    end_with(worker)
    # From the first moment on: importing the assets takes a busy machine longer than a silence that counts as death.
    keep_beating(shared_database_url(), run_id)
    from dagster import DagsterInstance
    from dagster._cli.api import _execute_run_command_body
    from dagster._utils.interrupts import capture_interrupts

    # What `dagster api execute_run` does, which dagster-celery's task does, too.
    with capture_interrupts(), DagsterInstance.get() as instance:
        return _execute_run_command_body(
            run_id, instance, write_stream_fn=lambda _event: None, set_exit_code_on_failure=True
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
