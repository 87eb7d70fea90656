"""Stop the publish of accounts or policies if a system seems to have lost many of them, until a user confirms it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.errors import PermanentError
from ams_etl.settings import BrakeSettings
from ams_etl.store.agency_db import scalar
from ams_etl.sync.accounts.apply_differences import Document, MartTable

_SYSTEMS = {"ams360": "AMS360", "benefitpoint": "BenefitPoint"}


def stop_great_losses(
    connection: psycopg.Connection[Any],
    agency: str,
    table: MartTable,
    before: Mapping[UUID, Document],
    after: Mapping[UUID, Document],
    limits: BrakeSettings,
) -> None:
    """Refuse to publish where a system no longer has more of its records than the brake allows.

    Only a system's own records count: an account that continues under another id, or merged with another, is not lost; one
    that loses its BenefitPoint side is.

    Args:
        connection: inside the transaction of the publish, which is undone by the error.
        agency: the agency id.
        table: accounts or policies.
        before: the rows that this publish checks, as published.
        after: the same rows as they will be.
        limits: `max_deleted_share` of the system's records in the table; up to `ignore_below` losses never stop a publish.

    Raises:
        PermanentError: the brake stops it; the message says how to publish anyway.
    """
    for column in table.columns:
        system = _SYSTEMS.get(column.partition("_")[0])
        if system is None or not column.endswith("_id"):
            continue
        lost = _ids(column, before) - _ids(column, after)
        if len(lost) <= limits.ignore_below:
            continue
        there = int(
            scalar(connection, f"select count({column}) from mart.{table.name} where agency = %s", (agency,)) or 0
        )
        if len(lost) > limits.max_deleted_share * there:
            raise PermanentError(
                f"the brake stopped the publish of {table.name}: {system} no longer has {len(lost)} of {there} "
                f"(brake.max_deleted_share allows {limits.max_deleted_share:.0%}). If {system} was out of order, the next "
                f"sync finds them again; if it is right: `ams-etl sync {agency} --apply accounts`"
            )


def _ids(column: str, rows: Mapping[UUID, Document]) -> set[Any]:
    # AMS360 may write an id in either case.
    return {str(row[column]).lower() for row in rows.values() if row[column] is not None}
