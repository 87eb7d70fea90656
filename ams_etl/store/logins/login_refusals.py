"""Remember in Postgres which login a system refused, so that no process tries it again before somebody mends it."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from ams_etl.errors import LoginRefused
from ams_etl.store.logins.login_checks import store_check
from ams_etl.store.shared_access.in_passing import in_passing

AGAIN_AFTER = timedelta(days=1)
"""One try a day tells whether somebody unlocked the login on the other side."""


class PostgresLoginGate:
    """One agency's login to one system; implements `ams_etl.sources.calling.login_gate.LoginGate`.

    Args:
        url: the database.
        agency: the agency id.
        system: `ams360`, `benefitpoint` or `qq_catalyst`.
    """

    def __init__(self, url: str, agency: str, system: str) -> None:
        self._url, self._agency, self._system = url, agency, system
        self._is_known = False

    def check(self, secret: str) -> None:
        """Return if a login with this secret may be tried.

        Raises:
            LoginRefused: the system refused this very secret less than a day ago.
        """
        with in_passing(self._url).connection() as connection:
            row = connection.execute(
                "select fingerprint, refused_at from ops.login_refusals where agency = %s and system = %s",
                (self._agency, self._system),
            ).fetchone()
        self._is_known = row is not None
        if row is None:
            return
        fingerprint, refused_at = row
        again = refused_at + AGAIN_AFTER
        if fingerprint == self._fingerprint(secret) and datetime.now(UTC) < again:
            raise LoginRefused(
                f"{self._system} refused this login on {refused_at:%Y-%m-%d at %H:%M} UTC and may lock it: it is not tried "
                f"again before {again:%Y-%m-%d %H:%M} UTC. Correct the secret (a changed one is tried at once), or run "
                f"`ams-etl doctor {self._agency} --retry-login`"
            )

    def refused(self, secret: str) -> None:
        """Remember that the system refused this secret."""
        with in_passing(self._url).connection() as connection:
            connection.execute(
                """insert into ops.login_refusals (agency, system, fingerprint) values (%s, %s, %s)
                on conflict (agency, system) do update set fingerprint = excluded.fingerprint, refused_at = now()""",
                (self._agency, self._system, self._fingerprint(secret)),
            )

    def accepted(self) -> None:
        """Forget what was refused before."""
        if self._is_known:
            with in_passing(self._url).connection() as connection:
                forget_refusals(connection, self._agency, self._system)
                store_check(connection, self._agency, self._system, None)
            self._is_known = False

    def _fingerprint(self, secret: str) -> str:
        salt = f"{self._agency}/{self._system}".encode()
        return hashlib.scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=1, dklen=16).hex()


def forget_refusals(connection: psycopg.Connection[Any], agency: str, system: str | None = None) -> int:
    """Let an agency's refused logins (to one system, or to all) be tried again; return how many there were."""
    return connection.execute(
        "delete from ops.login_refusals where agency = %s and system = coalesce(%s, system)", (agency, system)
    ).rowcount
