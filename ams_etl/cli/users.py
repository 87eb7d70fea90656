"""`ams-etl users`: which platform user each employee in a role is mapped to (O1, X3)."""

import csv
from pathlib import Path

import click

from ams_etl.cli.instance import prepare
from ams_etl.cli.tables import Form, Table, print_tables, table_options
from ams_etl.errors import ConfigError
from ams_etl.rules.contacts.connections import connection_type_named, no_such_type
from ams_etl.rules.settings import SourceSystem
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect
from ams_etl.sync.contacts.user_mappings import UserMapping, list_mappings, store_mappings

_COLUMNS = ("connection_type", "employee_code", "user_id", "user_name")


@click.group()
def users() -> None:
    """The user mapping: AMS360 employee in a role to platform user."""


@users.command("map")
@click.argument("agency")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def map_users(agency: str, file: Path) -> None:
    """Load FILE.csv with the columns connection_type,employee_code,user_id,user_name.

    Connection types are those of AGENCY's system, whatever their case. Employee codes are taken exactly as written: three
    characters, blanks and case included.
    """
    mappings = read_csv(file, load_agencies().get(agency).system)
    with connect(prepare()) as connection:
        changed = store_mappings(connection, agency, mappings)
    click.echo(f"{len(mappings)} mappings read, {changed} new or changed; the next sync sets their contacts' owners")


@users.command("list")
@click.argument("agency")
@click.option("--type", "connection_type", help="Only this connection type, such as Executive.")
@click.option("--unmapped", is_flag=True, help="Only employees without a platform user.")
@table_options
def list_users(agency: str, connection_type: str | None, unmapped: bool, form: Form) -> None:
    """Show who is mapped, who is not, who has left, and how many contacts each holds.

    A code that had another name when it was mapped may be somebody else's by now. Its user keeps the contacts: `users map` with
    the same user says that it is the same person, with another user that it is not.
    """
    system = load_agencies().get(agency).system
    if connection_type is not None and connection_type_named(system, connection_type) is None:
        raise click.BadParameter(no_such_type(system, connection_type), param_hint="--type")
    with connect(prepare()) as connection:
        rows = list_mappings(connection, agency, connection_type=connection_type, unmapped=unmapped)
    unmapped_user = "unmapped" if form == "table" else None
    print_tables(
        form,
        Table(
            "users",
            ("type", "employee", "name", "status", "user", "user name", "contacts", "was mapped as"),
            [
                (
                    row.connection_type, row.employee_code, row.employee_name, row.employee_status,
                    row.user_id or unmapped_user, row.user_name, row.contacts, row.mapped_name,
                )
                for row in rows
            ],
            ids=("type", "employee", "user"),
        ),
    )  # fmt: skip


def read_csv(file: Path, system: SourceSystem) -> list[UserMapping]:
    """Return the mappings of a CSV file.

    Raises:
        ConfigError: a column is missing, a row has no connection type, code or user, or the system has no such type.
    """
    with file.open(newline="", encoding="utf-8-sig") as handle:
        reader = csv.DictReader(handle)
        missing = [name for name in _COLUMNS[:3] if name not in (reader.fieldnames or ())]
        if missing:
            raise ConfigError(f"{file}: expected the columns {','.join(_COLUMNS)}; missing: {', '.join(missing)}")
        mappings = []
        for number, row in enumerate(reader, start=2):
            if not (row["connection_type"] and row["employee_code"] and row["user_id"]):
                raise ConfigError(f"{file}: line {number}: expected a connection_type, an employee_code and a user_id")
            kind = connection_type_named(system, row["connection_type"])
            if kind is None:
                raise ConfigError(f"{file}: line {number}: {no_such_type(system, row['connection_type'])}")
            mappings.append(UserMapping(kind, row["employee_code"], row["user_id"], row.get("user_name") or None))
    return mappings
