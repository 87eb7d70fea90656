"""`ams-etl up`: Dagster's UI and daemon and our own services, until Ctrl-C."""

import json
import signal
import sys
import urllib.request
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import click

from ams_etl.cli.demo import AGENCY
from ams_etl.cli.instance import prepare
from ams_etl.cli.process_log import Fact
from ams_etl.cli.processes import Process, check_ports, free_port, run_until_stopped
from ams_etl.cli.sandbox import start_in_background, stop_in_background
from ams_etl.settings import Agencies, load_agencies
from ams_etl.settings.shipped import shipped

_COLOURS = {"warning": "yellow", "error": "red", "critical": "red"}
_WIDTH = len("dagster-webserver")


@click.command()
@click.option("--port", default=3000, show_default=True, help="Of the UI.")
@click.option(
    "--inbound-port", default=8361, show_default=True, help="Port of the inbound service for notifications and events."
)
@click.option("--pages-port", default=8362, show_default=True, help="Of the integration page; 0 takes a free one.")
@click.option(
    "--host", default="127.0.0.1", show_default=True,
    help="Address on which all of them listen. The Dagster UI has no sign-in: anybody who reaches it can run and stop jobs.",
)  # fmt: skip
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
@click.option("--json", "as_json", is_flag=True, help="Print each fact as a JSON object a line, with its traceback.")
def up(
    port: int, inbound_port: int, pages_port: int, host: str, *, with_sandbox: bool, follow: bool, as_json: bool
) -> None:
    """Serve the Dagster UI and run its daemon (schedules, sensors, runs) until Ctrl-C.

    `ams-etl pages` runs along, and where an agency has `notifications` or `events`, `ams-etl inbound` and `ams-etl follow`, too.
    An address is printed once it answers.
    """
    say = _say_json if as_json else _say
    prepare()
    agencies = load_agencies()
    for name, mistake in agencies.unusable.items():
        say("up", Fact("warning", f"{name} is left out until it is mended: {agencies.path}: {mistake}"))
    for remark in agencies.without_effect.values():
        say("up", Fact("warning", f"{agencies.path}: {remark}"))
    processes = _processes(agencies, host, port, inbound_port, pages_port or free_port(host), follow=follow)
    check_ports(host, processes)
    # SIGINT as well: a shell starts what it puts into the background with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        if with_sandbox:
            wsdl = start_in_background(2000)
            say("sandbox", Fact("info", f"AMS360: {wsdl}"))
            if _takes_calls(agencies):
                _send_notifications(agencies, wsdl, inbound_port)
        run_until_stopped(host, processes, say)
    except KeyboardInterrupt:
        say("up", Fact("info", "stopped"))
    finally:
        if with_sandbox:
            stop_in_background()


def _processes(
    agencies: Agencies, host: str, port: int, inbound_port: int, pages_port: int, *, follow: bool
) -> list[Process]:
    """Return the processes to run: Dagster's two, and ours that the settings ask for."""
    workspace = str(shipped("workspace.yaml"))
    tools = Path(sys.executable).parent
    ours = [sys.executable, "-m", "ams_etl.cli"]
    processes = [
        Process(
            "dagster-webserver",
            [
                tools / "dagster-webserver", "-w", workspace, "-h", host, "-p", port,
                "--log-level", "warning", "--dagster-log-level", "warning", "--code-server-log-level", "warning",
            ],
            port, "--port", "/server_info", "Dagster UI: {url}   (Ctrl-C stops it)",
        ),
        Process("dagster-daemon", [tools / "dagster-daemon", "run", "-w", workspace, "--log-level", "warning"]),
        Process(
            "pages", [*ours, "pages", "--host", host, "--port", pages_port], pages_port, "--pages-port", "/",
            "integration page: {url}   (`ams-etl page-users add` says who may sign in)",
        ),
    ]  # fmt: skip
    if _takes_calls(agencies):
        command = [*ours, "inbound", "--host", host, "--port", inbound_port]
        announcement = "notifications and events: {url}"
        processes.append(Process("inbound", command, inbound_port, "--inbound-port", "/healthz", announcement))
        if follow:
            processes.append(Process("follow", [*ours, "follow"]))
    if agencies.alert_channels:
        processes.append(Process("alerts", [*ours, "alerts", "watch"]))
    return processes


def _takes_calls(agencies: Agencies) -> bool:
    return any(agency.notifications or agency.events for agency in agencies.all)


def _say(process: str, fact: Fact) -> None:
    if fact.is_for_people:
        line = f"{datetime.now():%H:%M:%S}  {process:<{_WIDTH}}  {fact.text}"  # noqa: DTZ005 - the clock on the wall
        click.secho(line, fg=_COLOURS.get(fact.level))


def _say_json(process: str, fact: Fact) -> None:
    at = datetime.now().astimezone().isoformat(timespec="milliseconds")
    detail = {"detail": fact.detail} if fact.detail else {}
    click.echo(json.dumps({"at": at, "process": process, "level": fact.level, "text": fact.text, **detail}))


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
