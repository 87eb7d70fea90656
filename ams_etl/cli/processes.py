"""The processes of `ams-etl up`: started together, watched together, stopped together."""

import os
import queue
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ams_etl.cli.process_log import Fact, ProcessLog
from ams_etl.errors import ConfigError, TransientError

_SECONDS_TO_STOP = 10
_SECONDS_TO_ANSWER = 180
"""Loading the definitions takes seconds, and a minute where the machine does a lot besides."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process to run."""

    name: str
    command: Sequence[object]
    port: int = 0
    """Where it listens; 0 for one that listens nowhere."""
    option: str = ""
    """The option of `up` by which that port is chosen."""
    path: str = "/"
    """What it answers once it is ready."""
    announcement: str = ""
    """What people read then; `{url}` is its address."""


Say = Callable[[str, Fact], None]
"""Show what a process reports."""


def check_ports(host: str, processes: Sequence[Process]) -> None:
    """Refuse to start where somebody else listens already.

    Raises:
        ConfigError: a port is taken, or the host is no address of this machine.
    """
    for process in processes:
        if not process.port:
            continue
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, process.port))
            except OSError as error:
                if isinstance(error, socket.gaierror) or error.errno not in _TAKEN:
                    raise ConfigError(f"--host {host}: not an address of this machine ({error.strerror})") from None
                raise ConfigError(
                    f"port {process.port} of {host}, for {process.name}, is taken by another process: is an `ams-etl up` "
                    f"still running? Stop it, or choose another port with {process.option}"
                ) from None


def free_port(host: str) -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def run_until_stopped(host: str, processes: Sequence[Process], say: Say) -> None:
    """Run processes until one ends, or Ctrl-C or SIGTERM comes; all of them are stopped then.

    What a process announces is shown once it answers.

    Raises:
        TransientError: a process ended by itself, or does not answer.
        KeyboardInterrupt: it was asked to stop.
    """
    # A session of their own each: Ctrl-C is ours to pass on, to the whole group.
    environment = {**os.environ, "AMS_ETL_LOG_FORMAT": "json"}
    reports = _Reports(say)
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for process in processes:
            running[process.name] = subprocess.Popen(
                [str(part) for part in process.command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, start_new_session=True, env=environment,
            )  # fmt: skip
            reports.listen(process.name, running[process.name])
        waiting = [process for process in processes if process.announcement]
        deadline = time.monotonic() + _SECONDS_TO_ANSWER
        while True:
            reports.show()
            for name, started in running.items():
                if started.poll() is not None:
                    time.sleep(0.2)
                    reports.show(at_end=True)
                    raise TransientError(f"{name} ended with code {started.returncode}; the lines above say why")
            for process in [process for process in waiting if _answers(host, process)]:
                waiting.remove(process)
                say(process.name, Fact("info", process.announcement.replace("{url}", address(host, process.port))))
            if waiting and time.monotonic() > deadline:
                raise TransientError(f"{waiting[0].name} does not answer after {_SECONDS_TO_ANSWER} seconds")
            time.sleep(0.3)
    finally:
        _stop(list(running.values()))
        reports.show(at_end=True)


def address(host: str, port: int) -> str:
    """Return the address that a person on this machine opens."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


_TAKEN = {98, 48, 10048, 13}
"""EADDRINUSE of Linux, macOS and Windows; and EACCES, a port that only root may take."""


class _Reports:
    """What the processes print, read by a thread each and shown by the one that asks."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._lines: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._logs: dict[str, ProcessLog] = {}
        self._last: dict[str, float] = {}

    def listen(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self._logs[name] = ProcessLog()
        threading.Thread(target=self._listen, args=(name, process), daemon=True).start()

    def show(self, *, at_end: bool = False) -> None:
        """Show what has come; a traceback once its process is quiet for a second, since more of it may follow."""
        now = time.monotonic()
        for name, line in self._drained():
            self._last[name] = now
            for fact in self._logs[name].read(line):
                self._say(name, fact)
        for name, log in self._logs.items():
            if at_end or now - self._last.get(name, now) > 1:
                for fact in log.end():
                    self._say(name, fact)

    def _listen(self, name: str, process: subprocess.Popen[bytes]) -> None:
        for line in process.stdout or ():
            self._lines.put((name, line.decode("utf-8", "replace")))

    def _drained(self) -> Iterator[tuple[str, str]]:
        while True:
            try:
                yield self._lines.get_nowait()
            except queue.Empty:
                return


def _answers(host: str, process: Process) -> bool:
    try:
        urllib.request.urlopen(f"{address(host, process.port)}{process.path}", timeout=2).close()  # noqa: S310
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        for process in processes:
            _signal_group(process, number)
        deadline = time.monotonic() + _SECONDS_TO_STOP
        for process in processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                continue


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
