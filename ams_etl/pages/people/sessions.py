"""Sessions: a random cookie, of which only the hash is stored, and who it belongs to."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

import psycopg

from ams_etl.pages.people.passwords import matches
from ams_etl.pages.people.roles import Person, Role
from ams_etl.settings import PagesSettings
from ams_etl.store.agency_db import scalar


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has not ended, its CSRF token, and what the next page says once."""

    person: Person
    csrf: str
    notice: str | None


def csrf_token(cookie: str) -> str:
    """Return the token that every form of this session carries; without the cookie nobody can compute it."""
    return hmac.new(cookie.encode(), b"ams_etl csrf", hashlib.sha256).hexdigest()


def sign_in(connection: psycopg.Connection[Any], settings: PagesSettings, name: str, password: str) -> str | None:
    """Return a new session's cookie, or None: wrong name or password, or locked out after too many wrong ones.

    The attempt is counted before the password is verified, so that attempts at the same time count, too.
    """
    password_hash = scalar(
        connection,
        """update ops.page_users set failed_sign_ins = failed_sign_ins + 1,
            locked_until = case when failed_sign_ins + 1 >= %(most)s then now() + make_interval(mins => %(lock)s) end
        where user_name = %(name)s and disabled_at is null and (locked_until is null or locked_until <= now())
        returning password_hash""",
        {"name": name.strip().lower(), "most": settings.most_wrong_passwords, "lock": settings.lock_minutes},
    )
    if not matches(password, password_hash):
        return None
    return start(connection, name.strip().lower())


def start(connection: psycopg.Connection[Any], name: str) -> str | None:
    """Return the cookie of a new session for somebody whose identity is known; None: no such person."""
    with connection.transaction():
        known = connection.execute(
            """update ops.page_users set failed_sign_ins = 0, locked_until = null, last_sign_in_at = now()
            where user_name = %s and disabled_at is null""",
            (name,),
        ).rowcount
        if not known:
            return None
        # No session lasts longer than a week, whatever the settings say.
        connection.execute(
            "delete from ops.page_sessions where user_name = %s and created_at < now() - interval '7 days'", (name,)
        )
        cookie = secrets.token_urlsafe(32)
        connection.execute(
            "insert into ops.page_sessions (token_hash, user_name) values (%s, %s)", (_hash(cookie), name)
        )
    return cookie


def find(connection: psycopg.Connection[Any], settings: PagesSettings, cookie: str) -> Session | None:
    """Return the session of a cookie, unless it has ended; its notice is taken, its idle time begins again."""
    key = {"token": _hash(cookie), "hours": settings.session_hours, "idle": settings.idle_minutes}
    row = connection.execute(
        """select s.user_name, s.notice, s.seen_at < now() - interval '1 minute',
            coalesce(array_agg(r.agency) filter (where r.agency is not null), '{}'),
            coalesce(array_agg(r.role) filter (where r.agency is not null), '{}')
        from ops.page_sessions s join ops.page_users u using (user_name) left join ops.page_roles r using (user_name)
        where s.token_hash = %(token)s and u.disabled_at is null
            and s.created_at > now() - make_interval(hours => %(hours)s)
            and s.seen_at > now() - make_interval(mins => %(idle)s)
        group by s.token_hash""",
        key,
    ).fetchone()
    if row is None:
        return None
    name, notice, stale, agencies, roles = row
    if stale or notice:
        connection.execute(
            "update ops.page_sessions set seen_at = now(), notice = null where token_hash = %(token)s", key
        )
    held = {agency: Role[role.upper()] for agency, role in zip(agencies, roles, strict=True)}
    return Session(Person(name, held), csrf_token(cookie), notice)


def leave_notice(connection: psycopg.Connection[Any], cookie: str, notice: str) -> None:
    """Have the session's next page say this once."""
    connection.execute("update ops.page_sessions set notice = %s where token_hash = %s", (notice[:500], _hash(cookie)))


def end(connection: psycopg.Connection[Any], settings: PagesSettings, cookie: str) -> None:
    """End a session, and forget those that have ended by themselves."""
    connection.execute(
        """delete from ops.page_sessions where token_hash = %s or created_at < now() - make_interval(hours => %s)""",
        (_hash(cookie), settings.session_hours),
    )


def _hash(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
