"""Granted tokens in Postgres, encrypted: for all processes, renewed by one at a time."""

from datetime import datetime
from typing import Any

import psycopg
from cryptography.fernet import InvalidToken

from ams_etl.encryption import cipher_of
from ams_etl.errors import ConfigError
from ams_etl.settings import Agencies, Agency
from ams_etl.store.agency_db import scalar
from ams_etl.store.database import connect


class PostgresTokens:
    """One agency's tokens of one system, as `key`'s owner alone can read them.

    A lock holds a connection and its transaction until it is released, so that a process that dies in between
    leaves what was kept before.

    Args:
        url: the database.
        agency: the agency id.
        system: the system's name.
        key: Fernet keys (32 bytes in base64), parted by commas: the first encrypts, every one decrypts.
        setting: where the key comes from, for messages.

    Raises:
        ConfigError: a key is not valid.
    """

    def __init__(self, url: str, agency: str, system: str, key: str, setting: str) -> None:
        self._cipher = cipher_of(key, setting)
        self._url, self._agency, self._system, self._setting = url, agency, system, setting
        self._held: psycopg.Connection[Any] | None = None

    def lock(self) -> tuple[str, str, datetime] | None:
        """Access token, refresh token and until when the first is good, while nobody else renews them; None: none.

        Raises:
            ConfigError: they were encrypted with another key.
        """
        held = connect(self._url, application_name=f"ams_etl tokens {self._system}")
        try:
            held.execute("begin")
            held.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{self._agency}/{self._system}",))
            sealed = scalar(
                held,
                "select sealed from ops.oauth_tokens where agency = %s and system = %s",
                (self._agency, self._system),
            )
            kept = None if sealed is None else self._cipher.decrypt(bytes(sealed)).decode().split("\n")
        except InvalidToken:
            held.close()
            raise ConfigError(
                f"{self._setting}: the stored tokens were encrypted with another key; set that one, or grant access again"
            ) from None
        except BaseException:
            held.close()
            raise
        self._held = held
        return None if kept is None else (kept[0], kept[1], datetime.fromisoformat(kept[2]))

    def release(self, renewed: tuple[str, str, datetime] | None) -> None:
        """Keep the renewed tokens, if there are any, and let others go on."""
        held, self._held = self._held, None
        if held is None:
            raise AssertionError("released without a lock")
        with held:
            if renewed is not None:
                access, refresh, good_until = renewed
                sealed = self._cipher.encrypt("\n".join((access, refresh, good_until.isoformat())).encode())
                held.execute(
                    """insert into ops.oauth_tokens (agency, system, sealed) values (%s, %s, %s)
                    on conflict (agency, system) do update set sealed = excluded.sealed, updated_at = now()""",
                    (self._agency, self._system, sealed),
                )
            held.execute("commit")


def mycase_tokens(agencies: Agencies, agency: Agency, database_url: str) -> PostgresTokens:
    """Return the store of the firm's granted MyCase tokens.

    Raises:
        ConfigError: the agency uses another system, or the encryption key is not set or not a valid Fernet key.
    """
    variable = agency.mycase.token_key_env
    key = agencies.secret(agency, "mycase.token_key_env", variable)
    return PostgresTokens(database_url, agency.id, "mycase", key, variable)
