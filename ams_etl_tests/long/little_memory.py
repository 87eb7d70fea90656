"""A full sync of a large agency in little memory, and one more with nothing changed.

    python -m ams_etl_tests.long.little_memory [--customers 20000] [--megabytes 600]

What the command allocates is bounded as by `ulimit -d`: its heap, its threads and every private mapping that it may write. What
it takes beyond that is refused, and the sync fails. (`ulimit -v` would also count the files of libraries that are mapped and never
read: a gigabyte in all.)
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from ams_etl.store.embedded import running_server, stop
from ams_etl_tests.end_to_end.command_line import CommandLine, command_line
from ams_etl_tests.sandbox_process import running_sandbox


def sync(line: CommandLine, megabytes: int) -> str:
    """Run one full sync in a new process and return what came of it."""
    limit = megabytes << 20
    began = time.monotonic()
    resident = address_space = 0
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", "ams_etl.cli", "sync", "demo"], env=line.environment, stdout=printed,
            stderr=subprocess.STDOUT, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
        )  # fmt: skip
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                memory = watched.memory_info()
                resident, address_space = max(resident, memory.rss), max(address_space, memory.vms)
            time.sleep(0.2)
        printed.seek(0)
        text = printed.read()
    last = re.search(r"contacts: .*", text)
    told = last[0] if process.returncode == 0 and last else text[-2000:]
    return (
        f"code {process.wait()}, {time.monotonic() - began:.0f} s, resident {resident >> 20} MB, "
        f"address space {address_space >> 20} MB, {megabytes} MB allowed: {told}"
    )


def main() -> None:
    """Sync twice and print the memory taken."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--customers", type=int, default=20_000)
    asked.add_argument("--megabytes", type=int, default=600)
    given = asked.parse_args()
    home = Path(tempfile.mkdtemp(prefix="little-memory-"))
    home.chmod(0o711)
    try:
        with running_sandbox(size=given.customers) as sandbox:
            line = command_line(home, running_server(home), sandbox)
            for _ in range(2):
                print(sync(line, given.megabytes), flush=True)
    finally:
        stop(home)


if __name__ == "__main__":
    main()
