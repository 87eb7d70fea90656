"""`ams-etl why`: explain why a contact is what it is, or why a customer is not a contact."""

from collections.abc import Iterable
from datetime import datetime

import click

from ams_etl.cli.instance import prepare
from ams_etl.cli.tables import Form, Table, print_tables, table_options
from ams_etl.rules.contacts.findings import meanings
from ams_etl.rules.model import Finding
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect
from ams_etl.store.privacy.access_log import count_command


@click.command()
@click.argument("agency")
@click.argument("asked", metavar="CONTACT|CUSTOMER_NUMBER|EMAIL")
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]),
    help="Show the contact as it was at this moment (the schedule's time zone), and since when it has had each value.",
)
@table_options
def why(agency: str, asked: str, at: datetime | None, form: Form) -> None:
    """Show each field, tag, Key Fact, owner and connection with its rule and the source value behind it.

    For a customer that became no contact: the reason. What it prints is personal data.
    """
    from ams_etl.sync.contacts.why import why as ask

    if at is not None:
        from ams_etl.cli.history import past

        past(agency, asked, at, form)
        return
    agencies = load_agencies()
    settings = agencies.get(agency).settings
    with connect(prepare()) as connection:
        answers = ask(connection, agency, asked, settings, datetime.now(agencies.schedule.zone).date())
        count_command(connection, agency, "why", len(answers))
    tables = []
    for answer in answers:
        if answer.contact_id:
            tables.append(_table("contact", f"contact {answer.contact_id}", answer.contact))
            tables.append(_table("records", "what its source records give", answer.records))
        else:
            tables.append(_table("records", "no contact of their own", answer.records))
    if form == "table":
        print_tables(form, *tables)
        remarks = meanings(finding for answer in answers for finding in (*answer.contact, *answer.records))
        for remark, sentence in remarks.items():
            click.echo(f"{remark}: {sentence}")
    else:
        print_tables(form, Table("findings", tables[0].columns, [row for table in tables for row in table.rows]))


def _table(name: str, title: str, findings: Iterable[Finding]) -> Table:
    return Table(
        name,
        ("of", "field", "value", "rule", "from", "from id", "member", "source value"),
        [
            (
                finding.entity, finding.field, finding.value, finding.rule, finding.source_entity,
                finding.source_entity_id, finding.source_field, finding.source_value,
            )
            for finding in findings
        ],
        title=title,
        ids=("from id", "rule"),
    )  # fmt: skip
