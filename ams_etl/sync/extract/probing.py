"""Ask an agency's systems whether its logins work and may read what a sync reads."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from ams_etl.errors import LoginRefused, PermanentError, TransientError
from ams_etl.settings import Agencies, Agency
from ams_etl.sources.ams360 import open_ams360
from ams_etl.sources.benefitpoint.client import open_benefitpoint
from ams_etl.sources.calling.event_loop import run
from ams_etl.sources.calling.probe import Probe
from ams_etl.sources.connections import ams360_connection, benefitpoint_connection
from ams_etl.store.shared_access.access import SharedAccess
from ams_etl.sync.extract.opening import opening_of


def systems_of(agency: Agency) -> list[str]:
    """Return the systems that an agency logs in to."""
    return [agency.system, *(["benefitpoint"] if agency.benefitpoint is not None else [])]


def probe_system(agencies: Agencies, agency: Agency, system: str, database_url: str) -> list[Probe]:
    """Ask one of the agency's systems one cheap question of every kind that a sync asks.

    Raises:
        LoginRefused: the login is refused, or was less than a day ago; then nothing is asked.
        ConfigError: a secret is not set.
        TransientError: the system cannot be reached.
    """
    return run(_questions(agencies, agency, system, database_url)())


def problem_of_login(agencies: Agencies, agency: Agency, system: str, database_url: str) -> str | None:
    """Return what is wrong with a login, its secret or its rights, or None: it works.

    Raises:
        TransientError: the system was away, which says nothing about the login.
        ConfigError: it cannot be asked from here: the secret is not set for this process.
    """
    try:
        probes = probe_system(agencies, agency, system, database_url)
    except (LoginRefused, PermanentError) as error:
        return str(error)
    problem = blame(probes)
    away = next((probe for probe in probes if probe.was_away), None)
    if problem is None and away is not None:
        raise TransientError(f"{away.operation}: {away.message}")
    return problem


def blame(probes: Sequence[Probe]) -> str | None:
    """Return what the answers say is wrong with the login, or None."""
    blamed = [probe for probe in probes if not probe.ok and probe.blames_login]
    if not blamed:
        return None
    more = f" (and {len(blamed) - 1} more)" if len(blamed) > 1 else ""
    return f"{blamed[0].operation}: {blamed[0].message}{more}"


def _questions(
    agencies: Agencies, agency: Agency, system: str, database_url: str
) -> Callable[[], Coroutine[Any, Any, list[Probe]]]:
    async def ask_ams360() -> list[Probe]:
        shared = SharedAccess(database_url, agency.id, "ams360", own_login=True)
        async with open_ams360(ams360_connection(agencies, agency, shared)) as ams360:
            return await ams360.probe()

    async def ask_benefitpoint() -> list[Probe]:
        shared = SharedAccess(database_url, agency.id, "benefitpoint")
        async with open_benefitpoint(benefitpoint_connection(agencies, agency, shared)) as benefitpoint:
            return await benefitpoint.probe()

    async def ask_other() -> list[Probe]:
        opening, _ = opening_of(agencies, agency, database_url)
        async with opening() as extractor:
            return await extractor.probe()

    return {"ams360": ask_ams360, "benefitpoint": ask_benefitpoint}.get(system, ask_other)
