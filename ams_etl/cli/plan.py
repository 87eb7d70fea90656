"""`ams-etl plan`: what publishing would change, for people to review: who, what from and to, and by which rule."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click
import psycopg

from ams_etl.cli.instance import prepare
from ams_etl.cli.plan_file import write_plan
from ams_etl.cli.tables import Form, Table, print_tables, printable, remark, table_options
from ams_etl.rules.settings import RuleSettings
from ams_etl.settings import Agency, load_agencies
from ams_etl.store.database import connect
from ams_etl.store.privacy.access_log import count_command
from ams_etl.sync.contacts.plan_report import (
    FieldChange,
    KindOfChange,
    PlannedChange,
    SkipChange,
    StoredPlan,
    changes_of_plan,
    kinds_of,
    latest_plan,
    skip_changes,
)
from ams_etl.sync.contacts.plan_rules import rule_of, rules_of_plan

_COLOURS = {"insert": "green", "update": "yellow", "delete": "red"}
_BATCH = 500
EXAMPLE_CONTACTS = 20
"""Contacts shown in detail unless all are asked for."""
CHANGES = ("op", "contact id", "name", "company", "email", "field", "before", "after", "rule")
"""Columns of the changes in JSON, CSV and files."""

ChangeRow = tuple[str, str, str, str | None, str | None, str | None, str | None, str | None, str | None]


@click.command("plan")
@click.argument("agency")
@click.option("--full", is_flag=True, help="Show every contact, not only counts and examples.")
@click.option(
    "--to",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write every change to a .xlsx, .csv or .html file.",
)
@table_options
def show_plan(agency: str, file: Path | None, form: Form, *, full: bool) -> None:
    """Show the latest plan of AGENCY, made by `ams-etl sync AGENCY --plan` or stopped before it was published.

    What it prints is personal data.
    """
    chosen = load_agencies().get(agency)
    with connect(prepare()) as connection:
        print_plan(connection, chosen, form, full=full, file=file)


def print_plan(
    connection: psycopg.Connection[Any], agency: Agency, form: Form, *, full: bool = False, file: Path | None = None
) -> None:
    """Print counts by kind of change, skip reasons, and contacts with their changed fields; or write all to a file."""
    plan = latest_plan(connection, agency.id)
    if plan is None:
        if form != "table":
            print_tables(form, Table("changes", CHANGES, []))
        remark(form, f"no plan for {agency.id}; make one with `ams-etl sync {agency.id} --plan`")
        return
    shown = sum(plan.counts[op] for op in ("insert", "update", "delete"))
    is_short = form == "table" and file is None and not full
    count_command(connection, agency.id, "plan", min(shown, EXAMPLE_CONTACTS) if is_short else shown)
    if file is not None:
        count = write_plan(file, CHANGES, change_rows(connection, agency, plan))
        click.echo(f"{count:,} changes written to {file}")
        return
    if form == "csv":
        print_tables(form, Table("changes", CHANGES, list(change_rows(connection, agency, plan))))
        return
    kinds = kinds_of(changes_of_plan(connection, agency.id))
    summary = [kinds_table(kinds), skips_table(skip_changes(connection, agency.id))]
    if form == "json":
        about = Table("plan", ("plan id", "made for", "counts", "stopped by"),
                      [(plan.plan_id, plan.today, plan.counts, plan.stopped_by)])  # fmt: skip
        print_tables(form, about, *summary, Table("changes", CHANGES, list(change_rows(connection, agency, plan))))
        return
    limit = None if full else EXAMPLE_CONTACTS
    print_changes(connection, agency.id, islice(changes_of_plan(connection, agency.id), limit), agency.settings, plan)
    total = sum(plan.counts[op] for op in ("insert", "update", "delete"))
    if limit is not None and total > limit:
        click.echo(f"… and {total - limit:,} more contacts (--full shows all, --to plan.xlsx writes all)")
    print_tables(form, *(table for table in summary if table.rows))
    counts = plan.counts
    click.echo(
        f"plan {plan.plan_id}: {counts['insert']:,} to insert, {counts['update']:,} to update, "
        f"{counts['delete']:,} to delete, {counts['unchanged']:,} checked and unchanged"
    )
    if plan.stopped_by:
        click.secho(f"stopped for your decision: {plan.stopped_by}", fg="red")
    click.echo(f"apply exactly this plan with `ams-etl sync {agency.id} --apply {plan.plan_id}`")


def print_changes(
    connection: psycopg.Connection[Any],
    agency: str,
    changes: Iterable[PlannedChange],
    settings: RuleSettings,
    plan: StoredPlan,
) -> None:
    """Print the contacts of a plan with their changed fields and rules."""
    for change, rules in with_rules(connection, agency, changes, settings, plan):
        print_change(change, rules)


def print_change(change: PlannedChange, rules: Sequence[str]) -> None:
    """Print a line for a contact, and beneath it one for each field that changes, with its rule."""
    click.secho(f"{change.op:<6} {printable(change.person)}", fg=_COLOURS[change.op], nl=False)
    click.secho(f"  {change.contact_id}", dim=True)
    for changed, rule in zip(change.fields, rules, strict=True):
        click.echo(f"         {changed.name}: {_from_to(changed)}{f'  ({rule})' if rule else ''}")
    if change.op == "insert":
        click.echo(f"         {printable(_about(change))}")


def with_rules(
    connection: psycopg.Connection[Any],
    agency: str,
    changes: Iterable[PlannedChange],
    settings: RuleSettings,
    plan: StoredPlan,
) -> Iterator[tuple[PlannedChange, Sequence[str]]]:
    """Yield each change with the rules behind its changed fields, in their order."""
    remaining = iter(changes)
    while some := list(islice(remaining, _BATCH)):
        updated = [change.contact_id for change in some if change.op == "update"]
        rules = rules_of_plan(connection, agency, updated, settings, plan.today)
        for change in some:
            yield change, [rule_of(rules, change.contact_id, changed.name) for changed in change.fields]


def change_rows(connection: psycopg.Connection[Any], agency: Agency, plan: StoredPlan) -> Iterator[ChangeRow]:
    """Yield a row for each changed field, and one for each new or deleted contact, under `CHANGES`."""
    changes = list(changes_of_plan(connection, agency.id))
    for change, rules in with_rules(connection, agency.id, changes, agency.settings, plan):
        about = (change.op, str(change.contact_id), change.name, change.company, change.email)
        if change.op != "update":
            yield (*about, None, None, None, None)
        for changed, rule in zip(change.fields, rules, strict=True):
            yield (*about, changed.name, changed.before, changed.after, rule or None)


def kinds_table(kinds: dict[str, KindOfChange]) -> Table:
    """Return the kinds of change with their counts and examples as a table."""
    return Table(
        "kinds",
        ("what changes", "contacts", "for instance"),
        [
            (name, kind.contacts, "; ".join(_example(change, name) for change in kind.examples))
            for name, kind in kinds.items()
        ],
    )


def skips_table(skips: Iterable[SkipChange]) -> Table:
    """Return how the skipped records change as a table."""
    return Table(
        "skipped",
        ("source records", "reason", "rule", "records"),
        [(skip.change, skip.reason, skip.rule, skip.records) for skip in skips],
    )


def field_of_kind(change: PlannedChange, kind: str) -> FieldChange | None:
    """Return the field whose change makes a contact one of this kind; None where the kind says it all, as with a tag."""
    return next((field for field in change.fields if kind == f"{field.name} changed"), None)


def _example(change: PlannedChange, kind: str) -> str:
    changed = field_of_kind(change, kind)
    return f"{change.person}: {_from_to(changed)}" if changed else change.person


def _from_to(changed: FieldChange) -> str:
    return f"{printable(changed.before) or 'nothing'} -> {printable(changed.after) or 'nothing'}"


def _about(change: PlannedChange) -> str:
    """Say of a new contact what a reviewer asks first: status, owner, tags and where it comes from."""
    owner = change.document["owner_user_id"] or "nobody"
    tags = ", ".join(row["tag"] for row in change.document["tags"])
    return f"{change.document['status']}, owner {owner}, tags {tags or 'none'}, from {', '.join(change.sources)}"
