"""`ams-etl merges`: customers that were merged into another one in AMS360, and those that perhaps were (M9)."""

import getpass

import click

from ams_etl.cli.instance import prepare
from ams_etl.cli.tables import Form, Table, print_tables, table_options
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect
from ams_etl.store.privacy.access_log import count_command
from ams_etl.sync.pair_decisions import Decision


@click.group()
@click.argument("agency")
@click.pass_context
def merges(context: click.Context, agency: str) -> None:
    """AGENCY's customers that are gone because they were merged; confirm or refuse what is suggested."""
    load_agencies().get(agency)
    context.obj = agency


@merges.command("list")
@click.option("--state", type=click.Choice(["merged", "suggested", "refused"]), help="Only those of this state.")
@table_options
@click.pass_obj
def list_them(agency: str, state: str | None, form: Form) -> None:
    """Show merged customers with the other one, and who shares a name or an email with one that is gone (personal data)."""
    from ams_etl.sync.customer_merges.merge_decisions import list_merges

    with connect(prepare()) as connection:
        rows = list_merges(connection, agency, state=state)
        count_command(connection, agency, "merges list", len(rows))
    print_tables(
        form,
        Table(
            "merges",
            ("state", "because of", "gone", "number", "name", "customer", "its number", "its name"),
            [
                (
                    row.state, row.evidence, row.customer_id, str(row.customer_number or ""), row.name,
                    row.other_id, str(row.other_number or ""), row.other_name,
                )
                for row in rows
            ],
            ids=("state", "gone", "number", "customer", "its number"),
        ),
    )  # fmt: skip


@merges.command()
@click.argument("gone")
@click.argument("customer")
@click.pass_obj
def confirm(agency: str, gone: str, customer: str) -> None:
    """Say that the customer GONE was merged into CUSTOMER, each a CustomerId."""
    _decide(agency, gone, customer, "confirmed")


@merges.command()
@click.argument("gone")
@click.argument("customer")
@click.pass_obj
def refuse(agency: str, gone: str, customer: str) -> None:
    """Say that the customer GONE was not merged into CUSTOMER, whatever their records say."""
    _decide(agency, gone, customer, "refused")


@merges.command()
@click.argument("gone")
@click.argument("customer")
@click.pass_obj
def undo(agency: str, gone: str, customer: str) -> None:
    """Take back what was said of GONE and CUSTOMER."""
    from ams_etl.sync.customer_merges.merge_decisions import undo_merge_decision

    with connect(prepare()) as connection:
        known = undo_merge_decision(connection, agency, gone, customer)
    click.echo("taken back; the next sync decides by the records" if known else "nothing was said of these two")


def _decide(agency: str, gone: str, customer: str, decision: Decision) -> None:
    from ams_etl.sync.customer_merges.merge_decisions import decide_merge

    with connect(prepare()) as connection:
        decide_merge(connection, agency, gone, customer, decision, decided_by=getpass.getuser())
    click.echo(f"{decision}; the next sync acts on it")
