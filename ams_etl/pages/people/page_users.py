"""`ops.page_users` and `ops.page_roles`: adding, listing and removing the people of the integration page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from ams_etl.errors import ConfigError
from ams_etl.pages.people.passwords import hash_password
from ams_etl.pages.people.roles import Role

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class PageUser:
    """A person as the command line lists them."""

    name: str
    roles: tuple[tuple[str, str], ...]
    has_password: bool
    locked_until: datetime | None
    last_sign_in_at: datetime | None


def user_key(name: str) -> str:
    """Return the name as stored: lower case, without blanks around it.

    Raises:
        ConfigError: it is empty, too long, or has characters that no name has.
    """
    key = name.strip().lower()
    if not key or len(key) > LONGEST_NAME or not key.isprintable():
        raise ConfigError(f"a user name needs 1 to {LONGEST_NAME} printable characters")
    return key


def save_user(connection: psycopg.Connection[Any], name: str, password: str | None, roles: Mapping[str, Role]) -> None:
    """Add a person, or give a known one this password and these roles in place of the old; their sessions end.

    Args:
        connection: autocommit.
        name: what the person signs in with.
        password: None for a user that only a trusted proxy signs in.
        roles: by agency id, or `EVERY_AGENCY`.

    Raises:
        ConfigError: the name or the password is unfit, or there are no roles.
    """
    key = user_key(name)
    if not roles:
        raise ConfigError("give at least one agency, or every agency")
    hashed = None if password is None else hash_password(password)
    with connection.transaction():
        connection.execute(
            """insert into ops.page_users (user_name, password_hash) values (%s, %s)
            on conflict (user_name) do update set password_hash = excluded.password_hash, failed_sign_ins = 0,
                locked_until = null, disabled_at = null""",
            (key, hashed),
        )
        connection.execute("delete from ops.page_roles where user_name = %s", (key,))
        connection.execute("delete from ops.page_sessions where user_name = %s", (key,))
        connection.execute(
            "insert into ops.page_roles (agency, user_name, role) select a, %s, r from unnest(%s::text[], %s::text[]) x (a, r)",
            (key, list(roles), [role.label for role in roles.values()]),
        )


def remove_user(connection: psycopg.Connection[Any], name: str) -> bool:
    """Remove a person with their roles and sessions; what they did stays in `ops.page_acts`."""
    return bool(connection.execute("delete from ops.page_users where user_name = %s", (user_key(name),)).rowcount)


def list_users(connection: psycopg.Connection[Any]) -> list[PageUser]:
    """Return everybody, by name."""
    rows = connection.execute(
        """select u.user_name, coalesce(array_agg(r.agency order by r.agency) filter (where r.agency is not null), '{}'),
            coalesce(array_agg(r.role order by r.agency) filter (where r.agency is not null), '{}'),
            u.password_hash is not null, u.locked_until, u.last_sign_in_at
        from ops.page_users u left join ops.page_roles r using (user_name) group by u.user_name order by u.user_name"""
    )
    return [PageUser(name, tuple(zip(agencies, roles, strict=True)), *rest) for name, agencies, roles, *rest in rows]
