"""Which customers a person means: by the number that the agency's people know, by id, or by an email address."""

from collections.abc import Iterable
from typing import Any

import psycopg

from ams_etl.errors import ConfigError
from ams_etl.rules.settings import RuleSettings
from ams_etl.store.agency_db import column
from ams_etl.sync.identity import is_uuid
from ams_etl.sync.interpret.registry import interpreter_for

_BY_EMAIL = """select distinct s.customer_id from mart.contact_emails e join mart.contact_sources s using (agency, contact_id)
    where e.agency = %s and e.email = lower(%s) and s.system = %s and s.customer_id is not null order by 1"""


def customers_meant(
    connection: psycopg.Connection[Any], agency: str, names: Iterable[str], settings: RuleSettings
) -> list[str]:
    """Return the customer ids that people mean, each once.

    Args:
        connection: autocommit; nothing is written.
        agency: the agency id.
        names: each a CustomerNumber, a customer id or an email address. An id need not be stored yet.
        settings: the agency's rule settings, for its system.

    Raises:
        ConfigError: a name has no such form, or is a number or an email that nothing stored has.
    """
    return list(
        dict.fromkeys(customer for name in names for customer in _meant(connection, agency, name.strip(), settings))
    )


def check_form(place: str, name: str) -> None:
    """Refuse what can be no customer of any system, before anything is asked for.

    Raises:
        ConfigError: the name is no number, id or email address; `place` is where it is written.
    """
    bare = name.strip()
    if not ("@" in bare or (bare.isascii() and bare.isdigit()) or is_uuid(bare)):
        raise ConfigError(
            f"{place}: {name!r}: expected a CustomerNumber such as 1017, a CustomerId such as "
            "00000000-0000-0000-0000-000000000000, or an email address"
        )


def _meant(connection: psycopg.Connection[Any], agency: str, name: str, settings: RuleSettings) -> list[str]:
    system = settings.source_system
    if "@" in name:
        found = column(connection, _BY_EMAIL, (agency, name, system))
        if not found:
            raise ConfigError(f"{agency} has no customer with the email {name!r}; give its CustomerNumber or id")
        return found
    if name.isascii() and name.isdigit() and len(name) <= 9:
        by_number = interpreter_for(settings).CUSTOMERS_BY_NUMBER
        found = column(connection, by_number, {"agency": agency, "number": int(name)})
        if found or system != "ams360":
            # Other systems' ids are numbers, too.
            return found or [name]
        raise ConfigError(
            f"{agency} has no customer with the number {name} yet: `ams-etl sync {agency} --changed` reads new ones, or give "
            "the CustomerId"
        )
    if system == "ams360" and not is_uuid(name):
        raise ConfigError(
            f"{name!r}: expected a CustomerNumber such as 1017, a CustomerId such as "
            "00000000-0000-0000-0000-000000000000, or an email address"
        )
    return [name]
