"""A contact's past from the change feed: what changed, when and by which run; and what it was at a moment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import errors

from ams_etl.errors import ConfigError
from ams_etl.store.agency_db import scalar


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of one publish: its value before and after; None where there was, or is, none."""

    at: datetime
    op: str
    run_id: str | None
    field: str
    before: Any
    after: Any


def changes_of_contact(connection: psycopg.Connection[Any], agency: str, contact_id: UUID) -> Iterator[FieldChange]:
    """Yield every field that ever changed, newest publish first, as far back as the feed reaches."""
    for at, op, run_id, before, after in connection.execute(
        """select at, op, run_id, before, after from mart.changes
        where agency = %s and entity = 'contact' and entity_id = %s order by seq desc""",
        (agency, str(contact_id)),
    ):
        old, new = before or {}, after or {}
        for field in sorted({*old, *new}):
            if old.get(field) != new.get(field):
                yield FieldChange(at, op, run_id, field, old.get(field), new.get(field))


def contact_as_of(
    connection: psycopg.Connection[Any], agency: str, contact_id: UUID, moment: datetime
) -> Mapping[str, Any] | None:
    """Return the contact with its dependent rows as the mart held it at a moment; None where it held none.

    Raises:
        ConfigError: the feed does not reach back so far.
    """
    try:
        document = scalar(connection, "select mart.contact_as_of(%s, %s, %s)", (agency, contact_id, moment))
    except errors.RaiseException as error:
        raise ConfigError(f"{error.diag.message_primary}; {error.diag.message_hint}") from None
    return None if document is None else dict(document)


def since_when(
    connection: psycopg.Connection[Any], agency: str, contact_id: UUID, moment: datetime
) -> Mapping[str, tuple[datetime, str | None]]:
    """Return for each field when, and by which run, it got the value that it had at the moment.

    A field that has not changed since the feed begins is not in it.
    """
    found: dict[str, tuple[datetime, str | None]] = {}
    for change in changes_of_contact(connection, agency, contact_id):
        if change.at <= moment:
            found.setdefault(change.field, (change.at, change.run_id))
    return found
