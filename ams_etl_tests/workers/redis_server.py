"""Debian's Redis as a process of the test, with a password and an append-only file."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ams_etl_tests.end_to_end.served import free_port
from ams_etl_tests.processes import die_with_parent

PASSWORD = "redis-password-of-the-tests-0123456789"


@contextmanager
def running_redis(folder: Path, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Start a server with an empty or an earlier folder and yield its address."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed (apt-get install redis-server)")
    folder.mkdir(exist_ok=True)
    port = port or free_port()
    process = subprocess.Popen(
        [
            program, "--bind", host, "--port", str(port), "--requirepass", PASSWORD, "--appendonly", "yes",
            "--dir", str(folder), "--save", "",
        ],
        stdout=subprocess.DEVNULL, preexec_fn=die_with_parent,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex((host, port)) == 0:
                    break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield f"redis://:{PASSWORD}@{host}:{port}/0"
    finally:
        process.terminate()
        process.wait(timeout=20)
