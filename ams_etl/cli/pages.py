"""`ams-etl pages`: the integration page, a process of its own."""

import json

import click

from ams_etl.cli.instance import prepare
from ams_etl.cli.progress import show_progress
from ams_etl.settings import home, load_agencies


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Put something that speaks TLS in front of it.")
@click.option("--port", default=8362, show_default=True, help="0 takes a free one.")
def pages(host: str, port: int) -> None:
    """Serve the integration page for the agencies' people until Ctrl-C.

    `ams-etl page-users add` says who may sign in. While Postgres is away, every page says so, and heals by itself.
    """
    from ams_etl.pages.server import serve

    show_progress()
    prepare()
    load_agencies()
    serve(home(), host, port, _announce)


def _announce(host: str, port: int) -> None:
    click.echo(json.dumps({"url": f"http://{host}:{port}", "port": port}))
