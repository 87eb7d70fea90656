"""Which agencies were never synced, and how far an agency's first sync has come."""

from collections.abc import Sequence
from typing import Any, Literal

import psycopg

from ams_etl.settings import Agency
from ams_etl.store.agency_db import column, scalar
from ams_etl.sync.runs import RESUME_WITHIN

Stage = Literal["to_read", "to_publish", "published"]


def never_synced(connection: psycopg.Connection[Any], agencies: Sequence[Agency]) -> list[Agency]:
    """Return the agencies of which no full sync was ever published, in their order."""
    found = set(
        column(
            connection,
            """select agency from unnest(%s::text[]) asked (agency) where not exists (
                select from ops.sync_runs r where r.agency = asked.agency and r.mode = 'full' and r.published_at is not null)""",
            ([agency.id for agency in agencies],),
        )
    )
    return [agency for agency in agencies if agency.id in found]


def stage_of(connection: psycopg.Connection[Any], agency: str) -> Stage:
    """Return what is left of an agency's first sync; what was read more than a day ago is read again."""
    stage: Stage = scalar(
        connection,
        """select case
            when exists (select from ops.sync_runs where agency = %(agency)s and mode = 'full' and published_at is not null)
                then 'published'
            when exists (select from ops.sync_runs where agency = %(agency)s and mode = 'full' and state = 'extracted'
                and started_at > now() - %(within)s) then 'to_publish'
            else 'to_read' end""",
        {"agency": agency, "within": RESUME_WITHIN["full"]},
    )
    return stage
