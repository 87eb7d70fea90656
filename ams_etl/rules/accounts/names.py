"""Names of accounts: what one is called, and when two are called the same."""

import re
import unicodedata
from functools import lru_cache

from ams_etl.rules.records.ams360 import Customer
from ams_etl.rules.records.record_types import record_type_of

_PARENTHESIS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_WORD = re.compile(r"[a-z0-9]+")
_ENDINGS = frozenset(
    ["llc", "inc", "incorporated", "co", "company", "corp", "corporation", "ltd", "limited", "lp", "llp", "pllc", "pc", "plc"]
)  # fmt: skip


def account_name(customer: Customer, doing_business_as: str | None = None) -> str | None:
    """What an AMS360 customer's account is called: its Firm Name if commercial, else first and last name."""
    person = " ".join(part for part in (customer.first_name, customer.last_name) if part) or None
    firm = customer.firm_name
    first, second = (person, firm) if record_type_of(customer) == "personal" else (firm, person)
    return first or second or doing_business_as


_LONGEST_KEY = 500
"""Characters of a key: names are compared by an index, and Postgres indexes no value beyond 2,700 bytes."""


@lru_cache(maxsize=1 << 14)
def account_name_key(name: str | None) -> str:
    """What equal names (B8) have in common: no case, accents, punctuation, parentheses or legal ending ('' for none)."""
    plain = unicodedata.normalize("NFKD", _PARENTHESIS.sub(" ", name or "")).casefold().replace("&", " and ")
    words = _WORD.findall("".join(letter for letter in plain if not unicodedata.combining(letter)).replace("'", ""))
    joined = _join_initials(words)
    while len(joined) > 1 and joined[-1] in _ENDINGS:
        joined.pop()
    return " ".join(joined)[:_LONGEST_KEY]


def _join_initials(words: list[str]) -> list[str]:
    """Single letters in a row are one word: `L.L.C.` is `llc`."""
    joined: list[str] = []
    run = ""
    for word in words:
        if len(word) == 1:
            run += word
            continue
        joined += [run] if run else []
        joined.append(word)
        run = ""
    return [*joined, run] if run else joined
