"""Run the queued commands, each in a process of its own, so that no page waits for one."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from typing import IO, Any

import psycopg

from ams_etl.errors import AmsEtlError
from ams_etl.pages.jobs import queue
from ams_etl.pages.jobs.queue import COMMANDS, WITH_RESULT, Job
from ams_etl.pages.pool import Pool

AT_ONCE = 2
LOOK_SECONDS = 0.5
REPORT_SECONDS = 2.0
MOST_OUTPUT = 40_000
"""Characters kept of what a command prints: its end."""
_log = logging.getLogger(__name__)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class JobRunner:
    """Threads that claim jobs until they are stopped."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._work, name=f"page job {n}", daemon=True) for n in range(AT_ONCE)]

    def start(self) -> None:
        """Begin to look for jobs."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Interrupt the commands that run, as Ctrl-C would, and end."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(10)

    def _work(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                with self._pool.connection() as connection:
                    job = queue.claim(connection)
                if job is not None:
                    self._run(job)
            except (AmsEtlError, psycopg.Error) as error:
                # Postgres is away: the job stays claimed and is failed once nobody reports it.
                _log.warning("a page's job could not be claimed or reported: %s", type(error).__name__)
                self._stopping.wait(LOOK_SECONDS * 4)

    def _run(self, job: Job) -> None:
        command = [part.format(agency=job.agency) for part in COMMANDS[job.kind]]
        has_result = job.kind in WITH_RESULT
        process = subprocess.Popen(
            [sys.executable, "-m", "ams_etl.cli", *command, *job.arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE if has_result else subprocess.STDOUT,
            text=True, errors="replace", start_new_session=True, env={**os.environ, "COLUMNS": "160", "NO_COLOR": "1"},
        )  # fmt: skip
        # What is for people comes with the result on the standard error, else on the standard output.
        printed: list[str] = []
        found: list[str] = []
        streams = [(process.stderr, printed), (process.stdout, found)] if has_result else [(process.stdout, printed)]
        readers = [threading.Thread(target=_read, args=stream, daemon=True) for stream in streams]
        for reader in readers:
            reader.start()
        try:
            self._watch(job, process, printed)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for reader in readers:
                reader.join(5)
        done = process.returncode == 0
        with self._pool.connection() as connection:
            result = _document(found) if done and has_result else None
            queue.report(connection, job, _end_of(printed), "done" if done else "failed", result)

    def _watch(self, job: Job, process: subprocess.Popen[str], printed: list[str]) -> None:
        reported = time.monotonic()
        interrupted = False
        while process.poll() is None:
            if self._stopping.wait(0.1) and not interrupted:
                os.killpg(process.pid, signal.SIGINT)
                interrupted = True
                deadline = time.monotonic() + 5
            if interrupted and time.monotonic() > deadline:
                return
            if time.monotonic() - reported > REPORT_SECONDS:
                with self._pool.connection() as connection:
                    queue.report(connection, job, _end_of(printed))
                reported = time.monotonic()


def _read(stream: IO[str] | None, lines: list[str]) -> None:
    # Line by line as they come: a report in between shows those there are.
    lines.extend(_COLOUR.sub("", line) for line in stream or ())


def _document(lines: list[str]) -> dict[str, Any] | None:
    try:
        found = json.loads("".join(lines))
    except ValueError:
        _log.warning("a command's result could not be read: it printed no JSON")
        return None
    return found if isinstance(found, dict) else None


def _end_of(printed: list[str]) -> str:
    return "".join(printed)[-MOST_OUTPUT:]
