"""`ams-etl grant`: let a firm's person grant us access to its MyCase, once."""

import secrets
from urllib.parse import parse_qs, urlsplit

import click

from ams_etl.cli.instance import prepare
from ams_etl.errors import ConfigError
from ams_etl.settings import load_agencies


@click.command()
@click.argument("agency")
@click.option("--code", help="The code alone, where the address that it came with is not at hand.")
def grant(agency: str, code: str | None) -> None:
    """Show the address where a person of AGENCY grants access, take what comes back, and keep the tokens.

    The tokens are kept encrypted with the key that mycase.token_key_env names. A code is good once, for minutes.
    """
    from ams_etl.sources.calling.event_loop import run
    from ams_etl.sources.connections import mycase_connection
    from ams_etl.sources.mycase import open_mycase
    from ams_etl.store.logins.oauth_tokens import mycase_tokens

    agencies = load_agencies()
    found = agencies.get(agency)
    connection, tokens = mycase_connection(agencies, found), mycase_tokens(agencies, found, prepare())

    state = secrets.token_urlsafe(16)

    async def address() -> str:
        async with open_mycase(connection, tokens) as mycase:
            return mycase.authorize_url(state)

    async def exchange(given: str) -> None:
        async with open_mycase(connection, tokens) as mycase:
            await mycase.exchange(given)

    if code is None:
        click.echo(f"Open this as a person of the firm who may manage its preferences:\n\n  {run(address())}\n")
        code = code_in(click.prompt("The address that it leads to, whole", hide_input=True), state)
    run(exchange(code))
    click.echo(f"{agency}: access granted; check it with `ams-etl doctor {agency}`")


def code_in(address: str, state: str) -> str:
    """The code in the address that granting led to.

    Raises:
        ConfigError: there is none, or the address answers another request than ours.
    """
    found = parse_qs(urlsplit(address.strip()).query)
    if found.get("state") != [state]:
        raise ConfigError("that address does not answer this request (its state differs); begin again")
    if "code" not in found:
        raise ConfigError("that address holds no code: access was not granted")
    return found["code"][0]
