"""One session ticket for all processes that use a login, encrypted so that only those who know its password can read it."""

import base64
import hashlib
from typing import Any

import psycopg
from cryptography.fernet import Fernet, InvalidToken

from ams_etl.store.agency_db import scalar
from ams_etl.store.database_errors import understood
from ams_etl.store.shared_access.in_passing import in_passing

GOOD_SECONDS = 600.0
"""A ticket is taken over for that long. How long one lives is not known; one client that is public assumes 15 minutes."""
LOGIN_SECONDS = 30.0
"""The others wait for a login for that long; then its process is taken for gone and the next one logs in."""


class PostgresTicket:
    """The ticket of one login; implements `ams_etl.sources.calling.across_processes.SharedTicket`.

    Args:
        url: the database.
        agency: the agency id.
        system: the system that grants the ticket.
        identity: all that decides whose session it is, the password included; the key is derived from it.
    """

    def __init__(self, url: str, agency: str, system: str, identity: str) -> None:
        self._url, self._scope, self._identity = url, {"agency": agency, "system": system}, identity
        self._derived: Fernet | None = None

    def take(self, refused: str | None) -> tuple[str | None, bool]:
        """Return the ticket that another process got, and whether this one shall log in; neither: another one logs in now.

        Args:
            refused: a ticket that the system no longer takes.

        Raises:
            TransientError: the database does not answer.
        """
        try:
            with in_passing(self._url).connection() as connection:
                sealed = scalar(
                    connection,
                    """select sealed from ops.session_tickets where agency = %(agency)s and system = %(system)s
                    and obtained_at > clock_timestamp() - make_interval(secs => %(seconds)s)""",
                    {**self._scope, "seconds": GOOD_SECONDS},
                )
                ticket = None if sealed is None else self._opened(bytes(sealed))
                if ticket is not None and ticket != refused:
                    return ticket, False
                return None, self._may_log_in(connection)
        except psycopg.Error as error:
            raise understood(error) from None

    def _may_log_in(self, connection: psycopg.Connection[Any]) -> bool:
        return (
            connection.execute(
                """insert into ops.session_tickets as t (agency, system, login_until)
                values (%(agency)s, %(system)s, clock_timestamp() + make_interval(secs => %(seconds)s))
                on conflict (agency, system) do update set login_until = excluded.login_until
                    where t.login_until is null or t.login_until < clock_timestamp()""",
                {**self._scope, "seconds": LOGIN_SECONDS},
            ).rowcount
            == 1
        )

    def keep(self, ticket: str | None) -> None:
        """End a login: share its ticket, or let another process try where there is none.

        Raises:
            TransientError: the database does not answer.
        """
        sealed = None if ticket is None else self._cipher().encrypt(ticket.encode())
        try:
            with in_passing(self._url).connection() as connection:
                connection.execute(
                    """update ops.session_tickets set sealed = coalesce(%(sealed)s, sealed), login_until = null,
                        obtained_at = case when %(sealed)s is null then obtained_at else clock_timestamp() end
                    where agency = %(agency)s and system = %(system)s""",
                    {**self._scope, "sealed": sealed},
                )
        except psycopg.Error as error:
            raise understood(error) from None

    def _opened(self, sealed: bytes) -> str | None:
        """Return the ticket; None: it is of another password, login or agency number."""
        try:
            return self._cipher().decrypt(sealed).decode()
        except InvalidToken:
            return None

    def _cipher(self) -> Fernet:
        if self._derived is None:
            salt = f"{self._scope['agency']}/{self._scope['system']}/ticket".encode()
            key = hashlib.scrypt(self._identity.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)
            self._derived = Fernet(base64.urlsafe_b64encode(key))
        return self._derived
