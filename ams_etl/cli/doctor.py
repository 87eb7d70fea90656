"""`ams-etl doctor`: find what would keep a sync from working, and say what to do about it."""

from collections.abc import Callable
from typing import Any

import click

from ams_etl.cli.instance import load_environment_file
from ams_etl.errors import AmsEtlError, PermanentError
from ams_etl.rules.accounts.plan_codes import PlanMappings
from ams_etl.settings import Agencies, Agency, home, load_agencies
from ams_etl.store.database import connect, database_url, redacted
from ams_etl.store.migrations import sql_folder, upgrade


@click.command()
@click.argument("agency")
def doctor(agency: str) -> None:
    """Check settings, database, login, rights and clock for AGENCY's system; exit with code 1 when a check fails."""
    load_environment_file()
    agencies = load_agencies()
    settings = agencies.get(agency)
    click.echo("settings    ok")
    url = database_url(home())
    with connect(url) as connection:
        upgrade(connection, sql_folder())
    click.echo(f"database    ok ({redacted(url)})")
    failed = _check_system(agencies, settings, url)
    if settings.benefitpoint is not None:
        click.echo("and its BenefitPoint:")
        failed += _check_benefitpoint(agencies, settings)
        failed += _check_codes(settings.id, settings.benefitpoint.plan_mappings, url)
    if failed:
        raise PermanentError(f"{failed} of the checks failed; each line above says what to do")


def _check_system(agencies: Agencies, agency: Agency, url: str) -> int:
    from ams_etl.sources.ams360 import open_ams360
    from ams_etl.sources.calling.event_loop import run
    from ams_etl.sources.calling.probe import Probe
    from ams_etl.sources.connections import ams360_connection
    from ams_etl.sync.extract.opening import opening_of

    async def probe_system() -> list[Probe]:
        if agency.system == "ams360":
            async with open_ams360(ams360_connection(agencies, agency)) as ams360:
                return await ams360.probe()
        opening, _ = opening_of(agencies, agency, url)
        async with opening() as extractor:
            return await extractor.probe()

    return _print_probes(run, probe_system)


def _check_benefitpoint(agencies: Agencies, agency: Agency) -> int:
    from ams_etl.sources.benefitpoint.client import open_benefitpoint
    from ams_etl.sources.calling.event_loop import run
    from ams_etl.sources.calling.probe import Probe
    from ams_etl.sources.connections import benefitpoint_connection

    async def probe_benefitpoint() -> list[Probe]:
        async with open_benefitpoint(benefitpoint_connection(agencies, agency)) as benefitpoint:
            return await benefitpoint.probe()

    return _print_probes(run, probe_benefitpoint)


def _check_codes(agency: str, mappings: PlanMappings, url: str) -> int:
    """Count the mapped codes (B5) that AMS360 or BenefitPoint did not list when last read."""
    from ams_etl.writeback.benefit_plans.codes import mistakes

    with connect(url) as connection:
        unknown_codes = mistakes(connection, agency, mappings)
    for mistake in unknown_codes:
        click.secho(f"WRONG  {mistake}", fg="red")
    if not unknown_codes:
        carriers, lines = (
            len(mapping.ids) + len(mapping.names) for mapping in (mappings.carriers, mappings.lines_of_business)
        )
        click.echo(f"ok     codes of benefit plans: {carriers} carriers and {lines} lines_of_business are mapped")
    return len(unknown_codes)


def _print_probes(run: Callable[..., Any], probe_all: Callable[[], Any]) -> int:
    """Print one line per probe and return how many failed; a connection that does not open counts as a failed login."""
    from ams_etl.sources.calling.probe import Probe

    try:
        probes = run(probe_all())
    except AmsEtlError as error:
        probes = [Probe("login", False, str(error))]
    for probe in probes:
        click.secho(
            f"{'ok' if probe.ok else 'WRONG':<6} {probe.operation}: {probe.message}", fg=None if probe.ok else "red"
        )
    return sum(not probe.ok for probe in probes)
