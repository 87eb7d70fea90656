"""`ops.name_overrides`: names that people gave in the platform (N12), which no sync overwrites."""

from collections.abc import Sequence
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
    """Store a contact's name in place of what was stored; the next run publishes it, since a trigger has marked the contact.

    Raises:
        ConfigError: the agency has no such contact, or nothing was given.
    """
    if not (name.first_name or name.last_name or name.nickname):
        raise ConfigError("a name override needs a first name, a last name or a nickname")
    with connection.transaction():
        known = connection.execute(
            "select 1 from mart.contacts where agency = %s and contact_id = %s", (agency, name.contact_id)
        ).fetchone()
        if known is None:
            raise ConfigError(f"{agency} has no contact {name.contact_id}")
        clear_name(connection, agency, name.contact_id)
        add_names(connection, agency, [name])


def add_names(connection: psycopg.Connection[Any], agency: str, names: Sequence[NameGiven]) -> None:
    """Add to what is stored of contacts, each named once; a part that is None stays as it is stored."""
    columns = ("contact_id", "first_name", "last_name", "nickname", "set_by")
    connection.execute(
        """insert into ops.name_overrides as o (agency, contact_id, first_name, last_name, nickname, set_by)
        select %s, * from unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[])
        on conflict (agency, contact_id) do update set first_name = coalesce(excluded.first_name, o.first_name),
            last_name = coalesce(excluded.last_name, o.last_name),
            nickname = coalesce(excluded.nickname, o.nickname), set_by = excluded.set_by, updated_at = now()""",
        (agency, *([getattr(name, column) for name in names] for column in columns)),
    )


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
