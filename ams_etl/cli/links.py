"""`ams-etl links`: which BenefitPoint account is which AMS360 customer (B1, B8), and which plans wait for a code (B5)."""

import getpass
import socket

import click

from ams_etl.cli.instance import prepare
from ams_etl.cli.tables import Form, Table, print_tables, remark, table_options
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect
from ams_etl.store.lease import leased
from ams_etl.store.privacy.access_log import count_command


@click.group()
@click.argument("agency")
@click.pass_context
def links(context: click.Context, agency: str) -> None:
    """AGENCY's links between AMS360 and BenefitPoint: confirm or refuse what is suggested; see which plans wait."""
    load_agencies().get(agency)
    context.obj = agency


@links.command("list")
@click.option(
    "--state", type=click.Choice(["confirmed", "suggested", "refused", "dormant"]), help="Only links of this state."
)
@table_options
@click.pass_obj
def list_them(agency: str, state: str | None, form: Form) -> None:
    """Show links with the names on both sides, the likeliest suggestions first."""
    from ams_etl.sync.links.stored_links import list_links

    with connect(prepare()) as connection:
        rows = list_links(connection, agency, state=state)
        count_command(connection, agency, "links list", len(rows))
    columns = (
        "state", "because of", "score", "AMS360 customer", "number", "AMS360 name", "account", "BenefitPoint name",
        "decided by",
    )  # fmt: skip
    print_tables(
        form,
        Table(
            "links",
            columns,
            [
                (
                    row.state, ", ".join(row.detail) or row.evidence, round(row.score, 2), row.customer_id,
                    str(row.customer_number or ""), row.customer_name, str(row.account_id), row.account_name, row.decided_by,
                )
                for row in rows
            ],
            ids=("state", "AMS360 customer", "number", "account"),
        ),
    )  # fmt: skip


@links.command("plans")
@table_options
@click.pass_obj
def waiting_plans(agency: str, form: Form) -> None:
    """Show why new plans wait before they become AMS360 policies, and the lines that the settings lack (B5)."""
    from ams_etl.writeback.benefit_plans.waiting import missing_codes, settings_lines

    with connect(prepare()) as connection:
        missing = missing_codes(connection, agency)
    waiting = Table("plans", ("plans", "since", "reason"), [(code.plans, code.since, code.reason) for code in missing])
    if missing or form != "table":
        print_tables(form, waiting)
    else:
        click.echo("no plan waits")
    lines = settings_lines(missing)
    if lines:
        remark(form, "\nFor agencies.yaml, under benefitpoint; a code shown here is AMS360's for the same name:\n")
        remark(form, lines)
        remark(form, "\nThe next sync adds the plans.")


@links.command()
@click.argument("customer_id")
@click.argument("account_id", type=int)
@click.pass_obj
def confirm(agency: str, customer_id: str, account_id: int) -> None:
    """Say that AMS360's CUSTOMER_ID and BenefitPoint's ACCOUNT_ID are one account."""
    _decide(agency, customer_id, account_id, yes=True)


@links.command()
@click.argument("customer_id")
@click.argument("account_id", type=int)
@click.pass_obj
def refuse(agency: str, customer_id: str, account_id: int) -> None:
    """Say that they are not one account, whatever their names or ids say."""
    _decide(agency, customer_id, account_id, yes=False)


def _decide(agency: str, customer_id: str, account_id: int, *, yes: bool) -> None:
    from ams_etl.sync.accounts.publish_accounts import publish_accounts
    from ams_etl.sync.accounts.publish_policies import publish_policies
    from ams_etl.sync.links.stored_links import decide

    url = prepare()
    with (
        connect(url) as connection,
        leased(url, agency, "publish", f"ams-etl links on {socket.gethostname()}") as lease,
    ):
        decide(
            connection, agency, customer_id, account_id, "confirmed" if yes else "refused", decided_by=getpass.getuser()
        )
        limits = load_agencies().get(agency).brake
        counts = publish_accounts(connection, agency, limits=limits, lease=lease).accounts
        publish_policies(connection, agency, limits=limits, lease=lease)
    click.echo(f"{'confirmed' if yes else 'refused'}; accounts: {counts.updated} updated, "
               f"{counts.inserted} new, {counts.deleted} gone")  # fmt: skip
