"""`ams-etl refresh`: read and publish some customers now."""

import time
from typing import Any

import click
import psycopg

from ams_etl.cli.instance import dagster_instance, prepare, run_job
from ams_etl.errors import ConfigError, PermanentError, TransientError
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect

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
    load_agencies().get(agency)
    started = time.monotonic()
    with connect(url) as connection:
        wanted = [customer_id for given in customers for customer_id in _customer_ids(connection, agency, given)]
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


def _customer_ids(connection: psycopg.Connection[Any], agency: str, given: str) -> list[str]:
    """Return the CustomerIds that a person means by a number, an id or an email.

    Raises:
        ConfigError: nothing stored matches.
    """
    rows = connection.execute(
        """select entity_id from raw_ams360.customers where agency = %(agency)s
            and (lower(entity_id) = lower(%(given)s) or payload ->> 'CustomerNumber' = %(given)s)
        union select s.customer_id from mart.contact_emails e join mart.contact_sources s using (agency, contact_id)
            where e.agency = %(agency)s and e.email = lower(%(given)s) and s.system = 'ams360' and s.customer_id is not null""",
        {"agency": agency, "given": given.strip()},
    ).fetchall()
    if not rows and "-" in given:
        # An id that was never read: AMS360 may have it.
        return [given.strip()]
    if not rows:
        raise ConfigError(f"{agency}: no stored customer has this number, id or email; a full sync reads new ones")
    return [row[0] for row in rows]
