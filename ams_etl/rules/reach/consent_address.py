"""The address that an answer about being written to belongs to, in the form that contacts have it."""

import re
from uuid import UUID

from ams_etl.rules.reach.emails import emails_in
from ams_etl.rules.reach.phones import normalise

_FEWEST_DIGITS = 7
_AS_A_SUM = re.compile(r"\d+(?:[.,]\d*)?[eE]\+?\d+|\d{7,}[.,]0*")
"""What a spreadsheet makes of a number: `4.15556E+09`, `4155550142.0`; the first has lost digits."""


def consent_address(channel: str, given: str, country: str) -> str | None:
    """Return an address as `ops.consents` holds it, read as those of contacts are; None where it does not fit the channel.

    Args:
        channel: email, text, phone or mail.
        given: as somebody wrote it; a contact id for mail.
        country: of a number that names none.
    """
    if channel == "email":
        found, _ = emails_in(given)
        # Of two addresses one may be no valid one: its owner's answer would be lost.
        return found[0] if len(found) == 1 and given.count("@") == 1 else None
    if channel == "mail":
        try:
            return str(UUID(given.strip()))
        except ValueError:
            return None
    if _AS_A_SUM.fullmatch(given.strip()):
        return None
    number = normalise(None, given, None, country)[0]
    return number if number and len(number.removeprefix("+")) >= _FEWEST_DIGITS else None
