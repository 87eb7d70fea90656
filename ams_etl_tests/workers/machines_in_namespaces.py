"""Separate hosts on one machine: network namespaces on a bridge, each with the processes that are started in it."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from ams_etl_tests.processes import die_with_parent

BRIDGE = "amsetl0"
NETWORK = "10.213.77"
ADDRESS = f"{NETWORK}.1"
"""Of the machine on which UI, daemon, Postgres, Redis and the sandbox are."""


def _ip(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout


@dataclass(frozen=True, slots=True)
class Host:
    """One host: nothing of the others' files under `hidden` is there, and a wire that can be cut."""

    name: str
    hidden: Path

    def start(self, command: list[str], environment: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
        """Start a command on it, with the host's own name and mounts."""
        script = 'hostname "$1"; mount -t tmpfs none "$2"; shift 2; exec "$@"'
        with log.open("ab") as file:
            return subprocess.Popen(
                [
                    "ip", "netns", "exec", self.name, "unshare", "--uts", "--mount", "--",
                    "sh", "-c", script, "sh", self.name, str(self.hidden), *command,
                ],
                env=dict(environment), stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
                preexec_fn=die_with_parent,
            )  # fmt: skip

    def processes(self) -> list[int]:
        """The ids of its processes."""
        return [int(pid) for pid in _ip("netns", "pids", self.name, check=False).split()]

    def cut_off(self) -> None:
        """Cut its wire: what it sends is lost, and no connection is closed."""
        _ip("link", "set", f"{self.name}a", "down")

    def connect(self) -> None:
        """Mend its wire."""
        _ip("link", "set", f"{self.name}a", "up")

    def lose_power(self) -> None:
        """Cut the wire first: no farewell of a closed connection gets through, as when a machine is gone."""
        self.cut_off()
        deadline = time.monotonic() + 10
        while pids := self.processes():
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            assert time.monotonic() < deadline
            time.sleep(0.05)


def _remove(names: list[str]) -> None:
    for name in names:
        _ip("netns", "delete", name, check=False)
        _ip("link", "delete", f"{name}a", check=False)
    _ip("link", "delete", BRIDGE, check=False)


@contextmanager
def hosts(names: list[str], hidden: Path) -> Iterator[list[Host]]:
    """Make hosts, and remove them with all their processes; skip where this machine does not allow it."""
    if shutil.which("ip") is None or shutil.which("unshare") is None:
        pytest.skip("iproute2 is not installed (apt-get install iproute2)")
    _remove(names)
    probe = subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"no network namespaces here: {probe.stderr.strip()}")
    made = [Host(name, hidden) for name in names]
    try:
        _ip("address", "add", f"{ADDRESS}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        for number, name in enumerate(names, 2):
            _ip("netns", "add", name)
            _ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b")
            _ip("link", "set", f"{name}a", "master", BRIDGE)
            _ip("link", "set", f"{name}a", "up")
            _ip("link", "set", f"{name}b", "netns", name)
            inside = ("netns", "exec", name, "ip")
            _ip(*inside, "address", "add", f"{NETWORK}.{number}/24", "dev", f"{name}b")
            _ip(*inside, "link", "set", f"{name}b", "up")
            _ip(*inside, "link", "set", "lo", "up")
        yield made
    finally:
        for host in made:
            with suppress(AssertionError):
                host.lose_power()
        _remove(names)
