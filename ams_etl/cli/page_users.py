"""`ams-etl page-users`: who may sign in to the integration page."""

import os

import click

from ams_etl.cli.instance import prepare
from ams_etl.cli.tables import Form, Table, print_tables, table_options
from ams_etl.errors import ConfigError
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect


@click.group("page-users")
def page_users() -> None:
    """The people of the integration page and their roles."""


@page_users.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["viewer", "operator", "admin"]), default="viewer", show_default=True)
@click.option("--agency", "agencies", multiple=True, help="May be given several times.")
@click.option("--all", "every", is_flag=True, help="Every agency, also those added later.")
@click.option(
    "--password-env", metavar="VARIABLE", help="The environment variable with the password, instead of asking."
)
@click.option("--no-password", is_flag=True, help="Only a trusted proxy signs this person in.")
def add(
    name: str, role: str, agencies: tuple[str, ...], password_env: str | None, *, every: bool, no_password: bool
) -> None:
    """Add NAME, or give a known person this password and this role in place of the old; their sessions end."""
    from ams_etl.pages.people.page_users import save_user
    from ams_etl.pages.people.roles import EVERY_AGENCY, Role

    if bool(agencies) == every:
        raise click.UsageError("say --agency, once for each, or --all")
    known = load_agencies()
    for agency in agencies:
        known.get(agency)
    password = None if no_password else _password(password_env)
    held = Role[role.upper()]
    with connect(prepare()) as connection:
        save_user(connection, name, password, dict.fromkeys([EVERY_AGENCY] if every else agencies, held))
    click.echo(f"{name.strip().lower()} is {role} of {'every agency' if every else ', '.join(agencies)}")


@page_users.command("list")
@table_options
def list_(form: Form) -> None:
    """Show who may sign in, in which role, and when they last did."""
    from ams_etl.pages.people.page_users import list_users

    with connect(prepare()) as connection:
        rows = list_users(connection)
    listed = [
        (
            row.name, ", ".join(f"{agency}: {role}" for agency, role in row.roles),
            "password" if row.has_password else "proxy", row.last_sign_in_at, row.locked_until,
        )
        for row in rows
    ]  # fmt: skip
    columns = ("name", "roles", "signs in by", "last sign-in", "locked until")
    print_tables(form, Table("page_users", columns, listed, ids=("name",)))


@page_users.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove NAME; open sessions end at once, and what the person did stays recorded."""
    from ams_etl.pages.people.page_users import remove_user

    with connect(prepare()) as connection:
        known = remove_user(connection, name)
    if not known:
        raise ConfigError(f"there is no page user {name!r}; see `ams-etl page-users list`")
    click.echo("removed")


def _password(variable: str | None) -> str:
    if variable is None:
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    password = os.environ.get(variable)
    if not password:
        raise ConfigError(f"--password-env: expected the environment variable {variable} to be set")
    return password
