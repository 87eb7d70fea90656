"""Starts this project's processes by forking one that has imported everything.

What a process does is as a shell would have it: its own environment, its own session, its own arguments. The seconds that Python
takes to import Dagster are paid once a test run instead of once by each process.
"""

import fcntl
import importlib
import json
import os
import pkgutil
import random
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol, Self, TextIO, cast

from ams_etl_tests.processes import die_with_parent

_IMPORTED_LATE = (
    "great_expectations.expectations.core", "matplotlib.backends.backend_agg", "matplotlib.figure", "pandas", "scipy.stats",
    "zeep", "alembic", "sqlalchemy.dialects.postgresql.psycopg2", "dagster_postgres", "ams_etl.dagster_storage",
)  # fmt: skip
"""What commands import when they need it, which takes longest."""
_LARGEST_REQUEST = 1 << 20


class Process(Protocol):
    """What the tests use of `subprocess.Popen`, which a forked process has as well."""

    pid: int
    returncode: int | None

    @property
    def stdout(self) -> TextIO:
        """What it prints."""

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs after so many seconds.
        """

    def communicate(self, *, timeout: float | None = None) -> tuple[str, None]:
        """Wait for its end and return what it printed and was not read yet; raises as `wait`."""

    def send_signal(self, number: int, /) -> None:
        """Send a signal to the process alone."""

    def kill(self) -> None:
        """As a crash would."""

    def terminate(self) -> None:
        """Ask it to stop."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: object, error: object, trace: object, /) -> None:
        """Wait for its end."""


@dataclass
class _Forked:
    """A `Process` that is another one's child."""

    pid: int
    stdout: TextIO
    end: int
    """A descriptor that becomes readable when the process ends."""
    returncode: int | None = None
    _reader: threading.Thread | None = None
    _printed: list[str] = field(default_factory=list)

    def poll(self) -> int | None:
        return self._code_within(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._code_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def communicate(self, *, timeout: float | None = None) -> tuple[str, None]:
        if self._reader is None:
            self._reader = threading.Thread(target=lambda: self._printed.append(self.stdout.read()), daemon=True)
            self._reader.start()
        self._reader.join(timeout)
        if self._reader.is_alive():
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        self.wait(timeout)
        return "".join(self._printed), None

    def send_signal(self, number: int, /) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object, /) -> None:
        self.wait()

    def _code_within(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self.end], [], [], seconds)[0]:
            self.returncode = int(_asked({"end_of": self.pid})["code"])
            os.close(self.end)
        return self.returncode


def start(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None, errors_too: bool = False
) -> Process:
    """Start `python -m module` in a session of its own.

    Args:
        module: what has a `__main__`.
        arguments: those of its command line.
        environment: all of its environment; this process's own where None.
        errors_too: what it writes to its standard error comes with what it prints, in place of this process's.
    """
    printed, end = os.pipe()
    try:
        return _started(module, arguments, os.environ if environment is None else environment, errors_too, end, printed)
    finally:
        os.close(end)


def run(module: str, *arguments: str, environment: Mapping[str, str], seconds: float) -> tuple[int, str]:
    """Run `python -m module` to its end; return its exit code and what it printed. One that takes longer is killed: code -9."""
    # A file, not a pipe: what the command leaves running, such as a Postgres, would hold a pipe open.
    with tempfile.TemporaryFile() as file:
        nothing = os.open(os.devnull, os.O_RDONLY)
        process = _started(module, arguments, environment, True, file.fileno(), nothing)
        timer = threading.Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        code = process.wait()
        timer.cancel()
        process.stdout.close()
        file.seek(0)
        return code, file.read().decode()


def _started(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], errors_too: bool, end: int, printed: int
) -> Process:
    """Start a process that prints to the descriptor `end`; `printed` is where that can be read."""
    stdout = os.fdopen(printed, encoding="utf-8")
    if sys.platform != "linux":  # macOS must not fork a process that has loaded its frameworks.
        cold = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=end,
            stderr=end if errors_too else None, text=True, start_new_session=True,
        )  # fmt: skip
        cold.stdout = stdout
        return cast("Process", cold)
    request = {"module": module, "arguments": arguments, "environment": dict(environment), "errors_too": errors_too}
    pid = _asked(request, end)["pid"]
    return _Forked(pid, stdout, os.pidfd_open(pid))


def _asked(request: Mapping[str, object], *descriptors: int) -> dict[str, int]:
    channel = _server()
    socket.send_fds(channel, [json.dumps(request).encode()], descriptors)
    answer: dict[str, int] = json.loads(channel.recv(_LARGEST_REQUEST))
    return answer


@cache
def _server() -> socket.socket:
    """Return the way to ask the process that is forked. All workers of a run share one; the first that needs it starts it."""
    run_id = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    owner = os.getppid() if run_id else os.getpid()
    address = Path(tempfile.gettempdir()) / f"ams-etl-tests-{run_id or owner}.socket"
    with address.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not address.exists():
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
                listener.bind(str(address))
                listener.listen()
                command = [sys.executable, "-W", "ignore", "-m", __name__, str(listener.fileno()), str(owner)]
                subprocess.Popen(command, pass_fds=[listener.fileno()])
    channel = _widened(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
    channel.connect(str(address))
    return channel


def _widened(channel: socket.socket) -> socket.socket:
    """Let one message hold a whole environment."""
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LARGEST_REQUEST)
    return channel


def _serve(listener: socket.socket, owner: int) -> None:
    """Answer requests as long as the run's own process lives."""
    import ams_etl

    for module in pkgutil.walk_packages(ams_etl.__path__, "ams_etl."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                # The extra `celery` may be missing; only its own tests fail then.
                if error.name not in {"celery", "dagster_celery"}:
                    raise
    for library in _IMPORTED_LATE:
        importlib.import_module(library)
    started: dict[socket.socket, set[int]] = {}
    while _lives(owner):
        for ready in select.select([listener, *started], [], [], 1)[0]:
            if ready is listener:
                started[_widened(listener.accept()[0])] = set()
            elif not _answer(ready, started[ready], [listener, *started]):
                for child in started.pop(ready):
                    os.kill(child, signal.SIGKILL)
                ready.close()
    address = Path(listener.getsockname())
    address.unlink()
    address.with_suffix(".lock").unlink()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _answer(channel: socket.socket, children: set[int], inherited: Sequence[socket.socket]) -> bool:
    """Answer one request; False when the one who asked is gone."""
    written, descriptors, _, _ = socket.recv_fds(channel, _LARGEST_REQUEST, 1)
    if not written:
        return False
    request = json.loads(written)
    if "end_of" in request:
        _, status = os.waitpid(request["end_of"], 0)
        children.discard(request["end_of"])
        channel.send(json.dumps({"code": os.waitstatus_to_exitcode(status)}).encode())
        return True
    child = os.fork()
    if not child:
        for each in inherited:
            each.close()
        _become(request["module"], request["arguments"], request["environment"], descriptors[0], request["errors_too"])
    os.close(descriptors[0])
    children.add(child)
    channel.send(json.dumps({"pid": child}).encode())
    return True


def _become(module: str, arguments: list[str], environment: dict[str, str], printed: int, errors_too: bool) -> None:
    """Turn this forked process into `python -m module`; never returns."""
    code = 1
    try:
        die_with_parent()
        os.setsid()
        random.seed()
        os.environ.clear()
        os.environ.update(environment)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(printed, 1)
        if errors_too:
            os.dup2(printed, 2)
        os.close(printed)
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001 - printed as the interpreter would
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                code = code or 120
        os._exit(code)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
