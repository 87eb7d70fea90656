"""`ams-etl forget`: erase a person who asks for it, and keep them from coming back."""

from datetime import datetime

import click

from ams_etl.cli.instance import prepare
from ams_etl.cli.tables import Form, Table, print_tables, table_options
from ams_etl.errors import ConfigError
from ams_etl.settings import home, load_agencies
from ams_etl.store.database import connect
from ams_etl.store.privacy.access_log import count_command


@click.command()
@click.argument("agency")
@click.argument("asked", metavar="CONTACT|EMAIL|CUSTOMER_NUMBER")
@click.option("--apply", "is_applied", is_flag=True, help="Erase. It cannot be undone; without it this only looks.")
@table_options
def forget(agency: str, asked: str, form: Form, *, is_applied: bool) -> None:
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
        person = find_person(connection, agency, chosen.settings, asked)
        count_command(connection, agency, "forget", len(person.contacts))
        traces = [*traces_in_database(connection, agency, person.values), *traces_in_files(home(), person.values)]
        rows = [(trace.where, trace.column, trace.rows) for trace in traces]
        print_tables(form, Table("traces", ("where", "column", "rows"), rows, title="where this person is stored"))
        for line in _remarks(len(person.contacts), len(person.records), sealed_bodies(connection, agency)):
            click.echo(line, err=True)
        if not is_applied:
            click.echo("nothing was erased; with --apply it is, and cannot be undone", err=True)
            return
        today = datetime.now(agencies.schedule.zone).date()
        erased = erase(connection, agency, chosen.settings, chosen.brake, today, person)
    click.echo(
        f"erased: {erased.records} source records, {erased.contacts} contacts, {erased.changes} rows of their history, "
        f"{erased.events} events, {erased.writebacks} writes, {erased.notifications} bodies of notifications"
    )
    files = [trace.where for trace in traces_in_files(home(), person.values)]
    if erased.outside or files:
        raise ConfigError(f"still to be deleted by a person: {', '.join([*erased.outside, *files])}")


def _remarks(contacts: int, records: int, sealed: int) -> list[str]:
    remarks = [
        f"{contacts} contacts, {records} source records; what other people share with this person stays theirs",
        "out of reach: AMS360 itself, exports, backups, and what consumers of the change feed copied (they get a delete)",
    ]
    if sealed:
        remarks.append(
            f"{sealed} encrypted bodies of notifications cannot be searched; parked_retention_days deletes them"
        )
    return remarks
