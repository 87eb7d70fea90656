"""`ams-etl doctor`: what would keep a sync from working, and what to do about it."""

from collections.abc import Callable
from typing import Any

import click

from ams_etl.cli.instance import load_environment_file
from ams_etl.errors import AmsEtlError, PermanentError
from ams_etl.rules.accounts.plan_codes import PlanMappings
from ams_etl.settings import Agency, home, load_agencies
from ams_etl.store.database import connect, database_url, redacted
from ams_etl.store.migrations import sql_folder, upgrade


@click.command()
@click.argument("agency")
def doctor(agency: str) -> None:
    """Check settings, database, the agency system's login, rights and clock for AGENCY; exit code 1 when one is wrong."""
    load_environment_file()
    found = load_agencies().get(agency)
    click.echo("settings    ok")
    url = database_url(home())
    with connect(url) as connection:
        upgrade(connection, sql_folder())
    click.echo(f"database    ok ({redacted(url)})")
    wrong = _check_system(found, url)
    if found.benefitpoint is not None:
        click.echo("and its BenefitPoint:")
        wrong += _check_benefitpoint(found)
        wrong += _check_codes(found.id, found.benefitpoint.plan_mappings, url)
    if wrong:
        raise PermanentError(f"{wrong} of the checks failed; each line above says what to do")


def _check_system(agency: Agency, url: str) -> int:
    from ams_etl.defs.resources import AgenciesFile
    from ams_etl.sources.ams360 import open_ams360
    from ams_etl.sources.calling.event_loop import run
    from ams_etl.sources.calling.probe import Probe
    from ams_etl.sync.extract.opening import opening_of

    async def ask() -> list[Probe]:
        if agency.system == "ams360":
            async with open_ams360(AgenciesFile().ams360(agency.id)) as ams360:
                return await ams360.probe()
        opening, _ = opening_of(load_agencies(), agency, url)
        async with opening() as extractor:
            return await extractor.probe()

    return _tell(run, ask)


def _check_benefitpoint(agency: Agency) -> int:
    from ams_etl.defs.resources import AgenciesFile
    from ams_etl.sources.benefitpoint.client import open_benefitpoint
    from ams_etl.sources.calling.event_loop import run
    from ams_etl.sources.calling.probe import Probe

    async def ask() -> list[Probe]:
        async with open_benefitpoint(AgenciesFile().benefitpoint(agency.id)) as benefitpoint:
            return await benefitpoint.probe()

    return _tell(run, ask)


def _check_codes(agency: str, mappings: PlanMappings, url: str) -> int:
    """Whether both systems list what the settings map (B5), as last read."""
    from ams_etl.writeback.benefit_plans.codes import mistakes

    with connect(url) as connection:
        found = mistakes(connection, agency, mappings)
    for mistake in found:
        click.secho(f"WRONG  {mistake}", fg="red")
    if not found:
        carriers, lines = (len(one.ids) + len(one.names) for one in (mappings.carriers, mappings.lines_of_business))
        click.echo(f"ok     codes of plans: {carriers} carriers and {lines} lines_of_business are mapped")
    return len(found)


def _tell(run: Callable[..., Any], ask: Callable[[], Any]) -> int:
    from ams_etl.sources.calling.probe import Probe

    try:
        probes = run(ask())
    except AmsEtlError as error:
        probes = [Probe("login", False, str(error))]
    for probe in probes:
        click.secho(
            f"{'ok' if probe.ok else 'WRONG':<6} {probe.operation}: {probe.message}", fg=None if probe.ok else "red"
        )
    return sum(not probe.ok for probe in probes)
