"""`ams-etl doctor`: what would keep a sync from working, and what to do about it."""

import click

from ams_etl.cli.instance import load_environment_file
from ams_etl.errors import AmsEtlError, PermanentError
from ams_etl.settings import Agency, home, load_agencies
from ams_etl.store.database import connect, database_url, redacted
from ams_etl.store.migrations import sql_folder, upgrade


@click.command()
@click.argument("agency")
def doctor(agency: str) -> None:
    """Check settings, database, AMS360's login, rights and clock for AGENCY; exit code 1 when something is wrong."""
    load_environment_file()
    found = load_agencies().get(agency)
    click.echo("settings    ok")
    url = database_url(home())
    with connect(url) as connection:
        upgrade(connection, sql_folder())
    click.echo(f"database    ok ({redacted(url)})")
    wrong = _check_ams360(found)
    if wrong:
        raise PermanentError(f"{wrong} of the checks failed; each line above says what to do")


def _check_ams360(agency: Agency) -> int:
    from ams_etl.defs.resources import AgenciesFile
    from ams_etl.sources.ams360 import Probe, open_ams360, run

    async def ask() -> list[Probe]:
        async with open_ams360(AgenciesFile().ams360(agency.id)) as ams360:
            return await ams360.probe()

    try:
        probes = run(ask())
    except AmsEtlError as error:
        probes = [Probe("login", False, str(error))]
    for probe in probes:
        click.secho(
            f"{'ok' if probe.ok else 'WRONG':<6} {probe.operation}: {probe.message}", fg=None if probe.ok else "red"
        )
    return sum(not probe.ok for probe in probes)
