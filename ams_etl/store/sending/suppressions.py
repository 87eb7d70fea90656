"""`ops.suppressions`: contacts that a person suppressed by hand (N17), which no sync lifts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Suppression:
    """A person's decision that nobody writes to a contact."""

    contact_id: UUID
    reason: str | None
    set_by: str
    set_at: datetime


def suppress(
    connection: psycopg.Connection[Any], agency: str, contact_id: UUID, *, by: str, reason: str | None = None
) -> bool:
    """Suppress a contact; return whether it was not suppressed by hand before. A trigger marks it for the next publish.

    Raises:
        ConfigError: the agency has no such contact.
    """
    known = connection.execute(
        "select 1 from mart.contacts where agency = %s and contact_id = %s", (agency, contact_id)
    ).fetchone()
    if known is None:
        raise ConfigError(f"{agency} has no contact {contact_id}")
    return bool(
        connection.execute(
            """insert into ops.suppressions (agency, contact_id, reason, set_by) values (%s, %s, %s, %s)
            on conflict (agency, contact_id) do nothing""",
            (agency, contact_id, reason, by),
        ).rowcount
    )


def release(connection: psycopg.Connection[Any], agency: str, contact_id: UUID) -> int:
    """Lift what people suppressed of a contact, also of contacts that it has taken in; return how many decisions went."""
    return connection.execute(
        f"delete from ops.suppressions where agency = %(agency)s and contact_id in ({_IDS})",
        {"agency": agency, "contact": contact_id},
    ).rowcount


def suppressions_of(connection: psycopg.Connection[Any], agency: str, contact_id: UUID) -> list[Suppression]:
    """Return what people decided of a contact, or of contacts that it has taken in; the newest first."""
    return [
        Suppression(*row)
        for row in connection.execute(
            f"""select contact_id, reason, set_by, set_at from ops.suppressions
            where agency = %(agency)s and contact_id in ({_IDS}) order by set_at desc, contact_id""",
            {"agency": agency, "contact": contact_id},
        )
    ]


def suppressed_records(connection: psycopg.Connection[Any], agency: str) -> frozenset[tuple[str, str, str]]:
    """Return (system, entity, entity_id) of the records whose contacts people suppressed, as the rule takes them (N17).

    A record that was merged in AMS360 is the one that it goes on as (M9).
    """
    rows = connection.execute(
        """select c.system, c.entity, c.entity_id from ops.suppressions s
        join stage.candidates c on (c.agency, c.candidate_id) = (s.agency, s.contact_id) where s.agency = %(agency)s
        union select c.system, c.entity, c.entity_id from ops.suppressions s
        join stage.merged_records r on (r.agency, r.candidate_id) = (s.agency, s.contact_id)
        join stage.candidates c on (c.agency, c.candidate_id) = (r.agency, r.continues_as) where s.agency = %(agency)s""",
        {"agency": agency},
    )
    return frozenset((system, entity, entity_id) for system, entity, entity_id in rows)


_IDS = """select %(contact)s::uuid
    union select candidate_id from stage.candidates where agency = %(agency)s and contact_id = %(contact)s
    union select r.candidate_id from stage.merged_records r join stage.candidates c
        on (c.agency, c.candidate_id) = (r.agency, r.continues_as)
        where c.agency = %(agency)s and c.contact_id = %(contact)s"""
