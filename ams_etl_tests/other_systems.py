"""How the clients of HawkSoft, QQ Catalyst and MyCase reach their sandboxes."""

from typing import Any

from cryptography.fernet import Fernet

from ams_etl.sources.hawksoft import HawkSoftConnection
from ams_etl.sources.mycase import MyCaseConnection, open_mycase
from ams_etl.sources.qq_catalyst import QQCatalystConnection
from ams_etl.store.logins.oauth_tokens import PostgresTokens
from ams_etl_tests.sandbox_process import Sandbox

KEY = Fernet.generate_key().decode()


def hawksoft_at(sandbox: Sandbox, **more: Any) -> HawkSoftConnection:
    return HawkSoftConnection(
        **{"agency_id": 7, "client_id": "etl", "client_secret": "sandbox", "base": f"{sandbox.url}/hawksoft", **more}
    )


def qq_catalyst_at(sandbox: Sandbox, **more: Any) -> QQCatalystConnection:
    base = f"{sandbox.url}/qq_catalyst"
    return QQCatalystConnection(
        **{"username": "etl", "password": "sandbox", "client_id": "vendor", "client_secret": "sandbox",
           "base": f"{base}/v1", "login_base": base, **more}
    )  # fmt: skip


def mycase_at(sandbox: Sandbox, **more: Any) -> MyCaseConnection:
    base = f"{sandbox.url}/mycase"
    return MyCaseConnection(
        **{"client_id": "etl", "client_secret": "sandbox", "redirect_uri": "https://etl.example.com/callback",
           "base": f"{base}/v1", "login_base": base, **more}
    )  # fmt: skip


def tokens_at(database: str, agency: str = "firm") -> PostgresTokens:
    return PostgresTokens(database, agency, "mycase", KEY, "MYCASE_TOKEN_KEY")


async def grant(sandbox: Sandbox, tokens: PostgresTokens, code: str = "granted") -> None:
    """What a person of the firm does once."""
    async with open_mycase(mycase_at(sandbox), tokens) as mycase:
        await mycase.exchange(code)
