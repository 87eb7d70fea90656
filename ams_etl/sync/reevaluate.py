"""What a new day changes by itself, for all agencies: policies that start or end, prospects that grow too old."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from ams_etl.errors import AmsEtlError
from ams_etl.settings import Agency
from ams_etl.store.database_errors import understood
from ams_etl.store.lease import Lease
from ams_etl.sync.contacts.fingerprint import fingerprint
from ams_etl.sync.publish_changes import Published, publish_changes


@dataclass(frozen=True, slots=True)
class Reevaluated:
    """One agency: what was published, or why nothing was."""

    agency: str
    published: Published | None
    error: str | None = None


def agencies_due(connection: psycopg.Connection[Any], agencies: Sequence[Agency], today: date) -> list[Agency]:
    """Return the agencies with customers to derive today, by one statement: by date, left over, or for changed settings."""
    rows = connection.execute(
        """select asked.agency, e.fingerprint,
            exists (select from stage.customers c where c.agency = asked.agency and c.review_on <= %(today)s)
            or exists (select from stage.dirty_customers d where d.agency = asked.agency)
            or exists (select from stage.touched t where t.agency = asked.agency)
        from unnest(%(agencies)s::text[]) asked (agency) join stage.engine e using (agency)""",
        {"agencies": [agency.id for agency in agencies], "today": today},
    ).fetchall()
    known = {agency: (derived_with, due) for agency, derived_with, due in rows}
    return [
        agency
        for agency in agencies
        # One without a row has never been derived: its first sync does that.
        if agency.id in known and (known[agency.id][1] or known[agency.id][0] != fingerprint(agency.settings))
    ]


def reevaluate(
    connection: psycopg.Connection[Any],
    agencies: Sequence[Agency],
    today: date,
    *,
    lease: Callable[[str], AbstractContextManager[Lease]],
    run_id: str,
) -> Iterator[Reevaluated]:
    """Derive and publish these agencies one after the other; what fails for one is reported, and the next one begins.

    Args:
        connection: autocommit.
        agencies: those of `agencies_due`.
        today: the date every rule is asked for.
        lease: holds an agency's lease to publish for the length of a block.
        run_id: the Dagster run, for `mart.changes`.
    """
    for agency in agencies:
        try:
            with lease(agency.id) as held:
                yield Reevaluated(agency.id, publish_changes(connection, agency, today, lease=held, run_id=run_id))
        except AmsEtlError as error:
            yield Reevaluated(agency.id, None, str(error))
        except psycopg.Error as error:
            yield Reevaluated(agency.id, None, str(understood(error)))
            if connection.closed:
                return
