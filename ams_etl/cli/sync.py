"""`ams-etl sync`: the same job as in the UI, run from here."""

import time
from typing import Any

import click

from ams_etl.cli.first_syncs import sync_new
from ams_etl.cli.instance import dagster_instance, prepare, run_job
from ams_etl.cli.plan import print_plan
from ams_etl.cli.progress import show_progress
from ams_etl.cli.summary import print_accounts, print_summary
from ams_etl.cli.tables import Form, remark, table_options
from ams_etl.settings import Agencies, Agency, load_agencies
from ams_etl.store.database import connect
from ams_etl.sync.identity import is_uuid
from ams_etl.sync.interpret.customers_meant import customers_meant


@click.command()
@click.argument("agency", required=False)
@click.option("--new", is_flag=True, help="All agencies that were never synced, several at once in one run.")
@click.option(
    "--customer",
    "customers",
    multiple=True,
    help="Only this CustomerNumber, CustomerId or email; repeatable.",
)
@click.option(
    "--changed", is_flag=True, help="What changed since the last sync; for AMS360, what the customer list shows."
)
@click.option(
    "--plan",
    "plan_only",
    is_flag=True,
    help="Read and show what would change; change nothing in the mart. With --new: show which agencies.",
)
@click.option(
    "--apply",
    "apply_plan",
    metavar="PLAN",
    help="Publish exactly this plan, past the brake; `accounts`: accounts and policies.",
)
@click.option("--fresh", is_flag=True, help="Begin again instead of continuing a full sync that was cut off.")
@click.option("--benefitpoint", is_flag=True, help="What changed in BenefitPoint now; with --fresh, all of it.")
@table_options
def sync(
    agency: str | None,
    customers: tuple[str, ...],
    apply_plan: str | None,
    form: Form,
    *,
    new: bool,
    changed: bool,
    plan_only: bool,
    fresh: bool,
    benefitpoint: bool,
) -> None:
    """Sync AGENCY: everything, what changed, or just some customers; shows up as a run in the Dagster UI."""
    if new:
        if agency or customers or changed or apply_plan or fresh or benefitpoint:
            raise click.UsageError("--new goes with --plan alone: it reads all of every agency that was never synced")
        sync_new(form, plan_only=plan_only)
        return
    if agency is None:
        raise click.UsageError("expected an agency, or --new for all that were never synced")
    if plan_only and apply_plan:
        raise click.UsageError("--plan and --apply exclude each other: first look, then apply what you saw")
    if changed and (customers or fresh or apply_plan):
        raise click.UsageError("--changed goes without --customer, --fresh and --apply")
    if benefitpoint:
        if customers or plan_only or apply_plan or changed:
            raise click.UsageError("--benefitpoint goes with --fresh alone; customers and plans are AMS360's")
        _sync_benefitpoint(agency, form, full=fresh)
        return
    if apply_plan == "accounts":
        _publish_accounts(agency, form)
        return
    if apply_plan is not None and not is_uuid(apply_plan):
        raise click.UsageError(
            f"--apply {apply_plan}: expected the id of a plan as `ams-etl sync {agency} --plan` shows it, or `accounts`"
        )
    show_progress()
    url = prepare()
    agencies = load_agencies()
    chosen = agencies.get(agency)
    _warn_of_secrets(agencies, chosen)
    system = chosen.system
    started = time.monotonic()
    own = "" if system == "ams360" else f"{system}_"
    job = "publish_plan" if apply_plan else f"{own}sync_plan" if plan_only else f"{own}sync"
    with connect(url) as connection:
        wanted = customers_meant(connection, agency, customers, chosen.settings)
    config: dict[str, Any] = {
        "customers": wanted,
        "fresh": fresh,
        "apply_plan": apply_plan or "",
        "sweep": changed,
    }
    with dagster_instance() as instance:
        run_id = run_job(job, agency, config, instance)
    with connect(url) as connection:
        if plan_only:
            print_plan(connection, chosen, form)
        else:
            print_summary(connection, agency, system, time.monotonic() - started, form)
    remark(form, f"run {run_id}; see it with `ams-etl up`")


def _warn_of_secrets(agencies: Agencies, agency: Agency) -> None:
    """Say of codes and tokens that are set what the inbound service would refuse; the sync itself needs none of them."""
    from ams_etl.inbound.server import mistakes_of

    for mistake in mistakes_of(agencies, agency, unset=False):
        click.secho(f"warning: {mistake}", fg="yellow", err=True)


def _sync_benefitpoint(agency: str, form: Form, *, full: bool) -> None:
    show_progress()
    url = prepare()
    load_agencies().get(agency)
    with dagster_instance() as instance:
        run_id = run_job(
            "benefitpoint_sync", agency, None, instance, steps={"benefitpoint_records": {"accounts": [], "full": full}}
        )
    with connect(url) as connection:
        print_accounts(connection, agency, form)
    remark(form, f"run {run_id}; see it with `ams-etl up`")


def _publish_accounts(agency: str, form: Form) -> None:
    show_progress()
    url = prepare()
    load_agencies().get(agency)
    with dagster_instance() as instance:
        run_id = run_job(
            "publish_account_changes", agency, None, instance, steps={"publish_accounts": {"past_the_brake": True}}
        )
    with connect(url) as connection:
        print_accounts(connection, agency, form)
    remark(form, f"run {run_id}; see it with `ams-etl up`")
