"""Email addresses."""

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from ams_etl.rules.records.ams360 import Customer, CustomerContact, Source

_SEPARATORS = re.compile(r"[;,\s]+")
_AROUND = "<>\"'()[]."
# What nearly every address looks like: these need no parser to be valid, a property test holds it to that.
_PLAIN = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*\.[a-z]{2,24}\Z"
)
_RESERVED = ("local", "localhost", "invalid", "test", "arpa", "onion")


@lru_cache(maxsize=1 << 16)
def emails_in(field: str) -> tuple[tuple[str, ...], int]:
    """C7: the addresses in a field (`;`, `,`, blanks part them), lower case, each once, and how many were invalid."""
    good: dict[str, None] = {}
    invalid = 0
    for part in _SEPARATORS.split(field):
        given = part.strip(_AROUND)
        given = given.lower().removeprefix("mailto:")
        if not given:
            continue
        address = _valid(given)
        if address:
            good[address] = None
        else:
            invalid += 1
    return tuple(good), invalid


def emails_of(record: Source) -> tuple[str, ...]:
    """A record's email addresses; where its email field has none, those that stand in its name fields."""
    if record.email:
        emails, _ = emails_in(record.email)
        if emails:
            return emails
    if isinstance(record, Customer):
        names: tuple[str | None, ...] = (record.first_name, record.last_name, record.firm_name)
    elif isinstance(record, CustomerContact):
        names = (record.contact_name,)
    else:
        names = (record.first_name, record.last_name)
    for name in names:
        if name and "@" in name:
            emails, _ = emails_in(name)
            if emails:
                return emails
    return ()


def _valid(address: str) -> str | None:
    if _PLAIN.match(address) and len(address) <= 60 and address.rsplit(".", 1)[1] not in _RESERVED:
        return address
    try:
        return validate_email(address, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None
