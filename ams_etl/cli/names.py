"""`ams-etl names`: names that people gave, which no sync overwrites."""

import getpass
from typing import Any
from uuid import UUID

import click
import psycopg

from ams_etl.cli.instance import prepare
from ams_etl.cli.tables import Form, Table, print_tables, table_options
from ams_etl.errors import ConfigError
from ams_etl.settings import Agency, load_agencies
from ams_etl.store.database import connect
from ams_etl.store.name_overrides import NameGiven, clear_name, list_names, set_name
from ams_etl.store.privacy.access_log import count_command


@click.group()
def names() -> None:
    """Names changed in the platform (rule N12)."""


@names.command("set")
@click.argument("agency")
@click.argument("contact", metavar="CONTACT|CUSTOMER_NUMBER|EMAIL")
@click.option("--first", help="The first name.")
@click.option("--last", help="The last name.")
@click.option("--nickname", help="What the contact is called.")
def set_(agency: str, contact: str, first: str | None, last: str | None, nickname: str | None) -> None:
    """Give CONTACT of AGENCY another name; what is not given stays as derived."""
    chosen = load_agencies().get(agency)
    with connect(prepare()) as connection:
        named = the_contact(connection, chosen, contact)
        set_name(connection, agency, NameGiven(named, first, last, nickname, getpass.getuser()))
    click.echo(f"stored; the next sync publishes it (or now: ams-etl sync {agency} --customer ID)")


@names.command("clear")
@click.argument("agency")
@click.argument("contact", metavar="CONTACT|CUSTOMER_NUMBER|EMAIL")
def clear(agency: str, contact: str) -> None:
    """Let CONTACT of AGENCY have its derived name again."""
    chosen = load_agencies().get(agency)
    with connect(prepare()) as connection:
        known = clear_name(connection, agency, the_contact(connection, chosen, contact))
    click.echo("cleared; the next sync publishes the derived name" if known else "there was none")


@names.command("list")
@click.argument("agency")
@table_options
def list_(agency: str, form: Form) -> None:
    """Show the names that people gave. What it prints is personal data."""
    load_agencies().get(agency)
    with connect(prepare()) as connection:
        rows = list_names(connection, agency)
        count_command(connection, agency, "names list", len(rows))
    print_tables(
        form,
        Table(
            "names",
            ("contact", "first name", "last name", "nickname", "set by"),
            [(row.contact_id, row.first_name, row.last_name, row.nickname, row.set_by) for row in rows],
            ids=("contact",),
        ),
    )


def the_contact(connection: psycopg.Connection[Any], agency: Agency, asked: str) -> UUID:
    """Return the one contact that is meant.

    Raises:
        ConfigError: none is, or several are, of which a person must choose.
    """
    from ams_etl.sync.contacts.why import contacts_meant

    found = contacts_meant(connection, agency.id, asked, agency.settings)
    if len(found) > 1:
        raise ConfigError(f"{asked!r} is {len(found)} contacts; name one by its id: {', '.join(map(str, found))}")
    return found[0]
