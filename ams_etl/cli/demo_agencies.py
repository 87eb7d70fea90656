"""The demo agencies of HawkSoft, QQ Catalyst and MyCase: their settings, secrets and the firm's consent."""

from typing import Any

import psycopg

from ams_etl.cli.sandbox import HAWKSOFT_AGENCY
from ams_etl.settings import Agencies, Agency
from ams_etl.sync.contacts.user_mappings import UserMapping, list_mappings, store_mappings

SECRET_ENV = "AMS_ETL_DEMO_SECRET"  # noqa: S105
KEY_ENV = "AMS_ETL_DEMO_TOKEN_KEY"
_CODE = "granted"
"""The authorization code that the sandbox's firm receives for granting access."""


def other_demo_agencies(base: str) -> list[dict[str, Any]]:
    """Return their entries of agencies.yaml; `base` is the sandboxes' address."""
    return [
        {
            "id": "demo_hawksoft",
            "name": "Demo of HawkSoft (sandbox)",
            "hawksoft": {
                "agency_id": HAWKSOFT_AGENCY,
                "client_id": "etl",
                "client_secret_env": SECRET_ENV,
                "base": f"{base}/hawksoft",
            },
        },
        {
            "id": "demo_qq",
            "name": "Demo of QQ Catalyst (sandbox)",
            "qq_catalyst": {
                "username": "etl",
                "password_env": SECRET_ENV,
                "client_id": "vendor",
                "client_secret_env": SECRET_ENV,
                "base": f"{base}/qq_catalyst/v1",
                "login_base": f"{base}/qq_catalyst",
            },
        },
        {
            "id": "demo_mycase",
            "name": "Demo of MyCase (sandbox)",
            "mycase": {
                "client_id": "etl",
                "client_secret_env": SECRET_ENV,
                "redirect_uri": "https://etl.example.com/callback",
                "token_key_env": KEY_ENV,
                "base": f"{base}/mycase/v1",
                "login_base": f"{base}/mycase",
            },
        },
    ]


def other_demo_secrets() -> dict[str, str]:
    """Return the environment variables: the sandboxes' secret, and a new key for the firm's tokens."""
    from cryptography.fernet import Fernet

    return {SECRET_ENV: "sandbox", KEY_ENV: Fernet.generate_key().decode()}


def grant_demo_access(
    connection: psycopg.Connection[Any], agencies: Agencies, agency: Agency, database_url: str
) -> None:
    """Do what a person of the firm does once, unless it was done."""
    from ams_etl.sources.calling.event_loop import run
    from ams_etl.sources.connections import mycase_connection
    from ams_etl.sources.mycase import open_mycase
    from ams_etl.store.logins.oauth_tokens import mycase_tokens

    if connection.execute("select 1 from ops.oauth_tokens where agency = %s", (agency.id,)).fetchone():
        return
    firm, tokens = mycase_connection(agencies, agency), mycase_tokens(agencies, agency, database_url)

    async def exchange() -> None:
        async with open_mycase(firm, tokens) as mycase:
            await mycase.exchange(_CODE)

    run(exchange())


def map_most_employees(connection: psycopg.Connection[Any], agency: str) -> bool:
    """Map the people that contacts are connected to, one in eight left out as in real life; False when done before."""
    if list_mappings(connection, agency) == list_mappings(connection, agency, unmapped=True):
        people = sorted({(row.employee_code, row.employee_name) for row in list_mappings(connection, agency)})
        users = {code: f"user-{number:03}" for number, (code, _) in enumerate(people, start=1) if number % 8}
        store_mappings(
            connection,
            agency,
            [
                UserMapping(row.connection_type, row.employee_code, users[row.employee_code], row.employee_name or None)
                for row in list_mappings(connection, agency)
                if row.employee_code in users
            ],
        )
        return True
    return False
