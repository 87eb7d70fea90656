"""Ask once a day whether each login works, and report one that does not: the agency's technical contact hears of it, too."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from ams_etl.alerts.incidents import Condition
from ams_etl.errors import AmsEtlError, ConfigError, TransientError
from ams_etl.settings import Agencies, Agency
from ams_etl.settings.alerts import LOGIN_STOPPED
from ams_etl.settings.systems import SYSTEM_NAMES
from ams_etl.store.database import connect
from ams_etl.store.logins.login_checks import claim_due, problems, store_check
from ams_etl.sync.extract.probing import problem_of_login, systems_of

_log = logging.getLogger(__name__)
DAY_HOURS = 24.0
AGAIN_HOURS = 1.0
"""A login that does not work is asked about again so soon; the same secret is not tried again within a day by that."""
_EVERY_SECONDS = 60.0
_WHERE = {
    "ams360": "in AMS360 under Administration > Web Service API",
    "benefitpoint": "in BenefitPoint, among its users",
    "hawksoft": "in HawkSoft, and with the vendor who gave the client secret",
    "qq_catalyst": "in QQ Catalyst, among its users",
    "mycase": "in MyCase: access is granted again with `ams-etl grant`",
}


def keep_checking(url: str, agencies: Callable[[], Agencies]) -> None:
    """Check whatever is due, until the process ends; Postgres may go away and come back.

    Args:
        url: the Postgres.
        agencies: reads agencies.yaml, so that an edit counts from the next look on.
    """
    while True:
        try:
            with connect(url, application_name="ams_etl login checks") as connection:
                while check_due(connection, url, agencies()):
                    pass
        except (AmsEtlError, psycopg.Error) as error:
            _log.warning("logins are not checked: %s", type(error).__name__)
        time.sleep(_EVERY_SECONDS)


def check_due(connection: psycopg.Connection[Any], url: str, agencies: Agencies) -> bool:
    """Check one login that is due, and return whether there was one.

    A refused login is not tried again with the same secret within a day: asking then only repeats what is known.
    """
    logins = [(agency.id, system) for agency in agencies.all for system in systems_of(agency)]
    claimed = claim_due(connection, logins, hours=DAY_HOURS, hours_of_bad=AGAIN_HOURS)
    if claimed is None:
        return False
    agency, system = claimed
    try:
        problem = problem_of_login(agencies, agencies.get(agency), system, url)
    except (TransientError, ConfigError) as error:
        _log.warning("the login of %s to %s was not checked: %s", agency, system, error)
    else:
        store_check(connection, agency, system, problem)
    return True


def stopped_logins(connection: psycopg.Connection[Any], agencies: Sequence[Agency]) -> list[Condition]:
    """Return a condition for each login that does not work."""
    names = {agency.id: agency.name for agency in agencies}
    return [
        Condition(
            key=f"{LOGIN_STOPPED}:{found.agency}:{found.system}",
            agency=found.agency,
            kind=LOGIN_STOPPED,
            severity="error",
            title=f"the login of {names[found.agency]} to {SYSTEM_NAMES[found.system]} does not work",
            detail=found.problem or "",
            what_to_do=f"look {_WHERE[found.system]}: was the password changed, the login locked, or a right taken away? Give a "
            "new password to whoever runs ams-etl; Set up on the integration page has “Test connection”",
        )
        for found in problems(connection, list(names))
    ]
