"""Email addresses (C7)."""

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

_SEPARATORS = re.compile(r"[;,\s]+")
# What nearly every address looks like: these need no parser to be valid, a property test holds it to that.
_PLAIN = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*\.[a-z]{2,24}\Z"
)
_RESERVED = ("local", "localhost", "invalid", "test", "arpa", "onion")


@lru_cache(maxsize=1 << 16)
def emails_in(field: str | None) -> tuple[tuple[str, ...], int]:
    """C7: the addresses in a field (`;`, `,`, blanks part them), lower case, each once, and how many were invalid."""
    if not field:
        return (), 0
    good: dict[str, None] = {}
    invalid = 0
    for part in _SEPARATORS.split(field.strip("<>\"'()")):
        given = part.strip("<>\"'()").removeprefix("mailto:")
        if not given:
            continue
        address = _valid(given.lower())
        if address:
            good[address] = None
        elif "@" in given:
            invalid += 1
    if not good and not invalid:
        invalid = 1
    return tuple(good), invalid


def _valid(address: str) -> str | None:
    if _PLAIN.match(address) and len(address) <= 60 and address.rsplit(".", 1)[1] not in _RESERVED:
        return address
    try:
        return validate_email(address, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        return None
