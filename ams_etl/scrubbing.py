"""Take secrets and personal data out of text that others wrote, before it reaches a log, an error or a table.

A fault text of AMS360 may quote what was sent: a ticket, an email, a tax id. Our own messages never hold any of these;
what another system, a database or a library says goes through `scrubbed` first.
"""

import re

_SHORTEST_SECRET = 6
_secrets: set[str] = set()

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # user:password@ of an address.
    (re.compile(r"(?<=://)[^\s/@]*:[^\s/]*@"), "[secret]@"),
    (
        re.compile(
            r"(?i)\b(password|passwd|pwd|ticket|token|api[_-]?key|secret|authorization)(\W{1,4})(?!\[)[^\s,;<>&]+"
        ),
        r"\1\2[secret]",
    ),
    (re.compile(r"[\w.%+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"), "[email]"),
    # Ids of records (GUIDs) stay: people look them up. Everything below is a number of a person.
    (re.compile(r"(?<![\w-])\d{3}[-. ]\d{2}[-. ]\d{4}(?![\w-])"), "[number]"),
    (re.compile(r"(?<![\w-])\d{2}-\d{7}(?![\w-])"), "[number]"),
    (re.compile(r"(?<![\w-])(?:\+?1[-. ]?)?\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}(?![\w-])"), "[number]"),
    (re.compile(r"(?<![\w-])\d{9,19}(?![\w-])"), "[number]"),
    (re.compile(r"(?<![\w-])[A-Z]{1,2}\d{6,14}(?![\w-])"), "[number]"),
)
_LONGEST = 4_000
"""A message beyond it is cut: what is said first says what happened."""


def remember_secret(value: str) -> None:
    """Have `scrubbed` take this value out of every text from now on.

    Args:
        value: a password, token or ticket; shorter ones than 6 characters would blank out words and are passed over.
    """
    if len(value) >= _SHORTEST_SECRET:
        _secrets.add(value)


def forget_secret(value: str) -> None:
    """Let go of a value that is worth nothing any more, such as a ticket that was logged out."""
    _secrets.discard(value)


def scrubbed(text: str) -> str:
    """Return the text without known secrets, credentials, emails, phone numbers, SSN, tax id and licence shapes.

    Ids of records, operation names, member names, dates and times stay as they are.
    """
    # The bound comes after the secrets: a secret that is cut in two would no longer be found.
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    text = text[: 4 * _LONGEST]
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
