"""`ams-etl writeback`: deliver what waits, see what would be sent, decide what only a person can."""

import json
from uuid import UUID

import click

from ams_etl.cli.instance import dagster_instance, prepare, run_job
from ams_etl.cli.progress import show_progress
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect

_RECORDS = {"ams360": "customer", "benefitpoint": "BenefitPoint account"}


class _DeliversByDefault(click.Group):
    """`ams-etl writeback AGENCY` is short for `ams-etl writeback deliver AGENCY`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command in where an agency stands in its place."""
        first = next((one for one in args if not one.startswith("-")), None)
        if first is not None and first not in self.commands:
            args = ["deliver", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_DeliversByDefault)
def writeback() -> None:
    """Write what happened in the platform to AMS360 and BenefitPoint: `ams-etl writeback AGENCY` delivers what waits."""


@writeback.command()
@click.argument("agency")
@click.option("--plan", is_flag=True, help="Print the exact records that would be written; send nothing.")
def deliver(agency: str, *, plan: bool) -> None:
    """Deliver what waits in AGENCY's outbox; shows up as a run in the Dagster UI.

    What --plan prints is personal data.
    """
    from ams_etl.writeback.people.health import health
    from ams_etl.writeback.people.preview import planned_records

    show_progress()
    url = prepare()
    agencies = load_agencies()
    chosen = agencies.get(agency)
    if plan:
        count = 0
        with connect(url) as connection:
            for one in planned_records(connection, chosen, agencies.schedule.zone):
                count += 1
                click.secho(
                    f"{one.operation}  {_RECORDS[one.system]} {one.record_id or '(to be created)'}  from {one.kind}",
                    bold=True,
                )
                click.echo(json.dumps(one.arguments, indent=2, ensure_ascii=False))
                if one.remark:
                    click.echo(f"# {one.remark}")
        click.echo(f"{count:,} writes would be sent; nothing was")
        return
    with dagster_instance() as instance:
        run_id = run_job("writeback", agency, None, instance, direction="writeback")
    with connect(url) as connection:
        found = health(connection, agency)
    for _, kind, status, count, _ in found.counts:
        click.echo(f"{kind:<20} {status:<12} {count:>8,}")
    for state, count in found.events:
        click.echo(f"{'events':<20} {state:<12} {count:>8,}")
    if found.uncertain:
        click.secho(f"{found.uncertain:,} are uncertain: `ams-etl writeback list {agency}`", fg="yellow")
    click.echo(f"run {run_id}; look at it with `ams-etl up`")


@writeback.command("list")
@click.argument("agency")
@click.option("--status", "statuses", multiple=True, help="Default: failed and uncertain. May be given several times.")
@click.option("--limit", default=100, show_default=True)
def list_command(agency: str, statuses: tuple[str, ...], limit: int) -> None:
    """Show writes that failed or that nobody knows the outcome of, with the reason."""
    from ams_etl.writeback.people.stuck_writes import list_writebacks

    load_agencies().get(agency)
    with connect(prepare()) as connection:
        rows = list_writebacks(connection, agency, statuses or ("failed", "uncertain"), limit)
    for row in rows:
        tries = f"{row.attempts} {'try' if row.attempts == 1 else 'tries'}"
        click.secho(f"{row.writeback_id}  {row.status}", bold=True, nl=False)
        click.echo(
            f"  {row.operation} of {row.kind}, {_RECORDS[row.system]} {row.customer_id or 'not known yet'}, {tries}",
            nl=False,
        )
        click.echo(f", of {row.created_at:%Y-%m-%d %H:%M}" + (f", {row.target_id} there" if row.target_id else ""))
        click.echo(f"    {row.error or row.note or 'no remark'}")
    if not rows:
        click.echo("none")


@writeback.command()
@click.argument("agency")
@click.argument("writeback_id", metavar="ID", type=click.UUID)
@click.option("--delivered", "decision", flag_value="delivered", help="It is there: settle it.")
@click.option("--again", "decision", flag_value="again", help="It is not there: send it again.")
@click.option("--target", help="Its id there, where you know it; needed for a new customer or account.")
def resolve(agency: str, writeback_id: UUID, decision: str | None, target: str | None) -> None:
    """Say what became of an uncertain write, after looking at the customer in the system that it goes to."""
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
    """Let failed writes be sent again, all or these, planned anew by today's settings and mappings."""
    from ams_etl.writeback.people.stuck_writes import replay as again

    agencies = load_agencies()
    with connect(prepare()) as connection:
        count = again(connection, agencies.get(agency), agencies.schedule.zone, writeback_ids or None)
    click.echo(f"{count:,} writes wait to be sent again; the next delivery takes them")
