"""Run `ams-etl` commands in processes that are forked from one that has imported everything.

What a command does is as a user's shell has it, in a process of its own with its own environment; the seconds that Python takes
to import Dagster are paid once a test run instead of once a command.
"""

import contextlib
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from functools import cache
from pathlib import Path

from ams_etl_tests.sandbox_process import die_with_parent

_IMPORTED_LATE = (
    "great_expectations.expectations.core", "matplotlib.backends.backend_agg", "matplotlib.figure", "pandas", "scipy.stats",
    "zeep", "alembic", "sqlalchemy.dialects.postgresql.psycopg2", "dagster_postgres", "ams_etl.dagster_storage",
)  # fmt: skip
"""What commands import when they need it, which takes longest."""


def run(arguments: tuple[str, ...], environment: dict[str, str], seconds: float) -> tuple[int, str]:
    """Run a command to its end; return its exit code and what it printed. One that takes longer is killed: code -9."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.NamedTemporaryFile() as printed:
        request = {"arguments": arguments, "environment": environment, "printed": printed.name, "seconds": seconds}
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        return code, Path(printed.name).read_text(encoding="utf-8")


@cache
def _server() -> "subprocess.Popen[str]":
    """Start the process that is forked from; it ends with this one."""
    return subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent,
    )


def _serve() -> None:
    """Answer requests until the other end is closed."""
    import ams_etl

    for module in pkgutil.walk_packages(ams_etl.__path__, "ams_etl."):
        if not module.name.endswith("__main__") and not module.name.startswith("ams_etl.sandbox"):
            importlib.import_module(module.name)
    for library in _IMPORTED_LATE:
        importlib.import_module(library)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            _become(request["arguments"], request["environment"], request["printed"])
        deadline = time.monotonic() + request["seconds"]
        while not (ended := os.waitpid(child, os.WNOHANG))[0]:
            if time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child, signal.SIGKILL)
            time.sleep(0.02)
        print(os.waitstatus_to_exitcode(ended[1]), flush=True)


def _become(arguments: list[str], environment: dict[str, str], printed: str) -> None:
    """Turn this forked process into the command; never returns."""
    from ams_etl.cli import main

    code = 1
    try:
        os.setsid()
        os.environ.clear()
        os.environ.update(environment)
        out, nothing = os.open(printed, os.O_WRONLY), os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.argv = ["ams-etl", *arguments]
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - printed as the interpreter would
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
