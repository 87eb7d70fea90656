"""`ops.name_overrides`: names that people gave in the platform (N12), which no sync overwrites."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from ams_etl.errors import ConfigError


@dataclass(frozen=True, slots=True)
class NameGiven:
    """A contact's name as a person gave it; None leaves the derived one."""

    contact_id: UUID
    first_name: str | None
    last_name: str | None
    nickname: str | None
    set_by: str | None


def set_name(connection: psycopg.Connection[Any], agency: str, name: NameGiven) -> None:
    """Store a contact's name; the next run publishes it, since a trigger has marked the contact.

    Raises:
        ConfigError: the agency has no such contact, or nothing was given.
    """
    if not (name.first_name or name.last_name or name.nickname):
        raise ConfigError("a name override needs a first name, a last name or a nickname")
    stored = connection.execute(
        """insert into ops.name_overrides (agency, contact_id, first_name, last_name, nickname, set_by)
        select agency, contact_id, %(first)s, %(last)s, %(nick)s, %(by)s from mart.contacts
        where agency = %(agency)s and contact_id = %(contact)s
        on conflict (agency, contact_id) do update set first_name = excluded.first_name,
            last_name = excluded.last_name, nickname = excluded.nickname, set_by = excluded.set_by, updated_at = now()""",
        {
            "agency": agency, "contact": name.contact_id, "first": name.first_name, "last": name.last_name,
            "nick": name.nickname, "by": name.set_by,
        },
    ).rowcount  # fmt: skip
    if not stored:
        raise ConfigError(f"{agency} has no contact {name.contact_id}")


def clear_name(connection: psycopg.Connection[Any], agency: str, contact_id: UUID) -> bool:
    """Let the contact have the derived name again; whether there was an override."""
    return bool(
        connection.execute(
            "delete from ops.name_overrides where agency = %s and contact_id = %s", (agency, contact_id)
        ).rowcount
    )


def list_names(connection: psycopg.Connection[Any], agency: str) -> list[NameGiven]:
    """An agency's overrides, the newest first."""
    return [
        NameGiven(*row)
        for row in connection.execute(
            """select contact_id, first_name, last_name, nickname, set_by from ops.name_overrides
            where agency = %s order by updated_at desc""",
            (agency,),
        )
    ]
