"""`ams-etl consent`: who may not be written to, by which channel, and who said so."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import click

from ams_etl.cli.instance import prepare
from ams_etl.cli.names import the_contact
from ams_etl.cli.suppression_list import read_list
from ams_etl.cli.tables import Form, Table, print_tables, table_options
from ams_etl.rules.reach.consent_address import consent_address
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect
from ams_etl.store.privacy.access_log import count_command
from ams_etl.store.sending import suppressions
from ams_etl.store.sending.consents import Answer, Channel, Consent, store_consents


@click.group()
def consent() -> None:
    """Consent per channel and address: a no stops it, whoever shares the address; a yes lifts no other source's no."""


@consent.command("import")
@click.argument("agency")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--channel", type=click.Choice(get_args(Channel)), default="email", show_default=True)
def import_list(agency: str, file: Path, channel: Channel) -> None:
    """Load a suppression list: FILE.csv with the column address, email or email_sha256, and perhaps answer and at.

    Without an answer every address is a no; without a time, of now. Where a line does not fit, nothing is loaded.
    """
    country = load_agencies().get(agency).settings.default_country
    answers = read_list(file, channel, country)
    with connect(prepare()) as connection:
        changed = store_consents(connection, agency, "import", answers)
    click.echo(f"{len(answers)} answers read, {changed} new or changed")


@consent.command("set")
@click.argument("agency")
@click.argument("channel", type=click.Choice(get_args(Channel)))
@click.argument("address")
@click.argument("answer", type=click.Choice(get_args(Answer)))
@click.option("--because", "evidence", help="What shows it, such as a letter's date.")
def set_one(agency: str, channel: Channel, address: str, answer: Answer, evidence: str | None) -> None:
    """Keep one answer that a person gave."""
    country = load_agencies().get(agency).settings.default_country
    found = consent_address(channel, address, country)
    if found is None:
        raise click.BadParameter(f"not an address for {channel}", param_hint="ADDRESS")
    with connect(prepare()) as connection:
        changed = store_consents(
            connection, agency, "manual", [Consent(channel, found, answer, datetime.now(UTC), evidence)]
        )
    click.echo("kept" if changed else "known already")


@consent.command()
@click.argument("agency")
@click.argument("contact", metavar="CONTACT|CUSTOMER_NUMBER|EMAIL")
@click.option("--because", "reason", help="Why, in a few words.")
def suppress(agency: str, contact: str, reason: str | None) -> None:
    """Let nobody write to CONTACT of AGENCY by any channel until it is released (rule N17)."""
    chosen = load_agencies().get(agency)
    with connect(prepare()) as connection:
        named = the_contact(connection, chosen, contact)
        new = suppressions.suppress(connection, agency, named, by=getpass.getuser(), reason=reason)
    click.echo("suppressed; the next sync publishes the reason" if new else "it was suppressed already")


@consent.command()
@click.argument("agency")
@click.argument("contact", metavar="CONTACT|CUSTOMER_NUMBER|EMAIL")
def release(agency: str, contact: str) -> None:
    """Lift what people suppressed of CONTACT of AGENCY; a mark of the source and refused addresses stay."""
    chosen = load_agencies().get(agency)
    with connect(prepare()) as connection:
        lifted = suppressions.release(connection, agency, the_contact(connection, chosen, contact))
    click.echo("released; the next sync publishes it" if lifted else "nobody suppressed it by hand")


@consent.command("list")
@click.argument("agency")
@table_options
def list_answers(agency: str, form: Form) -> None:
    """Show every answer with its source, time and evidence. What it prints is personal data."""
    load_agencies().get(agency)
    with connect(prepare()) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(
            """select channel, address, answer, source, at, evidence from ops.consents where agency = %s
            order by channel, address, source""",
            (agency,),
        ).fetchall()
        count_command(connection, agency, "consent list", len(rows))
    columns = ("channel", "address", "answer", "source", "at", "evidence")
    print_tables(form, Table("consents", columns, rows, ids=("address",)))
