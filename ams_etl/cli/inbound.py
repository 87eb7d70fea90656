"""`ams-etl inbound`: run the HTTP service for AMS360's notifications and the platform's events."""

import json

import click

from ams_etl.cli.instance import prepare
from ams_etl.cli.progress import show_progress
from ams_etl.settings import home, load_agencies


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Put something that speaks TLS in front of it.")
@click.option("--port", default=8361, show_default=True, help="0 takes a free one.")
def inbound(host: str, port: int) -> None:
    """Take AMS360's notifications and the platform's events over HTTP until Ctrl-C: each stored durably, then answered.

    It heals by itself when Postgres comes back; meanwhile it answers 503, so that AMS360 sends again.
    """
    from ams_etl.inbound.server import serve

    show_progress()
    prepare()
    serve(load_agencies(), home(), host, port, _tell)


def _tell(host: str, port: int) -> None:
    click.echo(json.dumps({"url": f"http://{host}:{port}", "port": port}))
