"""`ams-etl forget`: erase a person who asks for it, keep them from coming back, and prove both."""

from datetime import datetime
from typing import TYPE_CHECKING

import click
import psycopg

from ams_etl.cli.instance import prepare
from ams_etl.cli.tables import Form, Table, print_tables, table_options
from ams_etl.errors import ConfigError
from ams_etl.settings import home, load_agencies
from ams_etl.store.database import connect
from ams_etl.store.privacy.access_log import count_command

if TYPE_CHECKING:
    from ams_etl.sync.forgetting.person import Person

_SYSTEMS = {
    "ams360": "AMS360", "benefitpoint": "BenefitPoint", "hawksoft": "HawkSoft", "qq_catalyst": "QQ Catalyst", "mycase": "MyCase",
}  # fmt: skip


@click.command()
@click.argument("agency")
@click.argument("asked", metavar="CONTACT|EMAIL|CUSTOMER_NUMBER")
@click.option("--apply", "is_applied", is_flag=True, help="Erase. It cannot be undone; without it this only looks.")
@click.option(
    "--proof",
    "is_proof",
    is_flag=True,
    help="For an auditor: say when this email, phone or record was forgotten, and search everything for the text.",
)
@table_options
def forget(agency: str, asked: str, form: Form, *, is_applied: bool, is_proof: bool) -> None:
    """Show where a person is stored; with --apply erase it all and withhold them from every later sync.

    By a CustomerNumber it is the customer's own record; its contacts and dependents are people of their own. AMS360 itself
    is never changed: a person must do there what the law asks for.
    """
    from ams_etl.sync.forgetting.erase import erase
    from ams_etl.sync.forgetting.person import find_person
    from ams_etl.sync.forgetting.traces import sealed_bodies, traces_in_database, traces_in_files

    agencies = load_agencies()
    chosen = agencies.get(agency)
    with connect(prepare()) as connection:
        if is_proof:
            _prove(connection, agency, asked.strip(), form)
            return
        person = find_person(connection, agency, chosen.settings, asked)
        count_command(connection, agency, "forget", len(person.contacts))
        traces = [*traces_in_database(connection, agency, person.values), *traces_in_files(home(), person.values)]
        rows = [(trace.where, trace.column, trace.rows) for trace in traces]
        records = [(record.table, record.entity_id, record.part) for record in person.records]
        own = Table(
            "records",
            ("table", "record", "person inside it"),
            records,
            "records that are this person's",
            ids=("record",),
        )
        print_tables(
            form,
            own,
            Table("traces", ("where", "column", "rows"), rows, title="where texts of this person alone are stored"),
        )
        for line in _remarks(person, sealed_bodies(connection, agency)):
            click.echo(line, err=True)
        if not is_applied:
            click.echo("nothing was erased; with --apply it is, and cannot be undone", err=True)
            return
        today = datetime.now(agencies.schedule.zone).date()
        erased = erase(connection, agency, chosen.settings, chosen.brake, today, person)
    click.echo(
        f"erased: {erased.records} source records, {erased.contacts} contacts, {erased.changes} rows of their history, "
        f"{erased.events} events, {erased.writebacks} writes, {erased.notifications} bodies of notifications",
        err=form != "table",
    )
    files = [trace.where for trace in traces_in_files(home(), person.values)]
    if erased.outside or files:
        raise ConfigError(f"still to be deleted by a person: {', '.join([*erased.outside, *files])}")


def _prove(connection: psycopg.Connection[object], agency: str, asked: str, form: Form) -> None:
    """Print the tombstones of a text, and whether it is stored anywhere; fail where it is."""
    from ams_etl.store.privacy.tombstones import forgotten_at
    from ams_etl.sync.forgetting.traces import traces_in_database, traces_in_files

    count_command(connection, agency, "forget --proof", 0)
    stones = forgotten_at(connection, agency, asked)
    traces = [*traces_in_database(connection, agency, [asked]), *traces_in_files(home(), [asked])]
    print_tables(
        form,
        Table("forgotten", ("kind", "forgotten at"), stones, title="tombstones"),
        Table("traces", ("where", "column", "rows"), [(trace.where, trace.column, trace.rows) for trace in traces]),
    )
    if not stones:
        raise ConfigError(f"{agency}: nobody was forgotten by this text; give it as the source spelled it")
    if traces:
        raise ConfigError(f"{agency}: it was forgotten, and it is stored again; check the places above")
    click.echo("it was forgotten, and no table and no file of home holds it", err=True)


def _remarks(person: "Person", sealed: int) -> list[str]:
    systems = sorted({_SYSTEMS[record.table.partition(".")[0].removeprefix("raw_")] for record in person.records})
    numbers = f" (customer {', '.join(map(str, person.numbers))})" if person.numbers else ""
    remarks = [
        f"{len(person.contacts)} contacts, {len(person.records)} source records; what others share with this person stays",
        f"a person must delete or anonymise the records above in {' and '.join(systems)}{numbers}: nothing is written there",
        "out of reach: exports, backups, and what consumers of the change feed copied (they get a delete)",
    ]
    for table, rows in person.shared:
        remarks.append(f"{table}: up to {rows} records of others hold a text of this person, too, and keep it")
    if sealed:
        remarks.append(
            f"{sealed} encrypted bodies of notifications cannot be searched; parked_retention_days deletes them"
        )
    return remarks
