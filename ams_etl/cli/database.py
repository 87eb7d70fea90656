"""`ams-etl db`: the Postgres in use."""

from pathlib import Path

import click

from ams_etl.cli.instance import prepare
from ams_etl.cli.tables import Form, Table, print_tables, remark, table_options
from ams_etl.settings import home, load_agencies
from ams_etl.store.database import connect, database_url
from ams_etl.store.migrations import sql_folder, upgrade


@click.group("db")
def database() -> None:
    """The Postgres in use: AMS_ETL_DATABASE_URL, else the embedded one of AMS_ETL_HOME."""


@database.command()
@click.option(
    "--read-only", is_flag=True, help="Of a role that may only read the mart; it is created when it is missing."
)
def url(*, read_only: bool) -> None:
    """Print the URL, creating and starting the embedded server if needed."""
    if not read_only:
        click.echo(database_url(home(), create=True))
        return
    from ams_etl.store.maintenance.readers import read_only_url

    in_use = prepare()
    with connect(in_use) as connection:
        click.echo(read_only_url(in_use, connection, home()))


@database.command("grant")
@click.argument("role")
@click.option("--agency", help="Only this agency's rows; may be repeated for others.")
def grant_command(role: str, agency: str | None) -> None:
    """Let the existing Postgres ROLE read the mart, and keep its cursors in the change feed.

    Without --agency it sees every agency, also where it was limited before. A limited role sees its agencies in every table and
    view of mart, by row-level security.
    """
    from ams_etl.store.maintenance.readers import grant_reader

    if agency is not None:
        load_agencies().get(agency)
    with connect(prepare()) as connection:
        grant_reader(connection, role, agency)
    click.echo(
        f"{role} may read mart" + (f", of {agency} and what it was given before" if agency else ", of every agency")
    )


@database.command("upgrade")
def upgrade_command() -> None:
    """Apply the migrations of sql/ that are missing."""
    with connect(database_url(home(), create=True)) as connection:
        applied = upgrade(connection, sql_folder())
    click.echo("\n".join(f"applied {name}" for name in applied) or "nothing to apply")


@database.command()
@click.option("--all", "every", is_flag=True, help="Every table and agency, not only the 15 largest of each.")
@table_options
def sizes(*, every: bool, form: Form) -> None:
    """Show how much room tables and agencies take, the largest first; Dagster's tables are in the schema `public`."""
    from ams_etl.store.maintenance.sizes import agency_sizes, database_bytes, table_sizes

    with connect(database_url(home())) as connection:
        whole = database_bytes(connection)
        tables = table_sizes(connection)
        agencies = agency_sizes(connection, tables)
    shown = None if every else 15
    print_tables(
        form,
        Table(
            "tables",
            ("table", "owner", "bytes", "rows, estimated"),
            [(f"{table.schema}.{table.table}", table.owner, table.bytes, table.rows) for table in tables[:shown]],
            ids=("table",),
        ),
        Table("agencies", ("agency", "bytes"), agencies[:shown], ids=("agency",)),
    )
    remark(form, f"the whole database: {whole:,} bytes")


@database.command("move")
@click.option(
    "--to", "target", required=True, metavar="URL", help="An empty database, as postgresql://user:password@host/db."
)
def move_command(target: str) -> None:
    """Copy the database in use into an empty one, from the embedded server to your own or back.

    Stop everything that uses it first. The source stays as it is; set AMS_ETL_DATABASE_URL to the new one afterwards.
    """
    from ams_etl.store.database import checked_url
    from ams_etl.store.maintenance.move import move

    rows = move(database_url(home()), checked_url(target), home())
    click.echo(
        f"copied {sum(rows.values()):,} rows in {len(rows)} tables; set AMS_ETL_DATABASE_URL to the new database"
    )


@database.command("dump")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--decisions", is_flag=True, help="Only what people decided, which no sync brings back.")
def dump_command(file: Path, *, decisions: bool) -> None:
    """Write the database in use into FILE, in the custom format of pg_dump, which may happen while it is in use.

    It holds personal data and is readable by you alone. It is written by this machine's pg_dump, or the embedded server's
    where that is older than the server.
    """
    from ams_etl.store.maintenance.backup import dump

    size = dump(database_url(home()), file, home(), decisions=decisions)
    click.echo(f"wrote {size:,} bytes to {file}; load it with `ams-etl db restore {file}`")


@database.command("restore")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def restore_command(file: Path) -> None:
    """Load a FILE of `ams-etl db dump` into the database in use, in one transaction.

    A whole dump needs an empty database. Decisions are loaded into a new one with the schema (`ams-etl db upgrade`); then sync.
    """
    from ams_etl.store.maintenance.backup import restore

    restore(database_url(home(), create=True), file, home())
    click.echo("restored; run `ams-etl db upgrade`, then `ams-etl doctor`")


@database.command()
def stop() -> None:
    """Stop the embedded server; its data stays."""
    from ams_etl.store.embedded import stop as stop_server

    click.echo("stopped" if stop_server(home()) else "was not running")
