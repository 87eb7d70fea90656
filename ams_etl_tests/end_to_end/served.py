"""`ams-etl up` as a user runs it: the UI, the daemon and, where an agency has notifications, the inbound service."""

import os
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import yaml

from ams_etl_tests.end_to_end.command_line import CommandLine

CODE = "code-of-the-tests-0123456789"


def free_port() -> int:
    """One that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def take_notifications(line: CommandLine) -> None:
    """Add notifications to the agency of the agencies file."""
    path = line.home / "agencies.yaml"
    written = yaml.safe_load(path.read_text())
    written["agencies"][0]["notifications"] = {"authentication_code_env": "TEST_CODE", "version": "2.0"}
    path.write_text(yaml.safe_dump(written))
    line.environment["TEST_CODE"] = CODE


@contextmanager
def served(line: CommandLine, *options: str) -> Iterator[str]:
    """`ams-etl up` on a free port, stopped as Ctrl-C would; yields the UI's address once it answers."""
    port = free_port()
    process = line.start("up", "--port", str(port), "--pages-port", "0", *options)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 300
        while True:
            try:
                urllib.request.urlopen(f"{url}/server_info", timeout=2).close()
                break
            except OSError:
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline
                time.sleep(0.3)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0, "something of `up` lives on"
