"""The address that an answer about being written to belongs to, in the form that contacts have it."""

from ams_etl.rules.reach.emails import emails_in
from ams_etl.rules.reach.phones import normalise


def consent_address(channel: str, given: str, country: str) -> str | None:
    """Return an address as `ops.consents` holds it, read as those of contacts are; None where it does not fit the channel.

    Args:
        channel: email, text, phone or mail.
        given: as somebody wrote it; a contact id for mail.
        country: of a number that names none.
    """
    if channel == "email":
        found, _ = emails_in(given)
        return found[0] if len(found) == 1 else None
    if channel == "mail":
        return given.strip().lower() or None
    return normalise(None, given, None, country)[0]
