"""Ctrl-C and SIGTERM while a command runs a job: the run ends CANCELED, and a person reads how to go on."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_STOPS = (signal.SIGINT, signal.SIGTERM)
_GOING_ON = ("NOT_STARTED", "STARTING", "STARTED")


class RunStopped(Exception):
    """A person, or the machine, stopped the command: the sentence for the person, and the exit code."""

    def __init__(self, number: int, sentence: str) -> None:
        super().__init__(sentence)
        self.exit_code = 128 + number
        """The one that shells give for the signal."""


class StopSignals:
    """Knows which stopping signal came first, whoever handled it.

    Dagster replaces the signals' handlers around our code and raises the same error for both, so the number is taken from
    Python's wakeup descriptor, to which the interpreter itself writes every signal.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        self._before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)

    @property
    def number(self) -> int | None:
        """The signal that came first; None where none came."""
        try:
            came = os.read(self._reader, 4096)
        except BlockingIOError:
            came = b""
        self._number = self._number or next((number for number in came if number in _STOPS), None)
        return self._number

    def close(self) -> None:
        """Give the descriptor back."""
        signal.set_wakeup_fd(self._before)
        os.close(self._reader)
        os.close(self._writer)


@contextmanager
def stoppable(instance: Any, run_id: str, how_to_go_on: str) -> Iterator[None]:
    """Execute a run in this block so that SIGINT and SIGTERM end it CANCELED; Dagster alone would let it end as FAILURE.

    The signal is raised inside our code only, as in a run that the UI started: what Dagster writes is written whole.

    Args:
        instance: Dagster's.
        run_id: the run, which the block creates.
        how_to_go_on: ends the sentence that the person reads.

    Raises:
        RunStopped: a signal came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Signals reach the main thread alone.
        return
    from dagster._core.errors import DagsterExecutionInterruptedError
    from dagster._utils.interrupts import capture_interrupts

    handlers = {number: signal.getsignal(number) for number in _STOPS}
    signals = StopSignals()
    interrupted = False
    try:
        with _canceling_after(signals, instance, run_id), capture_interrupts():
            yield
    except (KeyboardInterrupt, DagsterExecutionInterruptedError):
        interrupted = True
    finally:
        number = signals.number or (signal.SIGINT if interrupted else None)
        signals.close()
        for each, handler in handlers.items():
            signal.signal(each, handler)
        if number is not None:
            raise RunStopped(number, _ended(instance, run_id, how_to_go_on)) from None


@contextmanager
def _canceling_after(signals: StopSignals, instance: Any, run_id: str) -> Iterator[None]:
    """Mark the run as one that is being canceled as soon as Dagster looks it up after a signal.

    Before Dagster writes how a run ended it looks up whether somebody cancels it, and nothing of ours runs in between: an
    interrupt may come from any part of a step, from a resource, or from no step at all.
    """
    look_up = instance.get_run_by_id

    def marked(asked: str) -> Any:
        run = look_up(asked)
        if asked == run_id and run is not None and run.status.value in _GOING_ON and signals.number is not None:
            instance.report_run_canceling(run, message="The command that runs this was asked to stop.")
            run = look_up(asked)
        return run

    instance.get_run_by_id = marked
    try:
        yield
    finally:
        del instance.get_run_by_id


def _ended(instance: Any, run_id: str, how_to_go_on: str) -> str:
    """Return the sentence for the person; a run that was interrupted before or between its steps is ended first."""
    run = instance.get_run_by_id(run_id)
    if run is None:
        return f"stopped before a run began; {how_to_go_on}"
    if not run.is_finished:
        instance.report_run_canceled(run, message="The command that runs this was asked to stop.")
        run = instance.get_run_by_id(run_id)
    if run.status.value != "CANCELED":
        return f"stopped; run {run_id} had ended before, as {run.status.value}"
    return f"stopped: run {run_id} is canceled; {how_to_go_on}"
