"""`ams-etl access-log`: who read personal data, counted per person and day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import click

from ams_etl.cli.instance import prepare
from ams_etl.cli.tables import Form, Table, print_tables, table_options
from ams_etl.settings import load_agencies
from ams_etl.store.database import connect


@click.command()
@click.argument("agency")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="From this day on (UTC); default: the last 30 days.")
@click.option("--person", help="Only this one, as the log names them.")
@table_options
def access_log(agency: str, since: datetime | None, person: str | None, form: Form) -> None:
    """Show who read personal data of AGENCY: how often, through what, how many rows; never whose.

    It counts the integration page and its exports, the commands that print people, `ams_etl.frames` and the change feed.
    """
    load_agencies().get(agency)
    first: date = since.date() if since else (datetime.now(UTC) - timedelta(days=30)).date()
    with connect(prepare()) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(
            """select day, person, way, what, reads, records, last_at from ops.accesses
            where agency = %(agency)s and day >= %(first)s and (person = %(person)s or %(person)s::text is null)
            order by day desc, person, way, what""",
            {"agency": agency, "first": first, "person": person},
        ).fetchall()
    columns = ("day", "person", "through", "what", "times", "rows", "last")
    print_tables(form, Table("accesses", columns, rows, ids=("day", "person")))
