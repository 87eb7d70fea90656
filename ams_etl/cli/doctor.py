"""`ams-etl doctor`: find what would keep a sync from working, and say what to do about it."""

import os
from collections.abc import Callable
from typing import Any

import click
import psycopg

from ams_etl.errors import AmsEtlError, ConfigError, PermanentError, TransientError
from ams_etl.rules.accounts.plan_codes import PlanMappings
from ams_etl.settings import Agencies, Agency, home, load_agencies
from ams_etl.settings.environment_file import load_environment_file
from ams_etl.settings.file import shown_variable
from ams_etl.store.database import connect, database_url, redacted, why_this_database
from ams_etl.store.logins.login_checks import store_check
from ams_etl.store.logins.login_refusals import forget_refusals
from ams_etl.store.migrations import sql_folder, upgrade


@click.command()
@click.argument("agency", required=False)
@click.option(
    "--retry-login", is_flag=True, help="Try a login that was refused less than a day ago, after somebody unlocked it."
)
def doctor(agency: str | None, *, retry_login: bool) -> None:
    """Check settings, database, login, rights and clock for AGENCY's system, or for every agency.

    Every agency is checked to its end, whatever is wrong with another; exit code 1 when a check fails.
    """
    load_environment_file()
    agencies = load_agencies()
    chosen = agencies.all if agency is None else (agencies.get(agency),)
    if agencies.unusable and agency is None:
        for mistake in agencies.unusable.values():
            click.secho(f"WRONG  {agencies.path}: {mistake}", fg="red")
    else:
        click.echo("settings    ok")
    url = database_url(home(), create=True)
    with connect(url) as connection:
        upgrade(connection, sql_folder(), beside_newer=True)
        if retry_login:
            for settings in chosen:
                forget_refusals(connection, settings.id)
        click.echo(f"database    ok ({redacted(url)}: {why_this_database(home())})")
        _show_followers(connection, agencies)
    failed = _check_workers() + _check_shared(agencies) + (len(agencies.unusable) if agency is None else 0)
    for settings in chosen:
        if agency is None:
            click.secho(f"\n{settings.id}", bold=True)
        failed += _check_agency(agencies, settings, url)
    if failed:
        raise PermanentError(f"{failed} of the checks failed; each line above says what to do")


def _check_agency(agencies: Agencies, settings: Agency, url: str) -> int:
    remark = agencies.without_effect.get(settings.id)
    if remark is not None:
        click.secho(f"WRONG  {agencies.path}: {remark}", fg="red")
    failed = (
        int(remark is not None)
        + _check_inbound(agencies, settings)
        + _check_login(agencies, settings, settings.system, url)
    )
    if settings.system == "ams360":
        _list_activity_actions(settings)
        failed += _is_wrong(lambda: _check_writeback_zone(agencies, settings))
    if settings.benefitpoint is not None:
        click.echo("and its BenefitPoint:")
        failed += _check_login(agencies, settings, "benefitpoint", url)
        failed += _check_codes(settings.id, settings.benefitpoint.plan_mappings, url)
    return failed


def _show_followers(connection: psycopg.Connection[Any], agencies: Agencies) -> None:
    """Say whether a follower lives, and which agencies it leaves to runs: without one all works, slower."""
    from ams_etl.store.signs_of_life.followers import handed_over, living

    if not any(agency.notifications or agency.events for agency in agencies.all):
        return
    found = living(connection)
    click.echo(
        f"follower    {', '.join(found) or 'none lives: changes take some 15 s, by the sensors (`ams-etl follow`)'}"
    )
    for agency, reason in handed_over(connection).items():
        click.echo(f"            leaves {agency} to a run: {reason}")


def _check_workers() -> int:
    """Check, where runs go to several machines, that Redis answers and that workers have room for runs."""
    if not os.environ.get("AMS_ETL_CELERY_BROKER"):
        return 0

    def workers() -> None:
        try:
            from ams_etl.workers.application import broker_url, living_workers
        except ImportError:
            raise ConfigError("Celery is not installed: pip install 'ams_etl[celery]'") from None
        try:
            found = living_workers(broker_url())
        except TransientError as error:
            raise ConfigError(str(error)) from None
        if not found:
            raise ConfigError("no worker answers: start `ams-etl worker` on each host that is to execute runs")
        listed = ", ".join(f"{name} ({slots})" for name, slots in found.items())
        click.echo(
            f"workers     {sum(found.values())} slots: {listed}; max_concurrent_runs in dagster.yaml must not be more"
        )

    return int(_is_wrong(workers))


def _check_shared(agencies: Agencies) -> int:
    """Check what all agencies share: the key for notifications that cannot be redacted."""
    from ams_etl.inbound.notifications.sealing import BodySeal

    def body_key() -> None:
        where = f"{agencies.path}: inbound.body_key_env"
        if any(agency.notifications for agency in agencies.all) and agencies.body_key() is None:
            raise ConfigError(
                f"{where}: expected {shown_variable(agencies.inbound.body_key_env)} to be set, so that a notification that "
                "cannot be parsed is stored encrypted; make a key with `openssl rand -base64 32 | tr '+/' '-_'`"
            )
        BodySeal(agencies.body_key(), where)

    return int(_is_wrong(body_key))


def _check_inbound(agencies: Agencies, agency: Agency) -> int:
    """Check what `ams-etl inbound` would need of this agency."""
    from ams_etl.inbound.server import mistakes_of

    found = mistakes_of(agencies, agency)
    for mistake in found:
        click.secho(f"WRONG  {mistake}", fg="red")
    return len(found)


def _is_wrong(check: Callable[[], object]) -> bool:
    try:
        check()
    except ConfigError as error:
        click.secho(f"WRONG  {error}", fg="red")
        return True
    return False


def _check_login(agencies: Agencies, agency: Agency, system: str, url: str) -> int:
    """Print one line per question and return how many failed; a connection that does not open counts as a failed login."""
    from ams_etl.sources.calling.probe import failed
    from ams_etl.sync.extract.probing import blame, probe_system

    try:
        probes = probe_system(agencies, agency, system, url)
    except AmsEtlError as error:
        probes = [failed("login", error)]
    for probe in probes:
        click.secho(
            f"{'ok' if probe.ok else 'WRONG':<6} {probe.operation}: {probe.message}", fg=None if probe.ok else "red"
        )
    if not any(probe.was_away for probe in probes):
        with connect(url) as connection:
            store_check(connection, agency.id, system, blame(probes))
    return sum(not probe.ok for probe in probes)


def _check_writeback_zone(agencies: Agencies, agency: Agency) -> None:
    """Demand the zone of AMS360's times where the platform's events are taken: without it, what carries a time waits."""
    if agency.events is not None and agency.writeback.timezone is None and agencies.schedule.chosen_zone is None:
        raise ConfigError(
            f"{agencies.path}: agencies.{agency.id}.writeback.timezone: expected the time zone of this agency's AMS360, such "
            "as America/Los_Angeles; notes, activities and suspenses wait until it is set"
        )


def _list_activity_actions(agency: Agency) -> None:
    """List what is written as ActivityAction (W3): AMS360 has no operation that lists the agency's own."""
    from ams_etl.rules.writeback.activities import actions_that_are_written

    click.echo(
        "ok     activities are written with these actions; AMS360 must have them (`activity_actions` changes them):"
    )
    for key, action in actions_that_are_written(agency.settings.activity_actions).items():
        click.echo(f"       {key:<20} {action}")


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
