"""`ams-etl writeback`: deliver what waits, see what would be sent, decide what only a person can."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

import click

from ams_etl.cli.instance import dagster_instance, prepare, run_job
from ams_etl.cli.progress import show_progress
from ams_etl.cli.tables import Form, Table, print_tables, remark, table_options
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect
from ams_etl.store.privacy.access_log import count_command

if TYPE_CHECKING:
    from ams_etl.writeback.people.preview import PlannedRecord

_RECORDS = {"ams360": "customer", "benefitpoint": "BenefitPoint account"}


class _DeliversByDefault(click.Group):
    """`ams-etl writeback AGENCY` is short for `ams-etl writeback deliver AGENCY`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the default command if an agency is in its place."""
        first = next((argument for argument in args if not argument.startswith("-")), None)
        if first is not None and first not in self.commands:
            args = ["deliver", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_DeliversByDefault)
def writeback() -> None:
    """Write what happened in the platform to AMS360 and BenefitPoint: `ams-etl writeback AGENCY` delivers what waits."""


@writeback.command()
@click.argument("agency")
@click.option("--plan", is_flag=True, help="Print the exact records that would be written; send nothing.")
@table_options
def deliver(agency: str, form: Form, *, plan: bool) -> None:
    """Deliver what waits in AGENCY's outbox; shows up as a run in the Dagster UI.

    What --plan prints is personal data.
    """
    from ams_etl.writeback.people.claims import claims
    from ams_etl.writeback.people.health import health
    from ams_etl.writeback.people.preview import planned_records

    show_progress()
    url = prepare()
    agencies = load_agencies()
    chosen = agencies.get(agency)
    if plan:
        with connect(url) as connection:
            records = list(planned_records(connection, chosen, agencies.schedule.chosen_zone))
            count_command(connection, agency, "writeback --plan", len(records))
            _print_records(records, form)
        return
    with dagster_instance() as instance:
        run_id = run_job("writeback", agency, None, instance, direction="writeback")
    with connect(url) as connection:
        found, claimed = health(connection, agency), claims(connection, agency)
    print_tables(
        form,
        Table(
            "writes",
            ("system", "kind", "status", "writes", "oldest minutes"),
            [(system, kind, status, count, round(oldest)) for system, kind, status, count, oldest in found.counts],
        ),
        Table("events", ("events", "count"), found.events),
    )
    for claim in claimed:
        remark(form, str(claim))
    if found.uncertain:
        remark(form, f"{found.uncertain:,} are uncertain: `ams-etl writeback list {agency}`")
    remark(form, f"run {run_id}; see it with `ams-etl up`")


def _print_records(records: "Iterable[PlannedRecord]", form: Form) -> None:
    """Print the exact records of a preview; as tables, each record is one JSON document."""
    if form != "table":
        rows = [
            (record.operation, record.system, record.record_id, record.kind, record.remark,
             json.dumps(record.arguments, ensure_ascii=False) if form == "csv" else record.arguments)
            for record in records
        ]  # fmt: skip
        print_tables(form, Table("writes", ("operation", "system", "record", "of", "remark", "arguments"), rows))
        return
    count = 0
    for record in records:
        count += 1
        name = _RECORDS[record.system]
        click.secho(
            f"{record.operation}  {name} {record.record_id or '(to be created)'}  from {record.kind}", bold=True
        )
        click.echo(json.dumps(record.arguments, indent=2, ensure_ascii=False))
        if record.remark:
            click.echo(f"# {record.remark}")
    click.echo(f"{count:,} writes would be sent; nothing was")


@writeback.command("list")
@click.argument("agency")
@click.option("--status", "statuses", multiple=True, help="Default: failed and uncertain. May be given several times.")
@click.option("--limit", default=100, show_default=True)
@table_options
def list_command(agency: str, statuses: tuple[str, ...], limit: int, form: Form) -> None:
    """Show writes that failed or that nobody knows the outcome of, with the reason."""
    from ams_etl.writeback.people.stuck_writes import list_writebacks

    load_agencies().get(agency)
    with connect(prepare()) as connection:
        rows = list_writebacks(connection, agency, statuses or ("failed", "uncertain"), limit)
        count_command(connection, agency, "writeback list", len(rows))
    columns = ("id", "status", "write", "of", "system", "record", "tries", "since", "record made", "reason")
    print_tables(
        form,
        Table(
            "writebacks",
            columns,
            [
                (
                    row.writeback_id, row.status, row.operation, row.kind, row.system, row.customer_id, row.attempts,
                    row.created_at, row.target_id, row.error or row.note,
                )
                for row in rows
            ],
            ids=("id", "record", "record made", "status"),
        ),
    )  # fmt: skip


@writeback.command()
@click.argument("agency")
@click.argument("writeback_id", metavar="ID", type=click.UUID)
@click.option("--delivered", "decision", flag_value="delivered", help="It is there: settle it.")
@click.option("--again", "decision", flag_value="again", help="It is not there: send it again.")
@click.option("--target", help="Its id there, where you know it; needed for a new customer or account.")
def resolve(agency: str, writeback_id: UUID, decision: str | None, target: str | None) -> None:
    """Record what became of an uncertain write, after checking the customer in the system that it goes to."""
    from ams_etl.writeback.people.stuck_writes import resolve as settle

    if decision is None:
        raise click.UsageError("say --delivered or --again; look into AMS360 or BenefitPoint first")
    load_agencies().get(agency)
    with connect(prepare()) as connection:
        settle(connection, agency, writeback_id, "again" if decision == "again" else "delivered", target_id=target)
    click.echo("it will be sent again by the next delivery" if decision == "again" else "settled as delivered")


@writeback.command()
@click.argument("agency")
@click.argument("writeback_ids", metavar="[ID]...", nargs=-1, type=click.UUID)
def replay(agency: str, writeback_ids: tuple[UUID, ...]) -> None:
    """Let failed writes be sent again, all or these, decided again by today's settings and mappings."""
    from ams_etl.writeback.people.stuck_writes import replay as again

    agencies = load_agencies()
    with connect(prepare()) as connection:
        count = again(connection, agencies.get(agency), agencies.schedule.chosen_zone, writeback_ids or None)
    click.echo(f"{count:,} writes wait to be sent again; the next delivery takes them")
