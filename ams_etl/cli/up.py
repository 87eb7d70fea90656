"""`ams-etl up`: Dagster's UI and daemon on localhost, until Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click

from ams_etl.cli.instance import prepare, project_file
from ams_etl.cli.sandbox import start_in_background, stop_in_background
from ams_etl.errors import TransientError
from ams_etl.settings import load_agencies


@click.command()
@click.option("--port", default=3000, show_default=True, help="Of the UI.")
@click.option("--sandbox", "with_sandbox", is_flag=True, help="Also run the stand-in AMS360 of the demo agency.")
def up(port: int, *, with_sandbox: bool) -> None:
    """Serve the Dagster UI and run its daemon (schedules, sensors, runs) until Ctrl-C."""
    prepare()
    load_agencies()
    if with_sandbox:
        click.echo(f"sandbox: {start_in_background(2000)}")
    workspace = str(project_file("workspace.yaml"))
    tools = Path(sys.executable).parent
    commands = {
        "dagster-webserver": [
            tools / "dagster-webserver", "-w", workspace, "-h", "127.0.0.1", "-p", str(port), "--log-level", "warning",
        ],
        "dagster-daemon": [tools / "dagster-daemon", "run", "-w", workspace, "--log-level", "warning"],
    }  # fmt: skip
    signal.signal(signal.SIGTERM, _interrupt)
    # A session of their own each: Ctrl-C is ours to pass on, to the whole group.
    processes = {
        name: subprocess.Popen([str(part) for part in command], start_new_session=True)
        for name, command in commands.items()
    }
    click.echo(f"Dagster UI: http://127.0.0.1:{port}   (Ctrl-C stops it)")
    try:
        while True:
            time.sleep(0.5)
            for name, process in processes.items():
                if process.poll() is not None:
                    raise TransientError(f"{name} ended with code {process.returncode}; is port {port} in use?")
    except KeyboardInterrupt:
        click.echo("stopping ...")
    finally:
        _stop(list(processes.values()))
        if with_sandbox:
            stop_in_background()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        for process in processes:
            _signal_group(process, number)
        deadline = time.monotonic() + 10
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
