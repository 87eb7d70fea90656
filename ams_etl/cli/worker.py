"""`ams-etl worker`: one of several machines that share the runs."""

import os

import click

from ams_etl.cli.instance import prepare
from ams_etl.errors import ConfigError
from ams_etl.settings import load_agencies
from ams_etl.settings.environment_file import load_environment_file


@click.command()
@click.option("--slots", default=1, show_default=True, type=click.IntRange(1), help="Runs at once; some 400 MB each.")
@click.option("--name", default="worker", show_default=True, help="Of this worker; each of a host has its own.")
@click.option(
    "--finish-within",
    default=600,
    show_default=True,
    help="Seconds that runs at work have after SIGTERM or Ctrl-C.",
)
def worker(slots: int, name: str, finish_within: int) -> None:
    """Execute runs that Dagster's daemon sends over Redis, until Ctrl-C or SIGTERM; those at work are finished first.

    A second Ctrl-C or SIGTERM, or the end of that time, interrupts them; they are started again on another host and continue there.
    """
    try:
        from ams_etl.workers.application import broker_url
        from ams_etl.workers.worker import serve
    except ImportError:
        raise ConfigError("Celery is not installed: pip install 'ams_etl[celery]'") from None
    from ams_etl.workers.places import shared_database_url, unset_secrets

    load_environment_file()
    shared_database_url()
    broker = broker_url()
    for sentence in unset_secrets(load_agencies()):
        click.secho(f"warning: {sentence}", fg="yellow", err=True)
    database = prepare()
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    serve(broker, database, name, slots, finish_within)
