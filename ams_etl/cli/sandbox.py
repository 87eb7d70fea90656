"""`ams-etl sandbox`: run the sandbox AMS360 as its own process."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import click

from ams_etl.errors import TransientError
from ams_etl.settings import home

PORT = 8360
AGENCY_NO = "5551234-1"
SEED = 360
HAWKSOFT_AGENCY = 7
OTHERS = 300
"""Clients of each of the other systems' agencies."""


def sandbox_command(port: int, customers: int, *more: str) -> list[str]:
    """Return the command line that starts the sandbox with the demo agency."""
    return [
        sys.executable, "-m", "ams_etl.sandbox", "--port", str(port),
        "--agency", f"demo:{AGENCY_NO}:{SEED}:{customers}", "--benefitpoint",
        "--hawksoft", f"{HAWKSOFT_AGENCY}:{SEED}:{OTHERS}", "--qq-catalyst", f"{SEED}:{OTHERS}",
        "--mycase", f"{SEED}:{OTHERS}", *more,
    ]  # fmt: skip


def start_in_background(customers: int) -> str:
    """Start the sandbox, or find the one that runs for this home, and return its WSDL's address.

    Raises:
        TransientError: it did not come up.
    """
    note = _note()
    running = _running()
    if running:
        return running
    note.unlink(missing_ok=True)
    log = home() / "sandbox.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            sandbox_command(_port(), customers, "--ready-file", str(note)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    for _ in range(300):
        found = _running()
        if found:
            return found
        if process.poll() is not None:
            break
        time.sleep(0.1)
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    raise TransientError(f"the sandbox did not start: {lines[-1] if lines else 'it said nothing'} (log: {log})")


def stop_in_background() -> bool:
    """Stop the sandbox that runs in the background for this home; its state is lost."""
    try:
        ready = json.loads(_note().read_text())
    except (OSError, ValueError):
        return False
    _note().unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        os.kill(int(ready["pid"]), signal.SIGTERM)
        return True
    return False


def _port() -> int:
    """The port of this home's sandbox, the same ever after since agencies.yaml names it; 8360 where it is free."""
    remembered = home() / "sandbox.port"
    if not remembered.exists():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", PORT))
            except OSError:
                probe.bind(("127.0.0.1", 0))
            remembered.write_text(str(probe.getsockname()[1]))
    return int(remembered.read_text())


def _note() -> Path:
    return home() / "sandbox.json"


def _running() -> str | None:
    try:
        ready = json.loads(_note().read_text())
        os.kill(int(ready["pid"]), 0)
    except (OSError, ValueError, KeyError):
        return None
    return str(ready["wsdl"])


@click.command()
@click.option("--port", default=PORT, show_default=True, help="0 takes a free one.")
@click.option("--customers", default=2000, show_default=True, help="Size of the demo agency.")
@click.option("--latency", "latency_ms", default=0, show_default=True, help="Milliseconds that every call waits.")
@click.option("--notify", metavar="URL", help="Send notifications of edits there, as AMS360 would.")
@click.option("--code", default="", help="The authentication code that they carry.")
@click.option("--drift", default=0.0, show_default=True, help="Edits by itself, a minute.")
@click.option("--stop", is_flag=True, help="Stop the one that `ams-etl demo` left running.")
def sandbox(
    port: int, customers: int, latency_ms: int, notify: str | None, code: str, drift: float, *, stop: bool
) -> None:
    """Serve a sandbox AMS360 over SOAP: a generated agency, as strict as the real service, until Ctrl-C.

    POST /sandbox/faults switches faults on, GET /sandbox/stats tells what it was asked (docs/sandbox.md).
    """
    if stop:
        click.echo("stopped" if stop_in_background() else "was not running")
        return
    try:
        more = ["--latency", str(latency_ms), "--drift", str(drift)]
        more += ["--notify", notify, "--code", code] if notify else []
        subprocess.run(sandbox_command(port, customers, *more), check=False)
    except KeyboardInterrupt:
        click.echo("sandbox stopped")
