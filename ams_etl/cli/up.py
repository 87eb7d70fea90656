"""`ams-etl up`: Dagster's UI and daemon on localhost, until Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import click

from ams_etl.cli.demo import AGENCY
from ams_etl.cli.instance import prepare
from ams_etl.cli.sandbox import start_in_background, stop_in_background
from ams_etl.errors import TransientError
from ams_etl.settings import Agencies, load_agencies
from ams_etl.settings.shipped import shipped


@click.command()
@click.option("--port", default=3000, show_default=True, help="Of the UI.")
@click.option(
    "--inbound-port", default=8361, show_default=True, help="Port of the inbound service for notifications and events."
)
@click.option("--pages-port", default=8362, show_default=True, help="Of the integration page; 0 takes a free one.")
@click.option(
    "--sandbox", "with_sandbox", is_flag=True,
    help="Also run the demo agency's sandbox AMS360, which sends its notifications to the inbound service.",
)  # fmt: skip
@click.option(
    "--follow/--no-follow",
    default=True,
    show_default=True,
    help="Run `ams-etl follow`; without it sensors do its work.",
)
def up(port: int, inbound_port: int, pages_port: int, *, with_sandbox: bool, follow: bool) -> None:
    """Serve the Dagster UI and run its daemon (schedules, sensors, runs) until Ctrl-C.

    `ams-etl pages` runs along, and where an agency has `notifications` or `events`, `ams-etl inbound` and `ams-etl follow`, too.
    """
    prepare()
    agencies = load_agencies()
    wsdl = start_in_background(2000) if with_sandbox else None
    if wsdl:
        click.echo(f"sandbox: {wsdl}")
    door = any(agency.notifications or agency.events for agency in agencies.all)
    commands = _commands(agencies, port, inbound_port, pages_port, follow=follow)
    if door and wsdl:
        _send_notifications(agencies, wsdl, inbound_port)
    # SIGINT as well: a shell starts what it puts into the background with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    # A session of their own each: Ctrl-C is ours to pass on, to the whole group.
    processes = {
        name: subprocess.Popen([str(part) for part in command], start_new_session=True)
        for name, command in commands.items()
    }
    if door:
        click.echo(f"notifications and events: http://127.0.0.1:{inbound_port}")
    if pages_port:
        click.echo(f"integration page: http://127.0.0.1:{pages_port}   (`ams-etl page-users add` says who may sign in)")
    click.echo(f"Dagster UI: http://127.0.0.1:{port}   (Ctrl-C stops it)")
    try:
        while True:
            time.sleep(0.5)
            for name, process in processes.items():
                if process.poll() is not None:
                    raise TransientError(f"{name} ended with code {process.returncode}; is its port in use?")
    except KeyboardInterrupt:
        click.echo("stopping ...")
    finally:
        _stop(list(processes.values()))
        if with_sandbox:
            stop_in_background()


def _commands(
    agencies: Agencies, port: int, inbound_port: int, pages_port: int, *, follow: bool
) -> dict[str, list[object]]:
    """Return the processes to run, by name: Dagster's two, and ours that the settings ask for."""
    workspace = str(shipped("workspace.yaml"))
    tools = Path(sys.executable).parent
    commands: dict[str, list[object]] = {
        "dagster-webserver": [
            tools / "dagster-webserver", "-w", workspace, "-h", "127.0.0.1", "-p", str(port), "--log-level", "warning",
        ],
        "dagster-daemon": [tools / "dagster-daemon", "run", "-w", workspace, "--log-level", "warning"],
        "ams-etl pages": [sys.executable, "-m", "ams_etl.cli", "pages", "--port", str(pages_port)],
    }  # fmt: skip
    if any(agency.notifications or agency.events for agency in agencies.all):
        commands["ams-etl inbound"] = [sys.executable, "-m", "ams_etl.cli", "inbound", "--port", str(inbound_port)]
    if follow and any(agency.notifications or agency.events for agency in agencies.all):
        commands["ams-etl follow"] = [sys.executable, "-m", "ams_etl.cli", "follow"]
    if agencies.alert_channels:
        commands["ams-etl alerts"] = [sys.executable, "-m", "ams_etl.cli", "alerts", "watch"]
    return commands


def _send_notifications(agencies: Agencies, wsdl: str, port: int) -> None:
    """Make the sandbox notify the inbound service of its demo agency's edits."""
    demo = next((agency for agency in agencies.all if agency.id == AGENCY), None)
    if demo is None or demo.notifications is None:
        return
    code = agencies.secret(demo, "notifications.authentication_code_env", demo.notifications.authentication_code_env)
    delivery = {
        "url": f"http://127.0.0.1:{port}/notifications/{demo.id}", "code": code, "version": demo.notifications.version,
        "compress": 60,
    }  # fmt: skip
    address = urlsplit(wsdl)._replace(path="/sandbox/notifications", query="").geturl()
    request = urllib.request.Request(address, json.dumps(delivery).encode(), method="PUT")  # noqa: S310 - our own process
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310
        pass


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
