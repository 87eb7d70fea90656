"""`ams-etl why`: why a contact is what it is, or why a customer is none."""

from collections.abc import Iterable
from datetime import datetime

import click
from rich.console import Console
from rich.table import Table

from ams_etl.cli.instance import prepare
from ams_etl.rules.model import Finding
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect


@click.command()
@click.argument("agency")
@click.argument("asked", metavar="CONTACT|CUSTOMER_NUMBER|EMAIL")
def why(agency: str, asked: str) -> None:
    """Show each field, tag, Key Fact, owner and connection with its rule and the source value behind it.

    For a customer that became no contact: the reason. What it prints is personal data.
    """
    from ams_etl.sync.contacts.why import why as ask

    agencies = load_agencies()
    settings = agencies.get(agency).settings
    with connect(prepare()) as connection:
        answers = ask(connection, agency, asked, settings, datetime.now(agencies.schedule.zone).date())
    console = Console()
    for answer in answers:
        if answer.contact_id:
            console.print(_table(f"contact {answer.contact_id}", answer.contact))
            console.print(_table("what its source records give", answer.records))
        else:
            console.print(_table("no contact of their own", answer.records))


def _table(title: str, findings: Iterable[Finding]) -> Table:
    table = Table("field", "value", "rule", "from", "member", "as it stands there", title=title, title_justify="left")
    for one in findings:
        table.add_row(
            one.field, one.value, one.rule, f"{one.source_entity} {one.source_entity_id}", one.source_field,
            one.source_value or "",
        )  # fmt: skip
    return table
