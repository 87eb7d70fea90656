"""`ams-etl db`: the Postgres in use."""

import click

from ams_etl.settings import home
from ams_etl.store.database import connect, database_url
from ams_etl.store.migrations import sql_folder, upgrade


@click.group("db")
def database() -> None:
    """The Postgres in use: AMS_ETL_DATABASE_URL, else the embedded one of AMS_ETL_HOME."""


@database.command()
def url() -> None:
    """Print the URL, starting the embedded server if needed."""
    click.echo(database_url(home()))


@database.command("upgrade")
def upgrade_command() -> None:
    """Apply the migrations of sql/ that are missing."""
    with connect(database_url(home())) as connection:
        applied = upgrade(connection, sql_folder())
    click.echo("\n".join(f"applied {name}" for name in applied) or "nothing to apply")


@database.command()
def stop() -> None:
    """Stop the embedded server; its data stays."""
    from ams_etl.store.embedded import stop as stop_server

    click.echo("stopped" if stop_server(home()) else "was not running")
