"""The marks inside names that N10 speaks of: which words are marks, and which flag each raises."""

import re
from collections.abc import Mapping
from functools import lru_cache

DECEASED = "deceased"
DO_NOT_CONTACT = "do_not_contact"
SUPPRESSING = (DECEASED, DO_NOT_CONTACT)
"""Flags that make a contact unsendable, the graver first."""

_MARKS: Mapping[str, str] = {
    **dict.fromkeys(
        ("deceased", "decd", "dec", "died", "dod", "rip", "passed", "passed away", "late", "estate of", "estate"),
        DECEASED,
    ),
    **dict.fromkeys(
        (
            "dnc", "do not contact", "do not call", "do not email", "do not e mail", "do not mail", "do not text",
            "do not solicit", "no contact", "dont contact", "dont call", "dont email", "dnm", "dns", "do not market",
        ),
        DO_NOT_CONTACT,
    ),
    **dict.fromkeys(("minor", "child"), "minor"),
    **dict.fromkeys(
        ("former", "formerly", "ex", "divorced", "separated", "moved", "sold", "closed", "cancelled", "canceled"),
        "former",
    ),
    **dict.fromkeys(("inactive", "duplicate", "dup", "do not use", "test", "old", "new", "prospect"), "note"),
    **dict.fromkeys(
        (
            "owner", "spouse", "wife", "husband", "partner", "son", "daughter", "mother", "father", "trustee", "client",
            "executor", "poa", "widow", "widowed", "widower", "insured", "primary", "secondary", "dba", "hoh",
            "customer", "mr", "mrs", "ms", "dr", "miss",
        ),
        "role",
    ),
}  # fmt: skip
_GRAVITY = ("deceased", "do_not_contact", "minor", "former", "note", "role")
# Said without parentheses these can be nothing but a mark; "Minor" or "Former" could be a name.
_WORDS = r"deceased|dec'd|dec’d|decd|do[ -]not[ -](?:contact|call|e-?mail|mail|text|solicit|use|market)"
_AROUND, _AFTER = r"[\s*\-–—/,:]*(?:\*+\s*)?", r"\.?[\s*]*"
_BARE = re.compile(rf"{_AROUND}\b({_WORDS}|dnc)\b{_AFTER}", re.IGNORECASE)
_BARE_IN_FIRM = re.compile(rf"{_AROUND}\b({_WORDS})\b{_AFTER}", re.IGNORECASE)
_ESTATE = re.compile(r"^(?:the\s+)?estate of(?: the late)?\s+", re.IGNORECASE)
_NOT_WORD = re.compile(r"[^\w\s]+")
_DASH = re.compile(r"[-–—/]+")


def mark_in(content: str, further: Mapping[str, str]) -> str | None:
    """The flag that a parenthesis raises, or None when it is a nickname.

    Several marks in one parenthesis (`former spouse`, `minor child`) raise the gravest flag; dates are passed over.

    Args:
        content: what stands between the parentheses.
        further: the agency's own marks (`name_marks`), mark -> flag.
    """
    plain = _plain(content)
    for mark, raised in further.items():
        if _plain(mark) == plain:
            return raised
    known = _MARKS.get(plain)
    if known:
        return known
    words = [word for word in plain.split() if not word.isdigit()]
    if words and all(word in _MARKS for word in words):
        return min((_MARKS[word] for word in words), key=_GRAVITY.index)
    said = _BARE.search(content)
    return _flag_of(said[1]) if said else None


def without_bare_marks(name: str, *, firm: bool = False) -> tuple[str, tuple[str, ...]]:
    """The name without marks that stand outside parentheses, and their flags.

    `DNC` may be a company's own name, so in a firm's name it is none; an `Estate of` is a person's.
    """
    flags: tuple[str, ...] = ()
    pattern = _BARE_IN_FIRM if firm else _BARE
    found = pattern.findall(name)
    if found:
        name = " ".join(pattern.sub(" ", name).split())
        flags = tuple(_flag_of(words) for words in found)
    if not firm and _ESTATE.match(name):
        name = _ESTATE.sub("", name)
        flags = (*flags, DECEASED)
    return name, flags


@lru_cache(maxsize=4096)
def _plain(content: str) -> str:
    return " ".join(_NOT_WORD.sub("", _DASH.sub(" ", content.lower())).split())


def _flag_of(words: str) -> str:
    return _MARKS.get(_plain(words), DO_NOT_CONTACT)


def suppressed_by(flags: tuple[str, ...]) -> str | None:
    """The reason that forbids sending, or None."""
    return next((flag for flag in SUPPRESSING if flag in flags), None)
