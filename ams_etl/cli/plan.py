"""`ams-etl plan`: what publishing would change, record by record and field by field."""

from typing import Any

import click
import psycopg

from ams_etl.cli.instance import prepare
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect
from ams_etl.sync.contacts.plan_report import PlannedChange, changes_of_plan, latest_plan

_COLOURS = {"insert": "green", "update": "yellow", "delete": "red"}


@click.command("plan")
@click.argument("agency")
@click.option("--limit", default=50, show_default=True, help="How many contacts to show; 0 shows all.")
def show_plan(agency: str, limit: int) -> None:
    """Show the latest plan of AGENCY, made by `ams-etl sync AGENCY --plan` or stopped by the brake."""
    load_agencies().get(agency)
    with connect(prepare()) as connection:
        print_plan(connection, agency, limit=limit)


def print_change(change: PlannedChange) -> None:
    """One contact's line, and a line for each field that changes."""
    click.secho(f"{change.op:<6} {change.contact_id}  from {', '.join(change.sources)}", fg=_COLOURS[change.op])
    for field, before, after in change.fields:
        click.echo(f"         {field}: {before} -> {after}")


def print_plan(connection: psycopg.Connection[Any], agency: str, *, limit: int = 50) -> None:
    """Print the counts, then each contact with its changed fields."""
    plan = latest_plan(connection, agency)
    if plan is None:
        click.echo(f"no plan for {agency}; make one with `ams-etl sync {agency} --plan`")
        return
    shown = 0
    for change in changes_of_plan(connection, agency):
        shown += 1
        if limit and shown > limit:
            continue
        print_change(change)
    if limit and shown > limit:
        click.echo(f"… and {shown - limit:,} more (--limit 0 shows all)")
    counts = plan.counts
    click.echo(
        f"plan {plan.plan_id}: {counts['insert']:,} to insert, {counts['update']:,} to update, "
        f"{counts['delete']:,} to delete, {counts['unchanged']:,} looked at and unchanged"
    )
    if plan.stopped_by:
        click.secho(f"the brake holds it: {plan.stopped_by}", fg="red")
    click.echo(f"apply exactly this plan with `ams-etl sync {agency} --apply {plan.plan_id}`")
