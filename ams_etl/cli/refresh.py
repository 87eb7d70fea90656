"""`ams-etl refresh`: read and publish some customers now."""

import time

import click

from ams_etl.cli.instance import dagster_instance, prepare, run_job
from ams_etl.errors import PermanentError, TransientError
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect
from ams_etl.sync.interpret.customers_meant import customers_meant

PATIENCE_SECONDS = 120.0


@click.command()
@click.argument("agency")
@click.argument("customers", nargs=-1, required=True, metavar="CUSTOMER...")
def refresh(agency: str, customers: tuple[str, ...]) -> None:
    """Read and publish these customers of AGENCY now; each CUSTOMER is a CustomerNumber, a CustomerId or an email.

    Through the follower where one lives (about a second), else as a run.
    """
    from ams_etl.store.signs_of_life.followers import handed_over, living, refreshed, request_refresh

    url = prepare()
    chosen = load_agencies().get(agency)
    started = time.monotonic()
    with connect(url) as connection:
        wanted = customers_meant(connection, agency, customers, chosen.settings)
        if living(connection) and agency not in handed_over(connection):
            request = request_refresh(connection, agency, wanted)
            while True:
                done, error = refreshed(connection, agency, request)
                if done:
                    break
                if time.monotonic() - started > PATIENCE_SECONDS:
                    raise TransientError("the follower has not done it within two minutes; its log says what it does")
                time.sleep(0.03)
            if error:
                raise PermanentError(error)
            click.echo(f"{len(wanted)} customers read and published in {time.monotonic() - started:.1f} s")
            return
    with dagster_instance() as instance:
        run_id = run_job("notified_sync", agency, {"customers": wanted, "trigger": "manual"}, instance)
    click.echo(f"{len(wanted)} customers read and published in {time.monotonic() - started:.1f} s; run {run_id}")
