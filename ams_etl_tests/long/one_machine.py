"""A machine of its own inside this one: file systems, network and processes apart, so that a page can be followed literally.

Its files are an overlay over this machine's, kept in memory; nothing that is installed or started in it is left afterwards.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ams_etl_tests.processes import die_with_parent

ROOT = Path(__file__).parents[2]
NEEDED = ("unshare", "nsenter", "setpriv", "systemd-sysusers", "systemd-tmpfiles", "pg_createcluster", "openssl", "su")
_BOOT = """set -e
mount --make-rprivate /
mount -t tmpfs -o size=6g tmpfs {base}
mkdir {base}/upper {base}/work {base}/root
mount -t overlay overlay -o lowerdir=/,upperdir={base}/upper,workdir={base}/work {base}/root
cd {base}/root
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
ip link set lo up
echo booted
exec chroot . sleep infinity
"""
# Debian's package makes and starts a cluster; whatever cluster this machine has is not the other's.
_APT = """#!/bin/sh
set -e
for package in "$@"; do
    case $package in install|-y) continue ;; esac
    dpkg -s "$package" >/dev/null
    if [ "$package" = postgresql ]; then
        rm -rf /etc/postgresql/*/main /var/lib/postgresql/*/main
        install -d -m 2775 -o postgres -g postgres /run/postgresql
        pg_createcluster "$(ls /usr/lib/postgresql | sort -n | tail -1)" main --start
    fi
done
"""


@dataclass
class Machine:
    """Runs commands inside."""

    init: subprocess.Popen[str]
    base: Path
    environment: dict[str, str] = field(default_factory=dict)
    """What a shell of root has there."""

    @property
    def files(self) -> Path:
        """Its root, as its own processes see it."""
        return Path(f"/proc/{self._pid()}/root")

    def start(self, *command: str, log: Path) -> subprocess.Popen[bytes]:
        """Start a command in the background, which prints into a file of ours."""
        with log.open("ab") as opened:
            return subprocess.Popen(
                [*self._entering(), *command], stdin=subprocess.DEVNULL, stdout=opened, stderr=opened,
                env=self.environment, preexec_fn=die_with_parent,
            )  # fmt: skip

    def run(self, script: str, *, code: int = 0, seconds: float = 600) -> str:
        """Run a script as root's bash does, stopping at the first failure, and return what it printed."""
        done = subprocess.run(
            [*self._entering(), "bash", "-euo", "pipefail", "-c", script], env=self.environment, capture_output=True,
            text=True, check=False, timeout=seconds, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == code, f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout + done.stderr

    def _pid(self) -> int:
        children = Path(f"/proc/{self.init.pid}/task/{self.init.pid}/children").read_text().split()
        return int(children[0])

    def _entering(self) -> list[str]:
        return ["nsenter", "-t", str(self._pid()), "-m", "-n", "-p", "-i", "-u", "-r", "-w"]


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Start a machine with Debian's tools, whose `systemctl` and `systemd-run` are unit_runner.py; skip where that cannot be."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"a machine inside this one needs root and {', '.join(missing) or 'nothing else'}")
    base = folder / "machine"
    base.mkdir()
    init = subprocess.Popen(
        ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "sh", "-c", _BOOT.format(base=base)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent,
    )  # fmt: skip
    try:
        assert init.stdout is not None
        if (said := init.stdout.readline().strip()) != "booted":
            pytest.skip(f"this kernel lets no machine run inside this one: {said}")
        started = Machine(
            init, base, {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
        )  # fmt: skip
        programs = started.files / "usr" / "local" / "bin"
        runner = (Path(__file__).parent / "unit_runner.py").read_text()
        for name, content in (
            ("systemctl", f"#!/usr/bin/python3\n{runner}"), ("systemd-run", f"#!/usr/bin/python3\n{runner}"), ("apt-get", _APT),
        ):  # fmt: skip
            (programs / name).write_text(content)
            (programs / name).chmod(0o755)
        yield started
    finally:
        init.kill()
        init.wait()


def our_python() -> list[str]:
    """Return the command of this environment's Python, which the machine sees at the same place."""
    return ["env", f"--chdir={ROOT}", sys.executable]
